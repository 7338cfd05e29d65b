//go:build e2e

package survival

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

// What TestMain hands to the scenarios, as environment of the test process.
const (
	binVar   = "LONGSHORE_BIN"
	imageVar = "LONGSHORE_SURVIVAL_IMAGE"
	tarVar   = "LONGSHORE_SURVIVAL_IMAGE_TAR"
)

// TestMain makes what every scenario needs: the binary and an image, both from this tree.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "longshore-survival-")
	if err == nil {
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "survival:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func prepare(dir string) error {
	var err error
	if os.Getenv(binVar) == "" {
		bin := filepath.Join(dir, "longshore")
		err = goBuild(bin, "longshore/cmd/longshore")
		if err != nil {
			return err
		}
		err = os.Setenv(binVar, bin)
		if err != nil {
			return err
		}
	}
	bin, err := filepath.Abs(os.Getenv(binVar))
	if err != nil {
		return err
	}
	err = os.Setenv(binVar, bin)
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
	image := "longshore-survival/probe:" + hex.EncodeToString(sum[:6])
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
	return newEngine(engineSocket).load(context.Background(), bytes.NewReader(archive))
}
