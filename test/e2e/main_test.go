//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"longshore/test/rig"
)

func TestMain(m *testing.M) {
	flag.Parse()
	err := flag.Set("test.parallel", "2")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(rig.Main(m))
}

// daemon is an installation with the questions of this package.
type daemon struct{ *rig.Daemon }

// startDaemon starts a new installation and takes it down when the test ends, without a trace.
func startDaemon(t testing.TB, options ...rig.Option) *daemon {
	t.Helper()
	return &daemon{rig.Start(t, options...)}
}

// asNobody runs the daemon as an ordinary user who may use Docker, from a binary that everybody may execute.
func asNobody(d *rig.Daemon) {
	d.T.Helper()
	const nobody = 65534
	socket, err := os.Stat(rig.EngineSocket)
	if err != nil {
		d.T.Fatal(err)
	}
	d.Bin = filepath.Join(d.T.TempDir(), "longshore")
	out, err := exec.Command("install", "-m", "755", os.Getenv(rig.BinVar), d.Bin).CombinedOutput()
	if err != nil {
		d.T.Fatalf("%v\n%s", err, out)
	}
	err = errors.Join(os.Chmod(filepath.Dir(d.Dir), 0o755), os.Chown(d.Dir, nobody, nobody))
	if err != nil {
		d.T.Fatal(err)
	}
	d.User = &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{socket.Sys().(*syscall.Stat_t).Gid}}
	d.Extra = append(d.Extra, "HOME="+d.Dir)
}
