package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/sim/dice"
)

func newNet() *Network {
	return New(Config{Dice: dice.New(1), Now: time.Now, Low: time.Millisecond, High: 2 * time.Millisecond})
}

func connect(t *testing.T, n *Network) (client, server net.Conn) {
	a, b := n.Host("a"), n.Host("b")
	l, err := b.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	client, err = a.Dial(t.Context(), "b:1")
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func read(t *testing.T, c net.Conn, n int) string {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBytesArriveInOrderAndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connect(t, newNet())
		began := time.Now()
		for i := range 10 {
			fmt.Fprint(c, i)
		}
		if got := read(t, s, 10); got != "0123456789" {
			t.Error(got)
		}
		if d := time.Since(began); d < time.Millisecond || d > 4*time.Millisecond {
			t.Error("it took", d)
		}
		_ = c.Close()
		_, err := s.Read(make([]byte, 1))
		if err != io.EOF {
			t.Error(err)
		}
	})
}

func TestACutLinkHoldsBytesUntilItHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet()
		c, s := connect(t, n)
		n.Cut("a", "b")
		fmt.Fprint(c, "x")
		fmt.Fprint(s, "y")
		if read(t, c, 1) != "y" {
			t.Error("the other direction does not carry")
		}
		_ = s.SetReadDeadline(time.Now().Add(time.Minute))
		_, err := s.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		_ = s.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { n.Heal("a", "b") })
		if read(t, s, 1) != "x" {
			t.Error("what was sent is lost")
		}
		n.Cut("a", "b")
		_, err = s.Read(make([]byte, 1))
		if err == nil {
			t.Error("keepalive ends nothing")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = n.hosts["a"].Dial(ctx, "b:1")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestACrashedHostReachesNobodyAndIsHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet()
		c, s := connect(t, n)
		n.hosts["b"].Crash()
		_, err := fmt.Fprint(s, "late")
		if err == nil {
			t.Error("a crashed host still writes")
		}
		_, err = c.Read(make([]byte, 8))
		if err == nil {
			t.Error("the far end hears what was written after the crash")
		}
		_, err = n.hosts["a"].Dial(t.Context(), "b:1")
		if err == nil {
			t.Error("a crashed host is reached")
		}
	})
}

func TestAVanishedHostIsHeardOfWhenItsNextIncarnationIsTried(t *testing.T) {
	tests := map[string]struct {
		write  bool
		within time.Duration
	}{
		"by a probe": {within: probeEvery},
		"by a write": {write: true, within: time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNet()
				c, far := connect(t, n)
				n.hosts["b"].Vanish()
				_ = far.Close() // its process ends, in vain
				_ = c.SetReadDeadline(time.Now().Add(time.Minute))
				_, err := c.Read(make([]byte, 8))
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a power cut is heard of:", err)
				}
				_ = c.SetReadDeadline(time.Time{})
				back := time.Now()
				n.Host("b")
				if tt.write {
					_, err = c.Write([]byte("still there?"))
					if err != nil {
						t.Error("nobody has answered yet:", err)
					}
				}
				_, err = c.Read(make([]byte, 8))
				took := time.Since(back)
				if !errors.Is(err, syscall.ECONNRESET) || took == 0 || took > tt.within+time.Second {
					t.Errorf("%v after %s", err, took)
				}
			})
		})
	}
}

func TestFramesAreLostDoubledAndOvertakenWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kinds := map[string]int{}
		n := New(Config{Dice: dice.New(3), Now: time.Now, Low: time.Millisecond, High: 2 * time.Millisecond,
			Note: func(kind, _ string) { kinds[kind]++ }})
		a, b := n.Host("a"), n.Host("b")
		l, err := b.Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		const sent = 200
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range sent {
				_ = c.Write(r.Context(), websocket.MessageText, fmt.Append(nil, i))
				time.Sleep(time.Millisecond)
			}
			_ = c.Close(websocket.StatusNormalClosure, "")
		})}
		go func() { _ = srv.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return a.Dial(ctx, address) }}}
		n.Frames(Frames{Lose: 0.05, Double: 0.05, Delay: 0.05, DelayUpTo: 20 * time.Millisecond})
		c, _, err := websocket.Dial(t.Context(), "http://b:1/", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		got, order := 0, 0
		for last := -1; ; got++ {
			_, m, err := c.Read(t.Context())
			if err != nil {
				break
			}
			var i int
			_, err = fmt.Sscan(string(m), &i)
			if err != nil {
				t.Fatalf("frame %q is broken", m)
			}
			if i < last {
				order++
			}
			last = i
		}
		if kinds["lost frame"] == 0 || kinds["doubled frame"] == 0 || kinds["late frame"] == 0 || order == 0 {
			t.Error(kinds, order)
		}
		if got != sent-kinds["lost frame"]+kinds["doubled frame"] {
			t.Errorf("%d of %d frames came, %v", got, sent, kinds)
		}
		time.Sleep(time.Minute) // the close handshake ends
		_ = srv.Close()
		client.CloseIdleConnections()
	})
}
