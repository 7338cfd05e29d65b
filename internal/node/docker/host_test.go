package docker

import (
	"log/slog"
	"testing"
)

func TestTheEngineIsTheOneThatIsNamed(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///run/elsewhere.sock")
	for host, want := range map[string]string{
		"":                       "unix:///run/elsewhere.sock",
		"unix:///run/named.sock": "unix:///run/named.sock",
	} {
		e, err := New(Config{Host: host, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.c.DaemonHost(); got != want {
			t.Errorf("host %q asks %s, not %s", host, got, want)
		}
		_ = e.Close()
	}
}
