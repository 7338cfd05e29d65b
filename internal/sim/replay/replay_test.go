package replay_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longshore/internal/sim/replay"
)

// dice rolls everything that the runtime decides by itself, and prints it.
const dice = `package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "fail" {
		os.Exit(3)
	}
	if len(os.Args) > 1 && os.Args[1] == "hang" {
		select {}
	}
	m := map[int]int{}
	for i := range 1000 {
		m[i] = i
	}
	for k := range m {
		fmt.Print(k, " ")
	}
	a, b := make(chan int, 100), make(chan int, 100)
	for i := range 100 {
		a <- i
		b <- i
	}
	for range 100 {
		select {
		case <-a:
			fmt.Print("a")
		case <-b:
			fmt.Print("b")
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for g := range 50 {
		wg.Go(func() {
			for range 5 {
				x := 0
				for range 3_000_000 { // long enough for the monitor to interrupt
					x++
				}
				mu.Lock()
				fmt.Print(" ", g)
				mu.Unlock()
				if rand.IntN(2) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(rand.Uint64())
}
`

func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(dice), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "dice")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, filepath.Join(dir, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func roll(t *testing.T, bin string, seed uint64) (string, bool) {
	t.Helper()
	var out, errs bytes.Buffer
	code, exact, err := replay.Run(t.Context(), replay.Child{Path: bin, Seed: seed, Stdout: &out, Stderr: &errs})
	if err != nil || code != 0 || out.Len() == 0 {
		t.Fatal(code, err, errs.String())
	}
	return out.String(), exact
}

func TestTheSameSeedRollsTheSameDice(t *testing.T) {
	bin := build(t)
	first, exact := roll(t, bin, 1)
	if !exact {
		t.Skip("this machine forbids tracing a child")
	}
	for range 5 {
		again, _ := roll(t, bin, 1)
		if again != first {
			t.Fatalf("one seed, two runs:\n%s\n%s", first, again)
		}
	}
	other, _ := roll(t, bin, 2)
	if other == first {
		t.Fatal("another seed made the same choices")
	}
}

func TestTheExitCodeIsTheChilds(t *testing.T) {
	code, _, err := replay.Run(t.Context(), replay.Child{Path: build(t), Args: []string{"fail"}})
	if code != 3 || err != nil {
		t.Fatal(code, err)
	}
}

func TestAChildThatHangsEndsWithItsContext(t *testing.T) {
	bin := build(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := replay.Run(ctx, replay.Child{Path: bin, Args: []string{"hang"}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	_, _, err := replay.Run(t.Context(), replay.Child{Path: "/nowhere/dice"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/dice") {
		t.Fatal(err)
	}
}
