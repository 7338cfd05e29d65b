package daemon

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// pipes is a listener without a network, so that clients can be slow in virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// piped serves h as the daemon does, and gives a way to connect.
func piped(t *testing.T, h http.Handler) (dial func() net.Conn) {
	t.Helper()
	l := make(pipes)
	s := newServer(h)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return func() net.Conn {
		here, there := net.Pipe()
		l <- there
		t.Cleanup(func() { _ = here.Close() })
		return here
	}
}

// drip does one small thing a second until it fails, and gives how long that took.
func drip(do func() error) time.Duration {
	began := time.Now()
	for do() == nil {
		time.Sleep(time.Second)
	}
	return time.Since(began)
}

func TestSlowClientsAreCutOff(t *testing.T) {
	const host = "Host: 127.0.0.1:4566\r\n"
	const head = "POST / HTTP/1.1\r\n" + host + "Content-Type: application/x-amz-json-1.1\r\n" +
		"X-Amz-Target: AmazonEC2ContainerServiceV20141113.ListTasks\r\n"
	one := make([]byte, 1)
	for name, c := range map[string]struct {
		sent string // at once
		drip string // a byte a second; "" reads one instead
		want time.Duration
	}{
		"nothing sent":             {want: headerTimeout},
		"a header a byte a second": {drip: head + strings.Repeat("X-More: x\r\n", 100), want: headerTimeout},
		"a header without an end":  {sent: head, want: headerTimeout},
		"a body a byte a second":   {head + "Content-Length: 1000\r\n\r\n", strings.Repeat(" ", 1000), requestTimeout},
		"a chunk a byte a second": {head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n", strings.Repeat(" ", 1000),
			requestTimeout},
		"an answer a byte a second": {sent: head + "Content-Length: 2\r\n\r\n{}", want: answerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, plane := throttled(t, false, aws.NopRetryer{})
				conn := piped(t, plane.Handler)()
				_, err := io.WriteString(conn, c.sent)
				if err != nil {
					t.Fatal(err)
				}
				do := func() error { _, err := conn.Read(one); return err }
				if c.drip != "" {
					go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
					left := c.drip
					do = func() error {
						_, err := io.WriteString(conn, left[:1])
						left = left[1:]
						return err
					}
				}
				took := drip(do)
				if took < c.want || took > c.want+2*time.Second {
					t.Errorf("cut off after %s, want %s", took, c.want)
				}
			})
		})
	}
}

func TestAnIdleConnectionIsKeptForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := piped(t, http.NotFoundHandler())()
		in := bufio.NewReader(conn)
		ask := func() error {
			_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if err != nil {
				return err
			}
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, r.Body)
			return err
		}
		for range 5 { // for longer than any one request may take
			err := ask()
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(idleTimeout - time.Second)
		}
		time.Sleep(2 * time.Second)
		err := ask()
		if err == nil {
			t.Error("the connection is still answered")
		}
	})
}

// Agents' sessions last for days on a connection that began as a request.
func TestATakenOverConnectionHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := make(chan error, 1)
		conn := piped(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				taken <- err
				return
			}
			defer c.Close()
			time.Sleep(time.Hour)
			_, err = io.Copy(c, c)
			taken <- err
		}))()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		_, err = io.WriteString(conn, "x")
		if err != nil {
			t.Fatal(err)
		}
		one := make([]byte, 1)
		_, err = io.ReadFull(conn, one)
		err = errors.Join(err, conn.Close(), <-taken)
		if err != nil || one[0] != 'x' {
			t.Errorf("echo %q: %v", one, err)
		}
	})
}
