package daemon

import "testing"

func TestALargeHeapMayHoldLessGarbage(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 20 << 20: 100, 256 << 20: 87, 1 << 30: 31, 3 << 29: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, want)
		}
	}
}
