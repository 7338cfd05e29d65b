package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// pipes is a listener whose connections live in memory.
type pipes struct {
	net.Listener // nil: nobody asks for the address
	conns        chan net.Conn
	done         chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { close(p.done); return nil }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// treatment is what befalls one work session. A zero code breaks the connection without a word.
type treatment struct {
	upgrade time.Duration // until it is open
	life    time.Duration
	code    websocket.StatusCode
}

// dials says when an agent with even dice asks for a work session, if its sessions are treated so and later ones
// like the last.
func dials(t *testing.T, fates []treatment, within time.Duration) []time.Duration {
	began := time.Now()
	var at []time.Duration
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	var serving sync.WaitGroup
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"endpoint":"http://server","telemetryEndpoint":"http://server"}`)
			return
		}
		at = append(at, time.Since(began))
		fate := fates[min(len(at), len(fates))-1]
		time.Sleep(fate.upgrade)
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // the agent has left meanwhile
		}
		time.Sleep(fate.life)
		if fate.code != 0 {
			_ = conn.Close(fate.code, "as told")
		}
		_ = conn.CloseNow()
	})}
	go func() { _ = srv.Serve(p) }()
	cfg := agentConfig(t, &server{url: "http://server"}, t.TempDir())
	cfg.Rand = func() float64 { return 0.5 }
	transport := &http.Transport{DialContext: p.dial}
	cfg.HTTP = &http.Client{Transport: transport}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.id.ARN = testInstance
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	err = a.work(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	_ = srv.Close()
	serving.Wait()
	return at
}

func TestASessionThatDidNotLiveIsFollowedByAPauseThatGrows(t *testing.T) {
	const ms = time.Millisecond
	lived := treatment{life: livedSession, code: websocket.StatusGoingAway}
	closed := treatment{code: websocket.StatusGoingAway}
	for name, c := range map[string]struct {
		fates []treatment
		want  []time.Duration // between dials
	}{
		"closed at once":      {[]treatment{closed}, []time.Duration{250 * ms, 375 * ms, 562500 * time.Microsecond}},
		"broken at once":      {[]treatment{{}}, []time.Duration{250 * ms, 375 * ms}},
		"lived":               {[]treatment{lived}, []time.Duration{livedSession, livedSession, livedSession}},
		"lived after failing": {[]treatment{closed, closed, lived, closed}, []time.Duration{250 * ms, 375 * ms, livedSession, 250 * ms}},
		"lived and broke":     {[]treatment{{life: livedSession}}, []time.Duration{livedSession + 250*ms, livedSession + 250*ms}},
		"a slow upgrade is no life": {[]treatment{{upgrade: livedSession, code: websocket.StatusGoingAway}},
			[]time.Duration{livedSession + 250*ms, livedSession + 375*ms}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := gaps(dials(t, c.fates, time.Minute))
				if len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestAServerThatClosesEverySessionIsAskedEveryTwoMinutesInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := dials(t, []treatment{{code: websocket.StatusInternalError}}, time.Hour)
		between := gaps(at)
		if len(at) > 50 || !slices.IsSorted(between) || between[len(between)-1] != 2*time.Minute {
			t.Errorf("%d dials in an hour, apart %v", len(at), between)
		}
	})
}

func gaps(at []time.Duration) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(at); i++ {
		out = append(out, at[i]-at[i-1])
	}
	return out
}

func TestPausesAreSpread(t *testing.T) {
	for dice, want := range map[float64]time.Duration{0: 80 * time.Second, 0.5: 100 * time.Second, 1: 120 * time.Second} {
		a := &Agent{cfg: Config{Rand: func() float64 { return dice }}}
		if got := a.jitter(100 * time.Second); got != want {
			t.Errorf("%g: %s", dice, got)
		}
	}
}
