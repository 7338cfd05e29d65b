package logship

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// APIError is a refusal by CloudWatch Logs.
type APIError struct {
	Code    string
	Message string
	Status  int
}

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// errUndelivered ends a Follow whose container's last lines could not be sent in time.
var errUndelivered = errors.New("log events could not be delivered")

func codeOf(err error) string {
	var api *APIError
	if errors.As(err, &api) {
		return api.Code
	}
	return ""
}

// hopeless says that the same batch will be refused again.
func hopeless(err error) bool {
	switch codeOf(err) {
	case "InvalidParameterException", "ValidationException", "SerializationException", "RequestEntityTooLarge":
		return true
	}
	return false
}

// passing says that waiting may help: no answer, the service's own failure, or throttling.
func passing(err error) bool {
	var api *APIError
	if !errors.As(err, &api) {
		return true
	}
	switch api.Code {
	case "ThrottlingException", "Throttling", "ServiceUnavailableException", "RequestLimitExceeded",
		"OperationAbortedException", "LimitExceededException", "ExpiredTokenException", "RequestExpired":
		return true
	}
	return api.Status >= 500 || api.Status == 429
}

// prepare makes the stream, and the group where that is missing and wanted; the words of a failure are those that a
// task shows on AWS.
func (s *Shipper) prepare(ctx context.Context, o options) error {
	err := s.createStream(ctx, o)
	if o.createGroup && codeOf(err) == "ResourceNotFoundException" {
		err = s.cfg.Sink.CreateLogGroup(ctx, o.region, o.group)
		if err != nil && codeOf(err) != "ResourceAlreadyExistsException" {
			return fmt.Errorf("failed to create Cloudwatch log group: %w", err)
		}
		err = s.createStream(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("failed to create Cloudwatch log stream: %w", err)
	}
	return nil
}

// createStream makes the stream or finds it.
func (s *Shipper) createStream(ctx context.Context, o options) error {
	err := s.cfg.Sink.CreateLogStream(ctx, o.region, o.group, o.stream)
	if codeOf(err) == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

// delivery is the sending side of one Follow.
type delivery struct {
	s   *Shipper
	src Source
	o   options
	q   *queue

	endSeen  time.Time // when a failure first met a container that had ended
	failed   bool      // Failed was told
	rejected int64     // events refused by their time, since last told
}

// send delivers batches until the queue has ended or ctx has. The first line goes at once, and so does every line
// that comes later than Linger after a batch.
func (s *Shipper) send(ctx context.Context, src Source, o options, q *queue) error {
	d := &delivery{s: s, src: src, o: o, q: q}
	defer d.tell()
	var err error
	if !s.isPrepared(o) {
		err = d.retry(ctx, func() error { return s.prepare(ctx, o) })
	}
	due := time.Duration(0)
	for err == nil && q.wait(ctx, due) {
		err = d.deliver(ctx, q.take())
		d.tell()
		due = s.cfg.Linger
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	for rest := q.take(); len(rest) > 0; rest = q.take() {
		d.lose(rest)
	}
	return err
}

// deliver sends one batch and marks it. A batch that can never be taken is lost and counted.
func (d *delivery) deliver(ctx context.Context, batch []queued) error {
	events := make([]Event, len(batch))
	for i, e := range batch {
		events[i] = e.Event
	}
	// The two channels of a container may be stamped a moment out of order; the service wants them in order.
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	err := d.retry(ctx, func() error {
		rejected, err := d.s.cfg.Sink.PutLogEvents(ctx, d.o.region, d.o.group, d.o.stream, events)
		d.rejected += int64(rejected)
		if codeOf(err) != "ResourceNotFoundException" {
			return err
		}
		err = d.s.prepare(ctx, d.o) // the stream, or the group, was deleted meanwhile
		if err != nil {
			return err
		}
		rejected, err = d.s.cfg.Sink.PutLogEvents(ctx, d.o.region, d.o.group, d.o.stream, events)
		d.rejected += int64(rejected)
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.lose(batch)
	}
	if err != nil && !hopeless(err) {
		return err
	}
	err = d.s.cfg.Marks.Save(d.src.ContainerID, batch[len(batch)-1].mark)
	if err != nil {
		d.s.cfg.Log.Warn("log lines may be shipped twice", "task", d.src.TaskARN, "op", "save mark", "err", err)
	}
	return nil
}

// retry repeats a call for as long as the container lives: the buffer holds what it writes, and what the buffer
// cannot hold is counted. Once the container has ended, only failures that pass are waited for, and not for ever.
func (d *delivery) retry(ctx context.Context, fn func() error) error {
	wait := backoff{}
	for {
		err := fn()
		if err == nil {
			d.failed = false
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !passing(err) {
			d.fail(err)
		}
		if hopeless(err) {
			return err
		}
		if d.q.ended() {
			if d.endSeen.IsZero() {
				d.endSeen = d.s.cfg.Now()
			}
			if !passing(err) || d.s.cfg.Now().Sub(d.endSeen) >= d.s.cfg.DrainTimeout {
				return fmt.Errorf("%w: %w", errUndelivered, err)
			}
		}
		wait.pause(ctx)
	}
}

// fail tells the task, once until something was delivered again.
func (d *delivery) fail(err error) {
	if d.failed {
		return
	}
	d.failed = true
	d.s.cfg.Log.Warn("cannot ship a container's output", "task", d.src.TaskARN, "op", "put log events", "err", err)
	d.s.cfg.Failed(d.src, err.Error())
}

func (d *delivery) lose(batch []queued) {
	var lines int64
	for _, e := range batch {
		lines += e.lines
	}
	d.q.lose(lines)
}

// tell says how many lines were lost since it last did.
func (d *delivery) tell() {
	if d.rejected > 0 {
		d.s.cfg.Log.Warn("log events are outside the time that the service takes", "task", d.src.TaskARN,
			"op", "put log events", "err", fmt.Sprintf("%d events refused", d.rejected))
		d.q.lose(d.rejected)
		d.rejected = 0
	}
	lines := d.q.lost()
	if lines == 0 {
		return
	}
	d.s.cfg.Log.Warn("log lines were dropped", "task", d.src.TaskARN, "op", "ship logs",
		"err", fmt.Sprintf("%d lines of container %s", lines, d.src.ContainerName))
	d.s.cfg.Dropped(d.src, lines)
}

// backoff waits longer each time, from 100 ms to 10 s.
type backoff struct{ last time.Duration }

func (b *backoff) pause(ctx context.Context) {
	b.last = min(max(2*b.last, 100*time.Millisecond), 10*time.Second)
	timer := time.NewTimer(b.last)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
