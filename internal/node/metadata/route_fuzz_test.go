package metadata

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func FuzzPathsNeverGiveAwayAnotherTasksKeys(f *testing.F) {
	for _, seed := range []string{
		"/v4/" + oneEnd + "/task", "/v2/credentials/" + oneKey, "/v1/credentials?id=" + oneKey, "/v2/metadata/d1",
		"/api/" + oneEnd + "/task-protection/v1/state", "/v4/%2e%2e/v2/credentials/" + oneKey, "//v4/" + oneEnd,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Skip()
		}
		w := newWorld(t, nil)
		rec := httptest.NewRecorder()
		w.Handler().ServeHTTP(rec, &http.Request{
			Method: "GET", URL: u, Host: "169.254.170.2", RemoteAddr: "10.0.0.5:1", Header: http.Header{},
		})
		if strings.Contains(rec.Body.String(), "AKIA") || strings.Contains(rec.Body.String(), oneARN) {
			t.Errorf("%q from another task gave %s", path, rec.Body)
		}
	})
}

func TestTheAllowanceNeverExceedsBurstPlusRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bucket
		start := time.Unix(1000, 0)
		now, good := start, 0
		for range rapid.IntRange(1, 400).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 50).Draw(t, "gap")) * time.Millisecond)
			if b.take(now, 40, 60) {
				good++
			}
		}
		latest := now.Sub(start).Seconds() + 0.005*400 // the clock may have gone back
		if float64(good) > 60+40*latest+1 {
			t.Fatalf("%d requests in %.3f s", good, latest)
		}
	})
}
