//go:build e2e

package survival

import (
	"os"
	"testing"

	"longshore/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// daemon is an installation with the questions of this package.
type daemon struct{ *rig.Daemon }

// start starts a new installation and takes it down when the test ends, without a trace.
func start(t testing.TB, options ...rig.Option) *daemon {
	t.Helper()
	return &daemon{rig.Start(t, options...)}
}
