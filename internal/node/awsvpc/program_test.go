package awsvpc

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestTheProgramIsASmallStaticExecutable(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		bin, err := program(arch)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(bin))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		if f.Machine != machine || f.Type != elf.ET_EXEC || len(f.Progs) != 1 || len(bin) > 400 {
			t.Errorf("%s: %v %v, %d segments, %d bytes", arch, f.Machine, f.Type, len(f.Progs), len(bin))
		}
		p := f.Progs[0]
		if p.Flags != elf.PF_R|elf.PF_X || p.Filesz != uint64(len(bin)) || f.Entry != loadAddress+headerSize {
			t.Errorf("%s: segment %+v, entry %#x", arch, p.ProgHeader, f.Entry)
		}
	}
	_, err := program("s390x")
	if err == nil {
		t.Error("an architecture without a program was accepted")
	}
}

func TestTheProgramSleepsUntilItIsTerminated(t *testing.T) {
	bin, err := program(runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	name := filepath.Join(t.TempDir(), "pause")
	err = os.WriteFile(name, bin, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name)
	err = cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	// A handler, not the default action, ends it: the exit is clean even before the first sigaction call
	// is reached only if the process got that far, so wait until it sleeps in pause.
	waitState(t, cmd.Process.Pid)
	err = cmd.Process.Signal(syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
}

// waitState returns once the kernel shows the process sleeping.
func waitState(t *testing.T, pid int) {
	t.Helper()
	for range 1_000_000 {
		stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(stat, []byte("(pause) S ")) {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("the program never slept")
}

func TestTheArm64BranchesAndAddressesAreRight(t *testing.T) {
	code := codeARM64()
	word := func(i int) uint32 {
		return uint32(code[i*4]) | uint32(code[i*4+1])<<8 | uint32(code[i*4+2])<<16 | uint32(code[i*4+3])<<24
	}
	// adr x1, #imm: immlo in bits 29-30, immhi in bits 5-23.
	adr := func(i int) int { return i*4 + int(word(i)>>29&3|word(i)>>5&0x7ffff<<2) }
	for at, want := range map[int]int{3: 168, 4: 176, 9: 104, 14: 136} {
		if adr(at) != want {
			t.Errorf("word %d points at %d, want %d", at, adr(at), want)
		}
	}
	if back := int32(word(22)<<6) >> 6; word(22)>>26 != 5 || 22+back != 16 {
		t.Errorf("loop goes to %d, want 16", 22+back)
	}
	if len(code) != 26*4+64+32 {
		t.Errorf("%d bytes", len(code))
	}
}

func TestTheImageIsTheSameBytesEveryTime(t *testing.T) {
	one, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	two, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	if one.ref != two.ref || !bytes.Equal(one.tar, two.tar) {
		t.Error("two builds differ")
	}
	other, err := newImage("arm64")
	if err != nil || other.ref == one.ref {
		t.Errorf("arm64 has the name %s too (%v)", other.ref, err)
	}
	var names []string
	r := tar.NewReader(bytes.NewReader(one.tar))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if len(names) != 3 || names[2] != "manifest.json" {
		t.Errorf("archive holds %v", names)
	}
}

// imageEngine answers for images only.
type imageEngine struct {
	Engine
	there bool
	loads int
}

func (e *imageEngine) ImageExists(context.Context, string) (bool, error) { return e.there, nil }

func (e *imageEngine) LoadImage(_ context.Context, r io.Reader) error {
	e.loads++
	e.there = true
	_, err := io.Copy(io.Discard, r)
	return err
}

func TestTheImageIsLoadedOnce(t *testing.T) {
	img, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	e := &imageEngine{}
	for range 2 {
		err = img.ensure(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
	}
	if e.loads != 1 {
		t.Errorf("loaded %d times", e.loads)
	}
}
