package logstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func memory(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s := New(Config{Dir: "logs", FS: fs})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func messages(page Page) []string {
	var out []string
	for _, r := range page.Records {
		out = append(out, r.Message)
	}
	return out
}

func readAll(t testing.TB, s *Store, q Query) []Record {
	t.Helper()
	var all []Record
	for {
		page, err := s.Read(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Records...)
		if !page.More {
			return all
		}
		q.After = page.Next
	}
}

// Whatever is appended in whatever order comes back in the one order, forwards, backwards and in pages.
func TestReadsAgreeWithASortedListOfAllAppends(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := New(Config{Dir: "logs", FS: vfs.NewMem()})
		defer s.Close()
		var model []Record
		seq := uint64(0)
		for range rapid.IntRange(1, 12).Draw(r, "appends") {
			stream := rapid.SampledFrom([]string{"a", "b", "a/b", "c"}).Draw(r, "stream")
			base := rapid.Int64Range(0, 300_000).Draw(r, "base")
			var events []Event
			for range rapid.IntRange(1, 20).Draw(r, "events") {
				at := base + rapid.Int64Range(0, 200_000).Draw(r, "offset")
				size := rapid.SampledFrom([]int{0, 3, 300, 20_000}).Draw(r, "size")
				events = append(events, Event{at, fmt.Sprint(at) + strings.Repeat("x", size)})
			}
			err := s.Append(t.Context(), Stream{"g", stream}, events)
			if err != nil {
				r.Fatal(err)
			}
			slices.SortStableFunc(events, byTime)
			for _, e := range events {
				model = append(model, Record{Stream: stream, Time: e.Time, Seq: seq, Message: e.Message})
				seq++
			}
		}
		q := Query{
			Group: "g", Start: rapid.Int64Range(0, 400_000).Draw(r, "start"),
			Backward: rapid.Bool().Draw(r, "backward"), Limit: rapid.IntRange(0, 7).Draw(r, "limit"),
			MaxScan: rapid.IntRange(0, 9).Draw(r, "scan"), MaxBytes: rapid.SampledFrom([]int{0, 1000}).Draw(r, "bytes"),
		}
		q.End = q.Start + rapid.Int64Range(1, 400_000).Draw(r, "length")
		if rapid.Bool().Draw(r, "some") {
			q.Streams = []string{"a/b", "c", "missing"}
		}
		var want []Record
		for _, m := range model {
			if m.Time >= q.Start && m.Time < q.End && (q.Streams == nil || slices.Contains(q.Streams, m.Stream)) {
				want = append(want, m)
			}
		}
		slices.SortFunc(want, func(a, b Record) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Seq, b.Seq))
		})
		if q.Backward {
			slices.Reverse(want)
		}
		got := readAll(t, s, q)
		if len(got) != len(want) {
			r.Fatalf("got %d events, want %d", len(got), len(want))
		}
		for i := range got {
			if got[i].Stream != want[i].Stream || got[i].Seq != want[i].Seq || got[i].Message != want[i].Message {
				r.Fatalf("event %d: got %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

func TestPositionsSortAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := Position{rapid.Int64Range(0, 1<<60).Draw(r, "t"), rapid.Uint64().Draw(r, "s")}
		q := Position{rapid.Int64Range(0, 1<<60).Draw(r, "t"), rapid.Uint64().Draw(r, "s")}
		if p.before(q) != (p.String() < q.String()) || len(p.String()) != 56 {
			r.Fatal(p, q)
		}
		back, err := ParsePosition(p.String())
		if err != nil || back != p {
			r.Fatal(back, err)
		}
	})
}

// Acknowledged events survive a crash at any moment of a concurrent load, and numbers are never used twice.
func TestACrashLosesNothingAcknowledged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	fs := vfs.NewCrashableMem()
	var mu sync.Mutex
	acked := map[string]bool{}
	for round := range 20 {
		s := New(Config{Dir: "logs", FS: fs})
		var wg sync.WaitGroup
		var survivor *vfs.MemFS
		var promised map[string]bool
		crashAt := len(acked) + rng.IntN(20)
		for w := range 4 {
			wg.Go(func() {
				for i := range 5 {
					msg := fmt.Sprintf("%d/%d/%d", round, w, i)
					err := s.Append(context.Background(), Stream{"g", fmt.Sprint(w)}, []Event{{int64(i), msg}})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					acked[msg] = true
					if survivor == nil && len(acked) > crashAt {
						promised = maps.Clone(acked)
						survivor = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(100), RNG: rng})
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		err := s.Close()
		if err != nil {
			t.Fatal(err)
		}
		fs = survivor
		acked = promised // what was acknowledged after the crash never happened
		verify(t, fs, acked)
	}
}

// verify opens a copy of what a crash left and looks for everything promised.
func verify(t *testing.T, fs *vfs.MemFS, promised map[string]bool) {
	t.Helper()
	s := New(Config{Dir: "logs", FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	defer s.Close()
	seqs, found := map[uint64]string{}, map[string]bool{}
	for _, r := range readAll(t, s, Query{Group: "g"}) {
		if other, twice := seqs[r.Seq]; twice {
			t.Fatalf("number %d names %q and %q", r.Seq, other, r.Message)
		}
		seqs[r.Seq], found[r.Message] = r.Message, true
	}
	for msg := range promised {
		if !found[msg] {
			t.Fatalf("lost %s of %d acknowledged events", msg, len(promised))
		}
	}
}

func TestFiguresOfAStreamSumItsAppends(t *testing.T) {
	s := memory(t, vfs.NewMem())
	st := Stream{"g", "s"}
	for _, at := range []int64{500, 100, 900} {
		err := s.Append(t.Context(), st, []Event{{at, "four"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, ok, err := s.Info(t.Context(), st)
	if err != nil || !ok || info.First != 100 || info.Last != 900 || info.Events != 3 || info.Bytes != 90 {
		t.Fatal(info, ok, err)
	}
	_, ok, err = s.Info(t.Context(), Stream{"g", "other"})
	if ok || err != nil {
		t.Fatal(ok, err)
	}
}

func TestExpiryForgetsOldEventsAndTheirBytes(t *testing.T) {
	s := memory(t, vfs.NewMem())
	st := Stream{"g", "s"}
	for i := range int64(10) {
		err := s.Append(t.Context(), st, []Event{{i * 3_600_000, "hour"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	gone, err := s.Expire(t.Context(), "g", 5*3_600_000+2*maxSpan)
	if err != nil || gone != 6 {
		t.Fatal(gone, err)
	}
	if left := readAll(t, s, Query{Group: "g"}); len(left) != 4 {
		t.Fatal(left)
	}
	info, _, _ := s.Info(t.Context(), st)
	if info.Events != 4 || info.Bytes != 120 || info.Last != 9*3_600_000 {
		t.Fatal(info)
	}
}

func TestDeletingAGroupSparesItsNamesakes(t *testing.T) {
	s := memory(t, vfs.NewMem())
	for _, g := range []string{"g", "g2", "ga"} {
		for _, n := range []string{"s", "s2"} {
			err := s.Append(t.Context(), Stream{g, n}, []Event{{1, g + n}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	err := s.DeleteStream(t.Context(), Stream{"g2", "s"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.DeleteGroup(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	for g, want := range map[string]int{"g": 0, "g2": 1, "ga": 2} {
		if got := readAll(t, s, Query{Group: g}); len(got) != want {
			t.Fatal(g, got)
		}
	}
	infos, err := s.Streams(t.Context(), "g2")
	if err != nil || len(infos) != 1 || infos[0].Name != "s2" {
		t.Fatal(infos, err)
	}
}

func TestATailSeesWhatIsAppendedAfterIt(t *testing.T) {
	s := memory(t, vfs.NewMem())
	ctx, cancel := context.WithCancel(t.Context())
	tail := s.Tail(ctx, "g", "s")
	for _, st := range []Stream{{"g", "s"}, {"g", "other"}, {"h", "s"}} {
		err := s.Append(t.Context(), st, []Event{{1, st.Group + st.Name}})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := <-tail.C
	if len(got) != 1 || got[0].Message != "gs" || got[0].ID() != (Position{1, got[0].Seq}).String() {
		t.Fatal(got)
	}
	cancel()
	for range tail.C {
		t.Fatal("an event of another stream")
	}
}

func TestASlowTailLosesEventsAndCountsThem(t *testing.T) {
	var ts tails
	c := make(chan []Record, 1)
	tail := &Tail{C: c, c: c, group: "g"}
	ts.add(tail)
	for range 3 {
		ts.publish(Stream{"g", "s"}, []Event{{1, "a"}, {2, "b"}}, 0, 0)
	}
	if tail.Dropped() != 4 {
		t.Fatal(tail.Dropped())
	}
}

func TestVerbsAfterCloseAreRefused(t *testing.T) {
	s := memory(t, vfs.NewMem())
	err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	err = s.Append(t.Context(), Stream{"g", "s"}, []Event{{1, "x"}})
	if err != ErrClosed {
		t.Fatal(err)
	}
}

func TestAPageEndsBeforeItsBytesAreExceeded(t *testing.T) {
	s := memory(t, vfs.NewMem())
	err := s.Append(t.Context(), Stream{"g", "s"}, []Event{{1, "a"}, {2, "b"}, {3, "c"}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Read(t.Context(), Query{Group: "g", MaxBytes: 60})
	if err != nil || !page.More || strings.Join(messages(page), "") != "ab" {
		t.Fatal(page, err)
	}
}

func FuzzDamagedBlocksAreRefusedNotTrusted(f *testing.F) {
	s := New(Config{Dir: "logs", FS: vfs.NewMem()})
	err := s.Open()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	key := eventKey(streamPrefix(blockKey, "g", "s"), 5, 7)
	f.Add(pack(s.enc, []Event{{5, "hello"}, {6, strings.Repeat("long ", 200)}}, 9))
	f.Add(pack(s.enc, []Event{{5, ""}}, 9))
	f.Fuzz(func(t *testing.T, value []byte) {
		h, packed, err := readHeader(key, value)
		if err != nil {
			return
		}
		_, _ = unpack(s.dec, h, packed)
	})
}

func BenchmarkAppendHundredLines(b *testing.B) {
	s := New(Config{Dir: b.TempDir(), Now: time.Now})
	defer s.Close()
	events := make([]Event, 100)
	b.RunParallel(func(pb *testing.PB) {
		own := slices.Clone(events)
		for i := int64(0); pb.Next(); i++ {
			for j := range own {
				own[j] = Event{i, "2026-01-01T00:00:00Z INFO request served path=/api/v1/items status=200 ms=12"}
			}
			err := s.Append(context.Background(), Stream{"g", "s"}, own)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkReadTenThousandEvents(b *testing.B) {
	s := New(Config{Dir: b.TempDir()})
	defer s.Close()
	for i := range int64(100) {
		var events []Event
		for j := range int64(1000) {
			events = append(events, Event{i*1000 + j, "INFO request served path=/api/v1/items status=200 ms=12"})
		}
		err := s.Append(b.Context(), Stream{"g", fmt.Sprint(i % 8)}, events)
		if err != nil {
			b.Fatal(err)
		}
	}
	match := func(m string) bool { return strings.Contains(m, "status=500") }
	b.ResetTimer()
	for b.Loop() {
		_, err := s.Read(b.Context(), Query{Group: "g", Match: match})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*100_000)/b.Elapsed().Seconds(), "events/s")
}

func FuzzPositionsThatAreReadAreWrittenTheSame(f *testing.F) {
	f.Add(Position{1, 2}.String())
	f.Add(strings.Repeat("9", 56))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePosition(text)
		if err == nil && p.String() != text {
			t.Fatal(p)
		}
	})
}
