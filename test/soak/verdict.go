package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// verdict is the last line of the output.
type verdict struct {
	Test       string  `json:"test"`
	Seed       uint64  `json:"seed"`
	Commit     string  `json:"commit"`
	Count      int     `json:"count"` // tasks that started during the churn
	Violations int     `json:"violations"`
	Enough     bool    `json:"enough_load"`
	Asked      float64 `json:"minutes_asked"`
	Minutes    float64 `json:"minutes"`
	Live       int     `json:"live"`
	LiveMean   float64 `json:"live_mean"`
	Changes    int     `json:"changes"`
	Reads      int     `json:"reads"`
	NoRoom     int     `json:"no_room"`
	SlowestMS  int64   `json:"slowest_look_ms"`
	CPU        float64 `json:"cpu_share"` // of one processor

	// Slopes are those after the warm-up; "within" is half the width of the 95 % confidence interval. A short run
	// has none.
	Judged         bool    `json:"slopes_judged"`
	WarmUp         float64 `json:"warm_up_minutes"`
	RSS            float64 `json:"rss_slope_mib_h"`
	RSSWithin      float64 `json:"rss_slope_within"`
	Anon           float64 `json:"anon_slope_mib_h"`
	AnonWithin     float64 `json:"anon_slope_within"`
	Heap           float64 `json:"heap_slope_mib_h"`
	HeapWithin     float64 `json:"heap_slope_within"`
	FD             float64 `json:"fd_slope_h"`
	FDWithin       float64 `json:"fd_slope_within"`
	Goroutine      float64 `json:"goroutine_slope_h"`
	GoroutineWith  float64 `json:"goroutine_slope_within"`
	Data           float64 `json:"data_slope_mib_h"`
	DataWithin     float64 `json:"data_slope_within"`
	RSSEnd         float64 `json:"rss_mib_end"`
	AnonEnd        float64 `json:"anon_mib_end"`
	HeapEnd        float64 `json:"heap_mib_end"`
	FDEnd          int     `json:"fd_end"`
	GoroutinesEnd  int     `json:"goroutines_end"`
	DataEnd        float64 `json:"data_mib_end"`
	LogLines       int     `json:"log_lines"`
	LogKiBPerHour  float64 `json:"log_kib_h"`
	Warnings       int     `json:"warnings"`
	RepeatWarnings int     `json:"warnings_repeated"`

	why []string
}

// maxTold bounds the list of violations; their number is complete.
const maxTold = 50

func (v *verdict) violate(format string, args ...any) {
	v.Violations++
	if len(v.why) < maxTold {
		v.why = append(v.why, fmt.Sprintf(format, args...))
	}
}

// Limits of the judgement.
const (
	memoryLimit = 1.0     // MiB an hour
	countLimit  = 1.0     // descriptors, goroutines: one an hour
	logLimit    = 1 << 10 // KiB an hour: what the daemon says must not depend on how many tasks pass
	minLoad     = 0.3     // task starts a second
)

// judge what the samples say.
func (v *verdict) judge(all []sample, w *world, i *installation) {
	v.Changes, v.Reads, v.NoRoom, v.Count = w.changes, w.reads, w.busy, w.starts
	v.SlowestMS = w.slowest.Milliseconds()
	if len(all) < 2 {
		v.violate("%d samples were taken", len(all))
		return
	}
	first, last := all[0], all[len(all)-1]
	v.Minutes = last.At / 60
	v.RSSEnd, v.AnonEnd, v.HeapEnd, v.FDEnd, v.GoroutinesEnd, v.DataEnd = last.RSS, last.Anon, last.Heap, last.Descriptors, last.Goroutines, last.DataMiB
	v.CPU = (last.CPU - first.CPU) / (last.At - first.At)
	v.LiveMean = mean(column(all, func(s sample) float64 { return float64(s.Live) }))
	v.LogKiBPerHour = (last.LogKiB - first.LogKiB) / (last.At - first.At) * 3600
	v.Enough = float64(v.Count) >= minLoad*w.rate*last.At && v.LiveMean >= 0.8*float64(v.Live) && v.Minutes >= 0.9*v.Asked &&
		w.busy*10 < w.changes
	v.slopes(all)
	if v.LogKiBPerHour > logLimit {
		v.violate("the daemon writes %.0f KiB of log an hour", v.LogKiBPerHour)
	}
	lines, warnings, err := messages(i.log)
	if err != nil {
		v.violate("read the daemon's log: %v", err)
	}
	v.LogLines = lines
	for _, message := range sorted(warnings) {
		v.Warnings += warnings[message]
		fmt.Printf("warning, %d times: %s\n", warnings[message], message)
		if warnings[message] > 1 {
			v.RepeatWarnings++
			v.violate("a warning repeats, %d times: %s", warnings[message], message)
		}
	}
}

// slopes after the warm-up: what is forgotten after minutes has reached its level by then. See fill for the stores.
func (v *verdict) slopes(all []sample) {
	warm := max(3*forgetAfter.Seconds(), all[len(all)-1].At/6)
	from := slices.IndexFunc(all, func(s sample) bool { return s.At >= warm })
	if from < 0 {
		return
	}
	v.WarmUp = warm / 60
	for _, f := range []struct {
		name          string
		of            func(sample) float64
		limit         float64
		slope, within *float64
	}{
		{"resident memory, MiB", func(s sample) float64 { return s.RSS }, memoryLimit, &v.RSS, &v.RSSWithin},
		{"anonymous memory, MiB", func(s sample) float64 { return s.Anon }, memoryLimit, &v.Anon, &v.AnonWithin},
		{"live heap, MiB", func(s sample) float64 { return s.Heap }, memoryLimit, &v.Heap, &v.HeapWithin},
		{"descriptors", func(s sample) float64 { return float64(s.Descriptors) }, countLimit, &v.FD, &v.FDWithin},
		{"goroutines", func(s sample) float64 { return float64(s.Goroutines) }, countLimit, &v.Goroutine, &v.GoroutineWith},
		// Told, not judged: both stores give space back when they compact, not when something is deleted.
		{"data directory, MiB", func(s sample) float64 { return s.DataMiB }, math.Inf(1), &v.Data, &v.DataWithin},
	} {
		t, ok := fit(column(all[from:], func(s sample) float64 { return s.At }), column(all[from:], f.of))
		if !ok {
			return
		}
		v.Judged = true
		*f.slope, *f.within = t.perHour, t.within
		if t.grows(f.limit) {
			v.violate("%s: grows by %.2f ± %.2f an hour", f.name, t.perHour, t.within)
		}
	}
}

func column(all []sample, of func(sample) float64) []float64 {
	out := make([]float64, len(all))
	for i, s := range all {
		out[i] = of(s)
	}
	return out
}

func sorted(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// settle ends the churn and expects every service to come to rest, and every task run by hand to stop.
func (w *world) settle(ctx context.Context) error {
	for len(w.running) > 0 {
		err := w.stopOldest(ctx)
		if err != nil {
			return err
		}
	}
	for _, s := range w.services {
		err := w.steady(ctx, s)
		if err != nil {
			w.v.violate("a service does not settle: %v", err)
		}
	}
	want := 0
	for _, s := range w.services {
		if s.family() != "crash" {
			want += s.desired
		}
	}
	err := w.until(ctx, 2*time.Minute, func() error {
		live, err := w.tasks(ctx, "RUNNING")
		if err != nil {
			return err
		}
		n := 0
		for _, t := range live {
			if t.Group != "service:crash" {
				n++
			}
		}
		if n != want {
			return fmt.Errorf("%d tasks should run, %d do", want, n)
		}
		return nil
	})
	if err != nil {
		w.v.violate("the cluster does not settle: %v", err)
	}
	return nil
}
