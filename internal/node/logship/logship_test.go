package logship

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func source(options ...string) Source {
	src := Source{
		ContainerID: "c0ffee", TaskARN: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0123", ContainerName: "app",
		Options: map[string]string{"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"},
	}
	for i := 0; i < len(options); i += 2 {
		src.Options[options[i]] = options[i+1]
	}
	return src
}

func TestALineAfterSilenceGoesAtOnceAndASteadyStreamInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		s := New(Config{Reader: engine, Sink: sink})
		go func() { _ = s.Follow(t.Context(), source()) }()
		time.Sleep(time.Minute)
		start := time.Now()
		for range 100 {
			engine.write(time.Now(), "line")
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !sink.at[0].Equal(start) {
			t.Errorf("the first line waited %s", sink.at[0].Sub(start))
		}
		if len(sink.messages()) != 100 || len(sink.batches) > 7 {
			t.Errorf("%d lines in %d batches", len(sink.messages()), len(sink.batches))
		}
		for i := 1; i < len(sink.at); i++ {
			if gap := sink.at[i].Sub(sink.at[i-1]); gap < 200*time.Millisecond || gap > 210*time.Millisecond {
				t.Errorf("batch %d came %s after the one before", i, gap)
			}
		}
		if !sink.streams["g:web/app/0123"] {
			t.Error(sink.streams)
		}
		engine.end()
		synctest.Wait()
	})
}

func TestEverythingIsShippedWhenTheContainerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		s := New(Config{Reader: engine, Sink: sink})
		engine.write(time.Now(), "one", "two", "", "three")
		engine.change(func() {
			engine.lines = append(engine.lines, entry{at: time.Now(), channel: 2, text: []byte("no newline")})
		})
		engine.end()
		err := s.Follow(t.Context(), source())
		if err != nil || strings.Join(sink.messages(), "|") != "one|two|three|no newline" {
			t.Fatal(sink.messages(), err)
		}
	})
}

// Whatever the engine does and however often the agent is stopped, every line arrives once and in order.
func TestRestartsLoseAndRepeatNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(r, "steps")
		synctest.Test(t, func(t *testing.T) {
			engine, sink, marks := newEngine(), newSink("g"), newMarks()
			s := New(Config{Reader: engine, Sink: sink, Marks: marks})
			var want []string
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			follow := func() { done <- s.Follow(ctx, source()) }
			go follow()
			for i, step := range steps {
				switch step {
				case 0: // the agent is stopped and starts again
					time.Sleep(time.Second)
					stop()
					<-done
					ctx, stop = context.WithCancel(t.Context())
					go follow()
				case 1: // the engine cuts its streams and comes back later
					engine.change(func() { engine.cut++; engine.away = true })
					time.Sleep(3 * time.Second)
					engine.change(func() { engine.away = false })
				case 2: // lines of one instant
					a, b := fmt.Sprint(i, "a"), fmt.Sprint(i, "b")
					engine.write(time.Now(), a)
					time.Sleep(time.Duration(i%2) * time.Second)
					engine.write(time.Now(), b)
					want = append(want, a, b)
				default:
					time.Sleep(time.Duration(step) * 30 * time.Millisecond)
					engine.write(time.Now(), fmt.Sprint(i))
					want = append(want, fmt.Sprint(i))
				}
			}
			engine.end()
			err := <-done
			if err != nil || !slices.Equal(sink.messages(), want) {
				r.Errorf("got %v, want %v, %v", sink.messages(), want, err)
			}
			stop()
		})
	})
}

func TestAFullBufferDropsLinesCountsThemAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		sink.fail = func(int) error {
			if time.Since(start) < time.Minute {
				return &APIError{Code: "ThrottlingException", Message: "Rate exceeded", Status: 400}
			}
			return nil
		}
		var told []int64
		s := New(Config{Reader: engine, Sink: sink, Dropped: func(_ Source, n int64) { told = append(told, n) }})
		go func() { _ = s.Follow(t.Context(), source("max-buffer-size", "1k")) }()
		for range 100 {
			engine.write(time.Now(), strings.Repeat("x", 74))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(told) != 1 || int(told[0])+len(sink.messages()) != 100 || len(sink.messages()) != 11 {
			t.Errorf("told %v, delivered %d", told, len(sink.messages()))
		}
		if sink.calls > 25 {
			t.Errorf("%d calls in a minute of throttling", sink.calls)
		}
		engine.end()
		synctest.Wait()
	})
}

func TestBlockingModeDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		sink.fail = func(int) error {
			if time.Since(start) < time.Minute {
				return errors.New("connection refused")
			}
			return nil
		}
		s := New(Config{Reader: engine, Sink: sink})
		for range 200 {
			engine.write(time.Now(), strings.Repeat("x", 74))
		}
		go func() { _ = s.Follow(t.Context(), source("max-buffer-size", "1k", "mode", "blocking")) }()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if len(sink.messages()) != 200 {
			t.Error(len(sink.messages()))
		}
		engine.end()
		synctest.Wait()
	})
}

// start is when the clock of every synctest bubble begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestAMissingGroupIsToldToTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink()
		var reasons []string
		s := New(Config{Reader: engine, Sink: sink, Failed: func(_ Source, r string) { reasons = append(reasons, r) }})
		err := s.Prepare(t.Context(), source())
		const text = "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
		if err == nil || err.Error() != text {
			t.Error(err)
		}
		done := make(chan error, 1)
		go func() { done <- s.Follow(t.Context(), source()) }()
		engine.write(time.Now(), "lost")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(reasons) != 1 || reasons[0] != text {
			t.Error(reasons)
		}
		engine.end()
		err = <-done
		if !errors.Is(err, errUndelivered) {
			t.Error(err)
		}
	})
}

func TestWhatWasPreparedIsNotMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		s := New(Config{Reader: engine, Sink: sink})
		err := s.Prepare(t.Context(), source())
		if err != nil || sink.creates != 1 {
			t.Fatalf("%v after %d calls", err, sink.creates)
		}
		engine.write(time.Now(), "one")
		engine.end()
		err = s.Follow(t.Context(), source())
		if err != nil || sink.creates != 1 || len(sink.messages()) != 1 {
			t.Errorf("%v, %d calls, %q", err, sink.creates, sink.messages())
		}
		err = s.Follow(t.Context(), source())
		if err != nil || sink.creates != 2 {
			t.Errorf("the second time: %v, %d calls", err, sink.creates)
		}
	})
}

func TestAServiceThatIsAwayKeepsNoContainerFromStarting(t *testing.T) {
	sink := newSink("g")
	sink.refuse = &APIError{Code: "ServiceUnavailableException", Message: "later", Status: 503}
	err := New(Config{Reader: newEngine(), Sink: sink}).Prepare(t.Context(), source())
	if err != nil {
		t.Error(err)
	}
}

func TestTheGroupIsMadeOnlyWhenAskedForAndAStreamThatVanishesIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink()
		s := New(Config{Reader: engine, Sink: sink})
		go func() { _ = s.Follow(t.Context(), source("awslogs-create-group", "true")) }()
		engine.write(time.Now(), "one")
		time.Sleep(time.Second)
		sink.mu.Lock()
		clear(sink.streams)
		clear(sink.groups)
		sink.mu.Unlock()
		engine.write(time.Now(), "two")
		time.Sleep(time.Second)
		synctest.Wait()
		if strings.Join(sink.messages(), " ") != "one two" {
			t.Error(sink.messages())
		}
		engine.end()
		synctest.Wait()
	})
}

func TestAnUnreachableServiceHoldsAnEndedContainerForTheDrainTimeoutOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		sink.fail = func(int) error { return errors.New("connection refused") }
		var lost int64
		s := New(Config{Reader: engine, Sink: sink, Dropped: func(_ Source, n int64) { lost += n }})
		engine.write(time.Now(), "one", "two")
		engine.end()
		begin := time.Now()
		err := s.Follow(t.Context(), source())
		took := time.Since(begin)
		if !errors.Is(err, errUndelivered) || took < 30*time.Second || took > 45*time.Second || lost != 2 {
			t.Error(err, took, lost)
		}
	})
}

func TestABatchThatCanNeverBeTakenIsLostAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		sink.fail = func(call int) error {
			if call == 1 {
				return &APIError{Code: "InvalidParameterException", Status: 400}
			}
			return nil
		}
		var lost int64
		s := New(Config{Reader: engine, Sink: sink, Dropped: func(_ Source, n int64) { lost += n }})
		go func() { _ = s.Follow(t.Context(), source()) }()
		engine.write(time.Now(), "bad")
		time.Sleep(time.Second)
		engine.write(time.Now(), "good")
		time.Sleep(time.Second)
		synctest.Wait()
		if lost != 1 || strings.Join(sink.messages(), " ") != "good" {
			t.Error(lost, sink.messages())
		}
		engine.end()
		synctest.Wait()
	})
}

func TestDrainWaitsAndASecondFollowDoesNotRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		s := New(Config{Reader: engine, Sink: sink, Marks: newMarks()})
		for range 2 {
			go func() { _ = s.Follow(t.Context(), source()) }()
		}
		engine.write(time.Now(), "one")
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Drain(soon, "c0ffee"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		engine.end()
		synctest.Wait()
		if err := s.Drain(t.Context(), "c0ffee"); err != nil || len(sink.messages()) != 1 {
			t.Error(err, sink.messages())
		}
	})
}

func TestALogThatCannotBeReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newSink("g")
		engine := newEngine()
		engine.change(func() { engine.lines = []entry{{channel: 1, text: make([]byte, 5<<20), ends: true}} })
		err := New(Config{Reader: engine, Sink: sink}).Follow(t.Context(), source())
		if err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkFollow(b *testing.B) {
	engine, sink := newEngine(), newSink("g")
	line := "2026-01-01T00:00:00Z INFO request served path=/api/v1/items status=200 ms=12"
	for i := range 10_000 {
		engine.write(start.Add(time.Duration(i)), line)
	}
	engine.end()
	for b.Loop() {
		err := New(Config{Reader: engine, Sink: sink, Linger: time.Nanosecond}).Follow(b.Context(), source())
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*10_000)/b.Elapsed().Seconds(), "lines/s")
}
