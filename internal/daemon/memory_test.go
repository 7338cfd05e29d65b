package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestALargeHeapMayHoldLessGarbage(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 20 << 20: 100, 256 << 20: 87, 1 << 30: 31, 3 << 29: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, want)
		}
	}
}

func TestAskingForHugePagesTakesNoMemory(t *testing.T) {
	const asked = 512 << 20
	before := residentBytes(t)
	hugePages(asked)
	took := residentBytes(t) - before
	if took > asked/8 {
		t.Errorf("%d MiB more are resident after a block of %d MiB was given back untouched", took>>20, asked>>20)
	}
}

func TestTheSizeOfAStoreIsThatOfItsFiles(t *testing.T) {
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "a"), make([]byte, 1000), 0o600)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "b"), make([]byte, 234), 0o600)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "c"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := sizeOf(dir); got != 1234 {
		t.Errorf("size is %d, want 1234", got)
	}
	if got := sizeOf(filepath.Join(dir, "none")); got != 0 {
		t.Errorf("size of a directory that does not exist is %d, want 0", got)
	}
}

func residentBytes(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int64
	_, err = fmt.Sscan(string(text), &size, &resident)
	if err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}
