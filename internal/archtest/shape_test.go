package archtest

import (
	"go/ast"
	"path/filepath"
	"strings"
	"testing"
)

// Services and promises have the same inner shape each, so that whoever knows one knows all
// (ARCHITECTURE.md, the inner shape of a service and of a promise).
func TestServicesAndPromisesHaveTheirShape(t *testing.T) {
	files := map[string]map[string]bool{}
	methods := map[string]map[string]bool{}
	for _, s := range sources(t) {
		if files[s.pkg] == nil {
			files[s.pkg], methods[s.pkg] = map[string]bool{}, map[string]bool{}
		}
		files[s.pkg][filepath.Base(s.path)] = true
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			methods[s.pkg][f.Name.Name] = true
		}
	}
	need := func(pkg string, names ...string) {
		for _, n := range names {
			if !files[pkg][n] {
				t.Errorf("%s has no %s", pkg, n)
			}
		}
	}
	seen := 0
	for pkg := range files {
		name := filepath.Base(pkg)
		switch {
		case strings.HasPrefix(pkg, "internal/api/"):
			seen++
			need(pkg, "doc.go", name+".go")
			if !methods[pkg]["Ops"] || !methods[pkg]["Refused"] || !methods[pkg]["New"] {
				t.Errorf("%s needs New, Ops (the list of what is served) and Refused (the list of what is not)", pkg)
			}
		case strings.HasPrefix(pkg, "internal/control/") && name != "loop":
			seen++
			need(pkg, "doc.go", name+".go", "plan.go")
			for _, m := range []string{"New", "Name", "Keys", "All", "Reconcile"} {
				if !methods[pkg][m] {
					t.Errorf("%s has no %s: it is not a promise", pkg, m)
				}
			}
		}
	}
	if seen < 9 {
		t.Fatalf("looked at %d packages only", seen)
	}
}

// What decides does not act: a plan file knows no context, no store, no logger and no clock.
func TestPlansArePure(t *testing.T) {
	looked := 0
	for _, s := range sources(t) {
		if s.test || !strings.HasPrefix(s.pkg, "internal/control/") || filepath.Base(s.path) != "plan.go" {
			continue
		}
		looked++
		for _, i := range s.imports() {
			switch i {
			case "context", "log/slog", "sync", "math/rand", "math/rand/v2", "crypto/rand", "os", "net", "net/http",
				"longshore/internal/control/loop":
				t.Errorf("%s imports %s: plans decide, others act", s.path, i)
			}
		}
		if strings.Contains(s.text, "store.Tx") || strings.Contains(s.text, ".Update(") {
			t.Errorf("%s writes; a plan reads a View and gives actions", s.path)
		}
		if strings.Contains(s.text, "time.Now(") || strings.Contains(s.text, "time.Since(") {
			t.Errorf("%s reads the clock; now is handed in", s.path)
		}
	}
	if looked < 5 {
		t.Fatalf("looked at %d plans only", looked)
	}
}

// Product code gets the clock from its Config; the composition alone reads the real one.
func TestOnlyTheEdgesReadTheClock(t *testing.T) {
	edges := []string{"internal/daemon", "internal/cli", "cmd/", "bench", "test/", "internal/archtest",
		"internal/node/docker/dockertest", "internal/sim"} // a simulated world has the bubble's clock
next:
	for _, s := range sources(t) {
		if s.test || !strings.Contains(s.text, "time.Now()") {
			continue
		}
		for _, e := range edges {
			if strings.HasPrefix(s.pkg, e) {
				continue next
			}
		}
		t.Errorf("%s calls time.Now(); take the clock from the Config", s.path)
	}
}
