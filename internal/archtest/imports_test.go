package archtest

import (
	"strings"
	"testing"
)

// layer says what a package may import of this module, and why that is the border.
type layer struct {
	of  string   // package, or with a trailing /* its children
	may []string // packages, or with a trailing /* a package and its children
	why string
}

// layers is the import table of ARCHITECTURE.md §3. The first match counts.
var layers = []layer{
	{"internal/state", []string{"internal/aws/arn"}, "nouns are pure"},
	{"internal/place", []string{"internal/state", "internal/place/*"}, "placement decides purely"},
	{"internal/place/*", []string{"internal/state", "internal/place/*"}, "placement decides purely"},
	{"internal/store/engine/pebble/power", []string{"internal/state", "internal/store", "internal/store/engine/pebble"},
		"the proof knows the engine, and a store above it to write through"},
	{"internal/store/engine/*", []string{"internal/store"}, "an engine keeps bytes"},
	{"internal/store/storetest", []string{"internal/store", "internal/state", "internal/store/*"}, "the suite of all engines"},
	{"internal/store/record", nil, "a record's bytes know no noun"},
	{"internal/store", []string{"internal/state", "internal/store/record", "internal/gen/records"},
		"the store knows nouns and nobody who uses them"},
	{"internal/hugepage", nil, "memory knows no subject"},
	{"internal/lease", nil, "who leads is decided on a record that somebody else keeps"},
	{"internal/gen/*", []string{"internal/aws/wire"}, "generated shapes are the dialect's"},
	{"internal/aws/*", []string{"internal/aws/*"}, "the dialect knows no service"},
	{"internal/acs", nil, "the agent protocol is shared by both sides and knows neither"},
	{"internal/api/*", []string{"internal/gen/*", "internal/aws/*", "internal/state", "internal/store", "internal/telemetry/*",
		"internal/place", "internal/place/*"}, "services meet in the store; they never import one another or a loop"},
	{"internal/control/loop", []string{"internal/store"}, "the runner knows no promise"},
	{"internal/control/*", []string{"internal/state", "internal/store", "internal/place", "internal/place/*", "internal/control/loop"},
		"loops meet in the store; none imports a neighbour"},
	{"internal/dispatch", []string{"internal/state", "internal/store", "internal/acs", "internal/gen/ecswire", "internal/aws/*"},
		"the server side of the agent protocol"},
	{"internal/node", []string{"internal/node/*", "internal/state", "internal/acs", "internal/gen/ecswire", "internal/aws/*"},
		"a node never sees the store, the API or a loop"},
	{"internal/node/*", []string{"internal/node/*", "internal/state", "internal/acs", "internal/aws/*"},
		"a node never sees the store, the API or a loop"},
	{"internal/sim/oracle", []string{"internal/state", "internal/store"}, "a judge borrows no rule from what it judges"},
	{"internal/sim/workload", nil, "clients know nothing but the API"},
	{"internal/sim/planted", []string{"internal/sim/planted"}, "bugs are text"},
	{"internal/sim/planted/*", []string{"internal/sim/planted"}, "bugs are text"},
	{"internal/sim/engine", nil, "a simulated Docker Engine is spoken to over its API alone"},
	{"internal/sim/replay", nil, "any program can be replayed"},
	{"internal/sim/dice", nil, "chance knows no subject"},
	{"internal/sim/network", []string{"internal/sim/dice"}, "a network carries bytes"},
	{"internal/sim/disk", []string{"internal/store", "internal/sim/dice"}, "an engine keeps bytes"},
	{"internal/sim", []string{"internal/*"}, "the world composes the product as the daemon does"},
	{"internal/telemetry/*", []string{"internal/telemetry/*"}, "telemetry is appended, queried, expired, and knows no noun"},
	{"internal/cli", []string{"internal/daemon", "internal/gen/*", "internal/aws/*", "internal/node", "internal/node/*", "internal/state",
		"internal/sim"}, "commands are clients of the public APIs"},
	{"internal/daemon", []string{"internal/*"}, ""},
	{"cmd/*", []string{"internal/*"}, ""},
	{"bench", []string{"internal/*"}, ""},
	{"bench/*", []string{"internal/*", "bench"}, ""},
	{"test/rig", []string{"internal/node/docker"}, "the harness packs an image; all else it does from outside"},
	{"test/power", []string{"internal/store/engine/pebble/power"}, "the command of the proof"},
	{"test/soak", []string{"internal/daemon", "internal/node/docker"}, "the soak packs its image and knows the daemon by its API"},
	{"test", []string{"internal/daemon", "internal/gen/*", "internal/aws/*"}, "end-to-end tests use the real clients"},
	{"test/*", []string{"internal/daemon", "internal/gen/*", "internal/aws/*"}, "end-to-end tests use the real clients"},
	{"internal/archtest", []string{"internal/*"}, ""},
}

func matches(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, base+"/") || pkg == base
	}
	return pkg == pattern
}

func layerOf(pkg string) (layer, bool) {
	for _, l := range layers {
		if l.of == pkg || strings.HasSuffix(l.of, "/*") && strings.HasPrefix(pkg, strings.TrimSuffix(l.of, "*")) {
			return l, true
		}
	}
	return layer{}, false
}

func TestPackagesImportOnlyWhatStandsBelowThem(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.pkg, "tools") {
			continue
		}
		l, ok := layerOf(s.pkg)
		if !ok {
			t.Errorf("%s: package %s is in no layer; give it a row in imports_test.go", s.path, s.pkg)
			continue
		}
		for _, i := range s.imports() {
			own, ours := strings.CutPrefix(i, "longshore/")
			if !ours || own == s.pkg {
				continue
			}
			if !allowed(l, own) {
				t.Errorf("%s imports %s: %s", s.path, own, l.why)
			}
		}
	}
}

func allowed(l layer, pkg string) bool {
	for _, m := range l.may {
		if matches(m, pkg) {
			return true
		}
	}
	return false
}

// owners of heavy dependencies: one package wraps each, so that it can be replaced in one place.
var owners = map[string][]string{
	"github.com/moby/moby":           {"internal/node/docker"},
	"github.com/vishvananda/netlink": {"internal/node/awsvpc"},
	"github.com/vishvananda/netns":   {"internal/node/awsvpc"},
	"github.com/google/nftables":     {"internal/node/awsvpc"},
	"sigs.k8s.io/knftables":          {"internal/node/awsvpc"},
	"github.com/cockroachdb/pebble":  {"internal/store/engine/pebble", "internal/store/engine/pebble/power", "internal/telemetry/logstore"},
	"github.com/tidwall/btree":       {"internal/store"},
	"go.etcd.io/etcd":                {"internal/store/engine/etcd", "bench"},
	"github.com/alecthomas/kong":     {"internal/cli"},
	"github.com/coder/websocket":     {"internal/dispatch", "internal/node"},
}

func TestHeavyDependenciesHaveOneImporter(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, i := range s.imports() {
			for dependency, by := range owners {
				if strings.HasPrefix(i, dependency) && !contains(by, s.pkg) {
					t.Errorf("%s imports %s, which belongs to %s", s.path, i, strings.Join(by, " and "))
				}
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
