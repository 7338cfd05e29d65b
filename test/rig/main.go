//go:build e2e

package rig

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"longshore/internal/node/docker"
)

// What Main hands to the scenarios, as environment of the test process.
const (
	BinVar   = "LONGSHORE_BIN"
	imageVar = "LONGSHORE_TEST_IMAGE"
	tarVar   = "LONGSHORE_TEST_IMAGE_TAR"
)

// Main makes what every scenario needs, the binary and an image, both from this tree, and runs them.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "longshore-test-")
	if err == nil {
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rig:", err)
		return 1
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	return code
}

func prepare(dir string) error {
	bin := os.Getenv(BinVar)
	if bin == "" {
		bin = filepath.Join(dir, "longshore")
		err := goBuild(bin, "longshore/cmd/longshore")
		if err != nil {
			return err
		}
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	err = os.Setenv(BinVar, bin)
	if err != nil {
		return err
	}
	return prepareImage(dir)
}

func goBuild(out, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}

// prepareImage packs the probe as an image named after its content, and loads it: no registry is needed.
func prepareImage(dir string) error {
	probe := filepath.Join(dir, "probe")
	err := goBuild(probe, "longshore/test/probe")
	if err != nil {
		return err
	}
	program, err := os.ReadFile(probe)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(program)
	image := "longshore-test/probe:" + hex.EncodeToString(sum[:6])
	archive, err := docker.ImageArchive(image, runtime.GOARCH, "probe", program)
	if err != nil {
		return err
	}
	tarball := filepath.Join(dir, "probe.tar")
	err = os.WriteFile(tarball, archive, 0o600)
	if err != nil {
		return err
	}
	err = os.Setenv(imageVar, image)
	if err != nil {
		return err
	}
	err = os.Setenv(tarVar, tarball)
	if err != nil {
		return err
	}
	return NewEngine(EngineSocket).Load(context.Background(), bytes.NewReader(archive))
}

// Image is the probe's, which the machine's engine has.
func Image() string { return os.Getenv(imageVar) }

// ImageTar is a file with the probe's image, for other engines.
func ImageTar() string { return os.Getenv(tarVar) }
