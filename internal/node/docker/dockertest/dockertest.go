// Package dockertest gives Docker tests an engine, an image and a clean-up, and touches nothing that a test of its
// own did not make.
package dockertest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"longshore/internal/node/docker"
)

// Image is the tag of the probe image.
const Image = "longshore-test/probe:1"

// Engine returns the local engine with the probe image loaded; it fails the test when there is none.
func Engine(t testing.TB) *docker.Engine {
	t.Helper()
	e, err := docker.New(docker.Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	err = e.Ping(context.Background())
	if err != nil {
		t.Fatalf("these tests need a Docker engine: %v", err)
	}
	loadProbe(t, e)
	return e
}

func loadProbe(t testing.TB, e *docker.Engine) {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	bin := filepath.Join(t.TempDir(), "probe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, ".")
	build.Dir = filepath.Join(filepath.Dir(file), "probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build probe: %v\n%s", err, out)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := docker.ImageArchive(Image, runtime.GOARCH, "probe", program)
	if err != nil {
		t.Fatal(err)
	}
	err = e.LoadImage(context.Background(), bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
}

// Installation returns an installation label of this test alone and removes every container and volume that carries
// it when the test ends.
func Installation(t testing.TB, e *docker.Engine) string {
	t.Helper()
	name := "test-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + time.Now().Format("150405.000000")
	t.Cleanup(func() { sweep(t, e, name) })
	return name
}

func sweep(t testing.TB, e *docker.Engine, installation string) {
	ctx := context.Background()
	mine := map[string]string{docker.LabelInstallation: installation}
	list, err := e.List(ctx, mine)
	if err != nil {
		t.Error(err)
	}
	for _, c := range list {
		err = e.Remove(ctx, c.ID)
		if err != nil {
			t.Error(err)
		}
	}
	volumes, err := e.ListVolumes(ctx, mine)
	if err != nil {
		t.Error(err)
	}
	for _, v := range volumes {
		err = e.RemoveVolume(ctx, v)
		if err != nil {
			t.Error(err)
		}
	}
}
