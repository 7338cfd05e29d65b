package cli

import (
	"testing"
	"time"

	"longshore/internal/daemon"
)

func TestSinceIsADurationOrATime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"10m": noon.Add(-10 * time.Minute), "90s": noon.Add(-90 * time.Second), "2h": noon.Add(-2 * time.Hour),
		"1d": noon.AddDate(0, 0, -1), "0d": noon, "2026-01-02T15:04:05Z": time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	} {
		got, err := parseSince(text, noon)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-5m", "-1d", "10", "1.5d", "99999999999999999999d"} {
		_, err := parseSince(text, noon)
		if err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}

func FuzzParseSince(f *testing.F) {
	f.Add("10m")
	f.Add("1d")
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseSince(s, noon)
		_, isTime := time.Parse(time.RFC3339, s)
		if err == nil && isTime != nil && at.After(noon) {
			t.Errorf("%q is in the future: %s", s, at)
		}
	})
}

func TestEngineVersionsAreComparedByTheirNumbers(t *testing.T) {
	for have, want := range map[string]bool{"1.39": true, "1.40": false, "1.41": false, "2.0": false, "1.9": true, "": false} {
		if older(have, oldestEngine) != want {
			t.Errorf("older(%q, %q) = %v", have, oldestEngine, !want)
		}
	}
}

func TestScopeRowsAreWhatTheCheckOfScopeReads(t *testing.T) {
	for _, c := range []struct {
		op   daemon.Operation
		want string
	}{
		{daemon.Operation{Service: "ecs", Name: "RunTask", Served: true}, "| `ecs:RunTask` | served |  |"},
		{daemon.Operation{Service: "ecs", Name: "X", Reason: "later"}, "| `ecs:X` | refused | later |"},
		{daemon.Operation{Service: "ecs", Name: "Y"}, "| `ecs:Y` | refused | not served yet |"},
	} {
		if got := scopeRow(c.op); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestADoctorsLineCarriesItsRemedyOnlyWhenSomethingIsWrong(t *testing.T) {
	well := findingLines(false, finding{what: "clock", detail: "12:00", mend: "set it"})
	if len(well) != 1 || well[0] != "✓ clock            12:00" {
		t.Errorf("fine: %q", well)
	}
	ill := findingLines(false, finding{what: "clock", verdict: broken, detail: "1970", mend: "set it\nor else"})
	if len(ill) != 3 || ill[0] != "✗ clock            1970" || ill[2] != "                   → or else" {
		t.Errorf("broken: %q", ill)
	}
}
