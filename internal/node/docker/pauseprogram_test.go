package docker

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

func TestTheProgramIsASmallStaticExecutable(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		bin, err := pauseProgram(arch)
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
	_, err := pauseProgram("s390x")
	if err == nil {
		t.Error("an architecture without a program was accepted")
	}
}

func TestTheProgramSleepsUntilItIsTerminated(t *testing.T) {
	bin, err := pauseProgram(runtime.GOARCH)
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
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
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
