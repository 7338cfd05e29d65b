package daemon

import (
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
