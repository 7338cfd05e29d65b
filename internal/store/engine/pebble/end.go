package pebble

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// end is a failure after which Pebble must not go on: a log or a manifest that could not be written. The store
// above goes on reading, so the process is not ended with it.
type end struct {
	once  sync.Once
	cause error
	told  chan struct{} // closed once cause is set
}

func (d *end) err() error {
	select {
	case <-d.told:
		return d.cause
	default:
		return nil
	}
}

// stop never returns: what called it stands still, with the locks it holds, so that nothing more is written.
func (d *end) stop(cause error) {
	d.once.Do(func() {
		d.cause = cause
		close(d.told)
	})
	select {}
}

// guard does something that Pebble may never come back from.
func (d *end) guard(do func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			p := recover()
			if p != nil {
				done <- fmt.Errorf("pebble: %v", p)
			}
		}()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-d.told:
		return d.cause
	}
}

// logger passes Pebble's words on. Fatalf must not return.
type logger struct {
	log *slog.Logger
	end *end
}

func (l logger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

func (l logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.log.Error("record store stops", "err", err)
	l.end.stop(err)
}
