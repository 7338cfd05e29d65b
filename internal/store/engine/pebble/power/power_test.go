package power

import (
	"encoding/json"
	"testing"
	"time"
)

func TestNoAccidentOfTheDiskLosesAnAcknowledgedRecord(t *testing.T) {
	v := Run(t.Context(), Config{Seeds: 2000, Cuts: 64 << 10, Flips: 8192, Window: 8192, Faults: 400, Now: time.Now})
	for _, why := range v.Why {
		t.Error(why)
	}
	line, err := json.Marshal(v)
	if err != nil || !v.Enough || v.Violations > 0 {
		t.Errorf("%s %v", line, err)
	}
	t.Logf("%s", line)
}
