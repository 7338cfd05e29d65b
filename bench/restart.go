package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// restart measures a killed daemon's way back to its first answers, with what a busy installation holds.
func restart(b *bench) error {
	dir, err := b.filled(held{services: 1000, perService: 10}, 100)
	if err != nil {
		return err
	}
	var took []time.Duration
	for n := range 31 {
		i, t, err := b.restarted(dir)
		if err != nil {
			return err
		}
		if n > 0 { // the first start sorts what filled left in the log
			took = append(took, t)
		}
		err = i.kill()
		if err != nil {
			return err
		}
	}
	b.add(figure{Name: "kill -9 to serving again, 10,000 tasks and 100,000 events, p50", Value: quantile(took, 0.5), Unit: "ms"})
	b.add(figure{Name: "kill -9 to serving again, 10,000 tasks and 100,000 events, p99 of 30", Value: quantile(took, 0.99),
		Unit: "ms", Target: "≤ 300 ms"})
	return nil
}

// heldMillion starts a daemon on a million tasks, once, and looks at its memory.
func heldMillion(b *bench) error {
	dir, err := b.filled(held{services: 1000, perService: 1000}, 0)
	if err != nil {
		return err
	}
	i, took, err := b.restarted(dir)
	if err != nil {
		return err
	}
	b.add(figure{Name: "start to serving, 1,000,000 tasks", Value: took.Seconds(), Unit: "s", Target: "≤ 5 s"})
	rss, err := i.rss()
	if err != nil {
		return err
	}
	b.add(figure{Name: "memory (RSS) when it serves, 1,000,000 tasks", Value: rss, Unit: "MB"})
	// The loops have had a look at everything, and a collection of garbage has begun after them.
	time.Sleep(3 * time.Minute)
	rss, err = i.rss()
	if err != nil {
		return err
	}
	b.add(figure{Name: "memory (RSS) three minutes later, 1,000,000 tasks", Value: rss, Unit: "MB", Target: "≤ 2048 MB"})
	return i.kill()
}

// filled makes a data directory: services with running tasks, and the story of each.
func (b *bench) filled(h held, lines int) (string, error) {
	dir, err := os.MkdirTemp(b.dir, "held")
	if err != nil {
		return "", err
	}
	err = b.hold(dir, h)
	if err != nil {
		return "", err
	}
	return dir, b.tell(dir, h.services, lines)
}

// tell writes events of every service.
func (b *bench) tell(dir string, services, lines int) error {
	engine, err := pebble.Open(pebble.Config{Dir: filepath.Join(dir, "records")})
	if err != nil {
		return err
	}
	st, err := store.Open(b, engine)
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	for n := range services {
		err = st.Update(b, func(tx *store.Tx) error {
			s := state.NewServiceKey(heldKey(), heldService(n))
			for i := range lines {
				tx.Tell(s, time.Now(), fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", n, i),
					"(service "+s.Name()+") has started 1 tasks: (task "+heldTask(n, i%10).ID()+").")
			}
			return nil
		})
		if err != nil {
			return errors.Join(err, st.Close())
		}
	}
	return st.Close()
}

// restarted starts a daemon on a directory and answers how long it took from exec until it had answered a signed
// call about what it holds. It runs no containers: those that the records speak of do not exist.
func (b *bench) restarted(dir string) (*installation, time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	addr := l.Addr().String()
	err = l.Close()
	if err != nil {
		return nil, 0, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	i := &installation{bin: b.bin, dir: dir, url: "http://" + addr}
	i.cmd = exec.Command(b.bin, "up", "--data-dir", dir, "--listen", addr, "--no-node")
	i.cmd.Stderr = log
	began := time.Now()
	err = i.cmd.Start()
	if err != nil {
		return nil, 0, err
	}
	err = awaitHealth(b, i.url, began.Add(time.Minute))
	if err == nil {
		i.keys, err = daemon.LoadInstallation(dir)
	}
	if err == nil {
		var a struct{ TaskArns []string }
		err = i.target().call(b, "ListTasks", m{"cluster": heldCluster, "serviceName": heldService(0)}, &a)
		if err == nil && len(a.TaskArns) == 0 {
			err = errors.New("the daemon lists no task of a service that has some")
		}
	}
	took := time.Since(began)
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, 0, errors.Join(err, i.kill(), fmt.Errorf("the daemon said: %s", text))
	}
	return i, took, nil
}

// awaitHealth asks until the daemon answers. Until there is somebody to ask it only knocks: whole requests would take
// from the daemon a part of the processors that it starts with.
func awaitHealth(ctx context.Context, url string, until time.Time) error {
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		time.Sleep(time.Millisecond)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_longshore/health", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	_, _ = io.Copy(io.Discard, res.Body) // only that it came counts
	return res.Body.Close()
}

// kill ends the daemon as a crash does.
func (i *installation) kill() error {
	err := i.cmd.Process.Signal(syscall.SIGKILL)
	_ = i.cmd.Wait() // it was killed: its status says so
	return err
}
