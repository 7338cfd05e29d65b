package rollout

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Each file tells a story: lines that begin with "> " are what happens, the lines below what rollout makes of it.
// LONGSHORE_REWRITE=1 writes the answers anew; read the difference before it is committed.
func TestTranscriptsTellWhatRolloutDoes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { transcript(t, f) })
	}
}

func transcript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	var b strings.Builder
	for _, l := range strings.Split(strings.TrimRight(string(want), "\n"), "\n") {
		command, is := strings.CutPrefix(l, "> ")
		switch {
		case is:
			fmt.Fprintf(&b, "%s\n%s", l, w.obey(strings.Fields(command)))
		case l == "" || strings.HasPrefix(l, "#"):
			fmt.Fprintln(&b, l)
		}
	}
	if b.String() == string(want) {
		return
	}
	if os.Getenv("LONGSHORE_REWRITE") != "" {
		err = os.WriteFile(file, []byte(b.String()), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s now reads\n%s", file, b.String())
}

// obey does what a line of a transcript says, lets rollout come to rest, and tells what came of it.
func (w *world) obey(words []string) string {
	n := -1
	for _, x := range words[1:] {
		if v, err := strconv.Atoi(x); err == nil {
			n = v
		}
	}
	has := func(x string) bool { return slices.Contains(words, x) }
	switch words[0] {
	case "service":
		w.obeyService(words[1:])
	case "deploy":
		s := w.change(func(s *state.Service) { s.TaskDefinition = w.define(n, has("checked")) })
		w.deploy(s)
	case "scale":
		w.change(func(s *state.Service) { s.DesiredCount = n })
	case "delete":
		w.change(func(s *state.Service) { s.Status, s.DesiredCount = state.StatusDraining, 0 })
	case "run":
		w.move(n, waiting, w.run)
	case "fail":
		w.move(n, waiting, w.exit(state.StopFailedToStart))
	case "exit":
		w.move(n, running, w.exit(state.StopEssentialExited))
	case "stopped":
		w.move(n, stopping, w.end)
	case "healthy", "unhealthy":
		w.move(n, func(t *state.Task) bool { return running(t) && t.Health != strings.ToUpper(words[0]) },
			func(t *state.Task) { t.Health = strings.ToUpper(words[0]) })
	case "protect":
		w.move(n, running, func(t *state.Task) { t.ProtectedUntil = w.now.Add(time.Hour) })
	case "request":
		w.request(words[1])
	case "hosts":
		w.hosts(n)
	case "place":
		w.place()
	case "drain":
		w.drain(words[1])
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = w.now.Add(d)
	default:
		w.t.Fatalf("no command %q", words[0])
	}
	w.rest()
	var b strings.Builder
	for _, e := range w.events() {
		fmt.Fprintln(&b, short(e))
	}
	return b.String() + w.show()
}

func (w *world) obeyService(words []string) {
	get := map[string]int{"desired": 1, "min": 100, "max": 200}
	for _, x := range words {
		k, v, ok := strings.Cut(x, "=")
		n, err := strconv.Atoi(v)
		if ok && err == nil {
			get[k] = n
		}
	}
	has := func(x string) bool { return slices.Contains(words, x) }
	w.service(get["desired"], get["min"], get["max"], func(s *state.Service) {
		s.Deploy.CircuitBreaker, s.Deploy.Rollback = has("breaker") || has("rollback"), has("rollback")
		if has("daemon") {
			s.Scheduling, s.DesiredCount = state.SchedulingDaemon, 0
		}
		if has("spot") {
			s.LaunchType = ""
			s.CapacityStrategy = []state.StrategyItem{{Provider: "FARGATE", Base: 1, Weight: 1}, {Provider: "FARGATE_SPOT", Weight: 3}}
		}
	})
}

func (w *world) request(what string) {
	w.update(func(tx *store.Tx) {
		for s := range tx.ServiceDeployments().Prefix(string(web) + "/") {
			if s.FinishedAt.IsZero() {
				c := *s
				c.StopRequest = strings.ToUpper(what)
				tx.ServiceDeployments().Put(&c)
			}
		}
	})
}

func (w *world) hosts(n int) {
	w.update(func(tx *store.Tx) {
		for i := range n {
			tx.Instances().Put(&state.Instance{Key: state.NewInstanceKey(cluster, fmt.Sprint("host", i)),
				Kind: state.KindEC2, Status: state.StatusActive, Connected: true, CPU: 1024, Memory: 1024})
		}
	})
}

// place puts each waiting task on the first host that has none of the service.
func (w *world) place() {
	w.update(func(tx *store.Tx) {
		for t := range tx.Tasks().Unplaced(cluster) {
			for i := range tx.Instances().OfCluster(cluster) {
				taken := false
				for x := range tx.Tasks().OfInstance(i.Key) {
					taken = taken || x.Desired == state.Running
				}
				if !taken && i.Status == state.StatusActive {
					c := t.Clone()
					c.Instance, c.Last = i.Key, state.Pending
					tx.Tasks().Put(c)
					break
				}
			}
		}
	})
}

func (w *world) drain(host string) {
	w.update(func(tx *store.Tx) {
		i, _ := tx.Instances().Get(state.NewInstanceKey(cluster, host))
		c := *i
		c.Status = state.StatusDraining
		tx.Instances().Put(&c)
	})
}
