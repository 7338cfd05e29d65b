package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/acs"
)

// Timers of a session, as the official agent has them.
const (
	idleTimeout    = 60 * time.Second // plus up to as much again, at random
	sessionLife    = 30 * time.Minute // then the agent reconnects, so that servers can drain
	writeTimeout   = 30 * time.Second
	settledSession = time.Minute // a telemetry session that held this long resets the backoff
)

// livedSession is how long a work session must have held to be followed by another at once. The official agent asks
// for a minute; ours is to be back soon after every one of many restarts of the server, and only a server that closes
// what it has just opened needs protection.
const livedSession = 5 * time.Second

var (
	errIdle    = errors.New("server was silent for too long")
	errExpired = errors.New("session has reached its age")
)

// work keeps an ACS session open until ctx ends or the instance is deregistered.
func (a *Agent) work(ctx context.Context) error {
	first := true
	attempt := 0
	for {
		connected, err := a.session(ctx, first)
		first = first && connected.IsZero()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, ErrDeregistered) {
			return err
		}
		a.cfg.Log.Info("work session ended", "op", "acs", "err", err)
		if connected.IsZero() {
			a.forgetEndpoint()
		}
		lived := !connected.IsZero() && a.cfg.Now().Sub(connected) >= livedSession
		if lived {
			attempt = 0
		}
		if lived && closedPolitely(err) {
			continue
		}
		attempt++
		if !sleep(ctx, a.jitter(backoff(attempt, 250*time.Millisecond, 2*time.Minute))) {
			return ctx.Err()
		}
	}
}

// closedPolitely says that the server asked for an immediate reconnect, or that we did.
func closedPolitely(err error) bool {
	if errors.Is(err, errExpired) {
		return true
	}
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusAbnormalClosure,
		websocket.StatusInternalError:
		return true
	}
	return false
}

// session runs one connection and returns when the upgrade succeeded; zero = it did not.
func (a *Agent) session(ctx context.Context, first bool) (time.Time, error) {
	at, err := a.discover(ctx)
	if err != nil {
		return time.Time{}, err
	}
	q := url.Values{
		"agentHash": {"longshore"}, "agentVersion": {Version}, "clusterArn": {a.cfg.Cluster},
		"containerInstanceArn": {a.arn()}, "dockerVersion": {"DockerVersion: " + a.cfg.DockerVersion},
		"protocolVersion": {"2"}, "seqNum": {"1"}, "sendCredentials": {fmt.Sprint(first)}, "longshore": {"1"},
	}
	conn, err := a.dial(ctx, at.ACS, q)
	if err != nil {
		return time.Time{}, err
	}
	defer conn.CloseNow()
	connected := a.cfg.Now()
	a.cfg.Log.Info("connected", "cluster", a.cfg.Cluster, "node", lastPart(a.arn()), "op", "acs")
	return connected, a.listen(ctx, conn)
}

// dial opens a signed websocket.
func (a *Agent) dial(ctx context.Context, base string, q url.Values) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/ws?"+q.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("open websocket: %w", err)
	}
	err = a.api.sign(ctx, req, nil)
	if err != nil {
		return nil, fmt.Errorf("open websocket: %w", err)
	}
	conn, res, err := websocket.Dial(ctx, req.URL.String(), &websocket.DialOptions{
		HTTPClient: a.cfg.HTTP, HTTPHeader: req.Header, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, a.refusedUpgrade(res, err)
	}
	conn.SetReadLimit(int64(a.cfg.Limits.MaxBytes()))
	return conn, nil
}

// refusedUpgrade reads why the server did not switch protocols.
func (a *Agent) refusedUpgrade(res *http.Response, err error) error {
	if res == nil || res.Body == nil {
		return err
	}
	body, readErr := io.ReadAll(io.LimitReader(res.Body, 1024))
	if readErr != nil {
		return err
	}
	m, decodeErr := acs.Decode(body, a.cfg.Limits)
	e, ok := m.(*acs.Exception)
	switch {
	case decodeErr != nil || !ok:
		if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized {
			a.keys.reject()
		}
		return err
	case e.Kind == acs.InactiveInstance:
		return fmt.Errorf("%w: %s", ErrDeregistered, e.Message)
	case e.Kind == "AccessDeniedException":
		a.keys.reject()
	}
	return e
}

// listen reads frames until the connection ends, is idle or has reached its age.
func (a *Agent) listen(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idleFor := idleTimeout + time.Duration(a.cfg.Rand()*float64(idleTimeout))
	idle := time.AfterFunc(idleFor, func() { cancel(errIdle) })
	defer idle.Stop()
	life := time.AfterFunc(sessionLife+time.Duration(a.cfg.Rand()*float64(5*time.Minute)), func() { cancel(errExpired) })
	defer life.Stop()
	var side sync.WaitGroup
	defer side.Wait()
	defer cancel(nil)
	h := &handler{a: a, ctx: ctx, side: &side, reply: func(m acs.Message) error { return send(ctx, conn, m) }}
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				_ = conn.Close(websocket.StatusNormalClosure, "ConnectionExpired: Reconnect to continue")
				return cause
			}
			return err
		}
		idle.Reset(idleFor)
		m, err := acs.Decode(data, a.cfg.Limits)
		if err != nil {
			a.cfg.Log.Warn("cannot read a frame", "op", "acs", "err", err)
			continue
		}
		err = h.handle(m)
		if err != nil {
			return err
		}
	}
}

func send(ctx context.Context, conn *websocket.Conn, m acs.Message) error {
	data, err := acs.Encode(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, data)
}

// backoff grows by half again from low to high.
func backoff(attempt int, low, high time.Duration) time.Duration {
	d := low
	for i := 1; i < attempt && d < high; i++ {
		d += d / 2
	}
	return min(d, high)
}

// jitter spreads a wait by ±20 %.
func (a *Agent) jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*a.cfg.Rand()))
}

// sleep waits; false means that ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
