package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// What a caller can do about a failure.
var (
	// ErrNotFound: the container, image or volume is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a name is taken by something that is not ours.
	ErrConflict = errors.New("name is taken")
	// ErrPortTaken: a host port is in use; another may be free.
	ErrPortTaken = errors.New("host port is taken")
	// ErrUnavailable: the engine cannot be reached or is going down; the same call may work later.
	ErrUnavailable = errors.New("docker engine is unavailable")
	// ErrTimeout: the call outlived its deadline; whether it had an effect must be looked up.
	ErrTimeout = errors.New("docker engine timed out")
	// ErrInvalid: the engine refuses the request as such; repeating it is useless.
	ErrInvalid = errors.New("request is invalid")
)

type timeoutError struct {
	op    string
	after time.Duration
}

func (t *timeoutError) Error() string {
	return fmt.Sprintf("docker %s did not end within %s", t.op, t.after)
}

func (t *timeoutError) Is(target error) bool { return target == ErrTimeout }

// classify turns a client error into "verb: cause" wrapping one sentinel where one fits.
func classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var late *timeoutError
	if errors.As(context.Cause(ctx), &late) {
		return late
	}
	if ctx.Err() != nil {
		return fmt.Errorf("docker %s: %w", op, ctx.Err())
	}
	kind := kindOf(err)
	if kind == nil {
		return fmt.Errorf("docker %s: %w", op, clean(err))
	}
	return &engineError{op: op, kind: kind, cause: clean(err)}
}

type engineError struct {
	op          string
	kind, cause error
}

func (e *engineError) Error() string { return fmt.Sprintf("docker %s: %v", e.op, e.cause) }

func (e *engineError) Unwrap() []error { return []error{e.kind, e.cause} }

func kindOf(err error) error {
	text := err.Error()
	switch {
	case errdefs.IsNotFound(err):
		return ErrNotFound
	case strings.Contains(text, "port is already allocated"), strings.Contains(text, "address already in use"):
		return ErrPortTaken
	case errdefs.IsConflict(err):
		return ErrConflict
	case client.IsErrConnectionFailed(err), isConnection(err), errdefs.IsUnavailable(err):
		return ErrUnavailable
	case errdefs.IsInvalidArgument(err):
		return ErrInvalid
	}
	return nil
}

func isConnection(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// clean drops the prefix the client puts before every engine message: reasons shown to users are long enough.
func clean(err error) error {
	text := strings.TrimSpace(strings.TrimPrefix(err.Error(), "Error response from daemon:"))
	if text == err.Error() {
		return err
	}
	return &cleaned{text: text, err: err}
}

type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string { return c.text }

func (c *cleaned) Unwrap() error { return c.err }

// Text is the engine's own words, without the operation around them.
func Text(err error) string {
	var e *engineError
	if errors.As(err, &e) {
		return e.cause.Error()
	}
	var c *cleaned
	if errors.As(err, &c) {
		return c.text
	}
	return err.Error()
}
