package logship

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// ship follows a finished container with the entries and answers the messages.
func ship(t *testing.T, tty bool, entries []entry, options ...string) []string {
	t.Helper()
	var out []string
	synctest.Test(t, func(t *testing.T) {
		engine, sink := newEngine(), newSink("g")
		engine.lines, engine.tty, engine.ended = entries, tty, true
		err := New(Config{Reader: engine, Sink: sink}).Follow(t.Context(), source(options...))
		if err != nil {
			t.Error(err)
		}
		out = sink.messages()
	})
	return out
}

func parts(text string, channel byte) []entry {
	var out []entry
	for len(text) > partialBytes {
		out = append(out, entry{at: start.Add(time.Second), channel: channel, text: []byte(text[:partialBytes])})
		text = text[partialBytes:]
	}
	return append(out, entry{at: start.Add(2 * time.Second), channel: channel, text: []byte(text), ends: true})
}

func TestPartsOfALineAreJoinedPerChannel(t *testing.T) {
	long, other := strings.Repeat("a", 100_000), strings.Repeat("b", 40_000)
	a, b := parts(long, 1), parts(other, 2)
	mixed := []entry{a[0], b[0], a[1], b[1]}
	mixed = append(append(mixed, a[2:]...), b[2:]...)
	got := ship(t, false, mixed)
	if len(got) != 2 || got[0] != long || got[1] != other {
		t.Fatal(len(got))
	}
}

func TestATerminalsLinesLoseTheirCarriageReturn(t *testing.T) {
	long := strings.Repeat("a", 40_000)
	got := ship(t, true, append(parts(long, 0), entry{at: start.Add(3 * time.Second), text: []byte("b c"), ends: true}))
	if len(got) != 2 || got[0] != long || got[1] != "b c" {
		t.Fatalf("%d %.50q", len(got), got)
	}
}

func TestLongLinesAreCutBetweenCharacters(t *testing.T) {
	long := strings.Repeat("ü", 300_000)
	got := ship(t, false, parts(long, 1))
	for _, m := range got {
		if len(m) > maxMessage {
			t.Error(len(m))
		}
	}
	// The engine may cut inside a character as well; all bytes must be there.
	if joined := strings.Join(got, ""); len(got) < 3 || strings.Trim(joined, "ü\uFFFD") != "" {
		t.Error(len(got))
	}
}

func TestLinesOfOneEventAreGrouped(t *testing.T) {
	lines := func(text string) []entry {
		var out []entry
		for i, l := range strings.Split(text, "\n") {
			out = append(out, entry{at: start.Add(time.Duration(i) * time.Second), channel: 1, text: []byte(l), ends: true})
		}
		return out
	}
	text := "[2026-03-01 10:00:00] a\n  at b\n  at c\n[2026-03-01 10:00:01] d\n[2026-03-01 10:00:02] e\n  at f"
	want := "[2026-03-01 10:00:00] a\n  at b\n  at c|[2026-03-01 10:00:01] d|[2026-03-01 10:00:02] e\n  at f"
	for _, option := range [][]string{
		{"awslogs-multiline-pattern", `^\[`}, {"awslogs-datetime-format", `[%Y-%m-%d %H:%M:%S]`},
		{"awslogs-datetime-format", `%Y-%m-%d %H:%M:%S`},
	} {
		got := ship(t, false, lines(text), option...)
		if strings.Join(got, "|") != want {
			t.Errorf("%v: %q", option, got)
		}
	}
}

func TestAMultiLineEventGoesWhenNoLineFollowsAndItsMarkWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, sink, marks := newEngine(), newSink("g"), newMarks()
		s := New(Config{Reader: engine, Sink: sink, Marks: marks})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Follow(ctx, source("awslogs-multiline-pattern", "^E")) }()
		engine.write(time.Now(), "E1")
		time.Sleep(10 * time.Millisecond)
		engine.write(time.Now(), " more")
		time.Sleep(10 * time.Millisecond)
		engine.write(time.Now(), "E2")
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := strings.Join(sink.messages(), "|"); got != "E1\n more" {
			t.Errorf("%q", got)
		}
		stop()
		<-done
		go func() { done <- s.Follow(t.Context(), source("awslogs-multiline-pattern", "^E")) }()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Join(sink.messages(), "|"); got != "E1\n more|E2" {
			t.Errorf("%q", got)
		}
		engine.end()
		<-done
	})
}

func TestOptionsAreReadAsDockerReadsThem(t *testing.T) {
	for text, want := range map[string]int{"10m": 10 << 20, "1k": 1024, "512": 512, "1.5KB": 1536, "2 MiB": 2 << 20, "1g": 1 << 30} {
		got, err := parseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "m", "-1m", "x", "1t", "NaN", "0"} {
		_, err := parseSize(bad)
		if err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	src := source()
	delete(src.Options, "awslogs-stream-prefix")
	o, err := parseOptions(src, "us-east-1")
	if err != nil || o.stream != "c0ffee" || o.region != "eu-west-1" || o.blocking || o.bufferBytes != 10<<20 {
		t.Errorf("%+v %v", o, err)
	}
	for _, bad := range []Source{
		source("awslogs-group", ""), source("max-buffer-size", "x"), source("awslogs-multiline-pattern", "("),
		source("awslogs-multiline-pattern", "a", "awslogs-datetime-format", "%Y"),
	} {
		_, err := parseOptions(bad, "")
		if err == nil {
			t.Errorf("%v was taken", bad.Options)
		}
	}
}

func TestDatetimeFormatsMatchWhatTheyPrint(t *testing.T) {
	for format, line := range map[string]string{
		"%Y-%m-%dT%H:%M:%S.%f%z": "2026-03-01T10:11:12.123456+0100", "%b %d, %Y %I:%M:%S %p": "Mar 01, 2026 10:11:12 AM",
		"%A %B %j %y %L %%": "Sunday March 060 26 123 %", "[%d.%m.%Y]": "[1.3.2026]", "%Q": "%Q",
	} {
		if !regexp.MustCompile("^" + datetimePattern(format) + "$").MatchString(line) {
			t.Errorf("%s does not match %s: %s", format, line, datetimePattern(format))
		}
	}
}

func TestBatchesKeepTheServicesLimits(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		q := newQueue(options{bufferBytes: 1 << 30})
		n := rapid.IntRange(1, 300).Draw(r, "events")
		at := int64(0)
		for range n {
			at += rapid.Int64Range(-1000, 7_200_000).Draw(r, "gap")
			size := rapid.SampledFrom([]int{1, 100, 5_000, maxMessage}).Draw(r, "size")
			q.push(t.Context(), queued{Event: Event{at, strings.Repeat("x", size)}})
		}
		for n > 0 {
			bytes := 0
			batch := q.take()
			oldest, newest := batch[0].Time, batch[0].Time
			for _, e := range batch {
				bytes += e.size()
				oldest, newest = min(oldest, e.Time), max(newest, e.Time)
			}
			if len(batch) == 0 || bytes > 1<<20 || newest-oldest > 86_400_000 {
				r.Fatal(len(batch), bytes, newest-oldest)
			}
			n -= len(batch)
		}
		if q.bytes != 0 || len(q.take()) != 0 {
			r.Fatal("the queue kept something")
		}
	})
}

func TestMarksSurviveInADirectory(t *testing.T) {
	d := Dir(t.TempDir() + "/marks")
	m, err := d.Load("a")
	if err != nil || m != (Mark{}) {
		t.Fatal(m, err)
	}
	want := Mark{Time: start.Add(123456789), Count: 3}
	for _, id := range []string{"a", "b"} {
		err = d.Save(id, want)
		if err != nil {
			t.Fatal(err)
		}
	}
	err = d.Prune(func(id string) bool { return id == "a" })
	if err != nil {
		t.Fatal(err)
	}
	m, err = d.Load("a")
	if err != nil || !m.Time.Equal(want.Time) || m.Count != 3 {
		t.Fatal(m, err)
	}
	m, err = d.Load("b")
	if err != nil || m != (Mark{}) {
		t.Fatal(m, err)
	}
	if err = d.Forget("a"); err != nil {
		t.Fatal(err)
	}
	if err = d.Forget("a"); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeNeverPanicsAndNeverLoops(f *testing.F) {
	e := entry{at: start, channel: 1, text: []byte("hello"), ends: true}
	f.Add(encode(e, false))
	f.Add(encode(e, true))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 1, 'x'})
	f.Add([]byte("2000-01-01T00:00:00Z "))
	f.Fuzz(func(t *testing.T, stream []byte) {
		out := make(chan entry, len(stream)+1)
		err := decode(context.Background(), bytes.NewReader(stream), out)
		if err == nil || len(stream) == 0 && err != io.EOF {
			t.Fatal(err)
		}
	})
}

func FuzzOptionsAreTakenOrRefused(f *testing.F) {
	f.Add("10m", "%Y-%m-%d %H:%M:%S", "")
	f.Add("1.5 GiB", "", `^\[`)
	f.Add("\xff", "%", "(")
	f.Fuzz(func(t *testing.T, size, format, pattern string) {
		o, err := parseOptions(source("max-buffer-size", size, "awslogs-datetime-format", format,
			"awslogs-multiline-pattern", pattern), "r")
		if err == nil && o.bufferBytes < 0 {
			t.Fatal(o)
		}
	})
}
