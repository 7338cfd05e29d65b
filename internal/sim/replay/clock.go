package replay

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// sysinfo is AT_SYSINFO_EHDR of getauxval(3): where the kernel put its shared object.
const sysinfo = 33

// stillClock is a clock_gettime that always answers the same: mov qword [rsi], 1000000000; mov qword [rsi+8], 0;
// xor eax, eax; ret.
var stillClock = [...]byte{0x48, 0xc7, 0x06, 0x00, 0xca, 0x9a, 0x3b, 0x48, 0xc7, 0x46, 0x08, 0, 0, 0, 0, 0x31, 0xc0, 0xc3}

// stopClock makes time stand still for a child at its first instruction. A mutex turns to another order of its
// waiters when one has waited for a millisecond of real time (sync.Mutex, starvation), which on a busy machine is any.
// The kernel's object is mapped privately, so nobody else's clock stops.
func stopClock(pid int, mem *os.File) error {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	base, err := auxiliary(pid, sysinfo)
	if err != nil {
		return err
	}
	image := make([]byte, 8<<10)
	r, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return fmt.Errorf("read the kernel's object: %w", err)
	}
	_, err = r.ReadAt(image, base)
	err = errors.Join(err, r.Close())
	if err != nil {
		return fmt.Errorf("read the kernel's object: %w", err)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return fmt.Errorf("read the kernel's object: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("read the kernel's object: %w", err)
	}
	for _, s := range symbols {
		if s.Name != "__vdso_clock_gettime" {
			continue
		}
		_, err = mem.WriteAt(stillClock[:], base+int64(s.Value))
		if err != nil {
			return fmt.Errorf("stop the clock: %w", err)
		}
		return nil
	}
	return errors.New("stop the clock: the kernel's object has no clock_gettime")
}

// auxiliary reads an entry of the child's auxiliary vector.
func auxiliary(pid int, tag uint64) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		return 0, fmt.Errorf("read the auxiliary vector: %w", err)
	}
	for ; len(b) >= 16; b = b[16:] {
		if binary.LittleEndian.Uint64(b) == tag {
			return int64(binary.LittleEndian.Uint64(b[8:])), nil
		}
	}
	return 0, fmt.Errorf("auxiliary vector has no entry %d", tag)
}
