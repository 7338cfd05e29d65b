package docker

import (
	"context"
	"errors"
	"log/slog"
	"net"
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

func TestADialerOfOnesOwnTakesThePlaceOfTheHost(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///run/elsewhere.sock")
	asked := errors.New("asked")
	e, err := New(Config{
		Log: slog.New(slog.DiscardHandler), Host: "unix:///run/named.sock",
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, asked },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	err = e.Ping(t.Context())
	if !errors.Is(err, asked) {
		t.Errorf("got %v", err)
	}
}
