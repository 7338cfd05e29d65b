package replay

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of personality(2) and sched_setscheduler(2).
const (
	addrNoRandomize = 0x0040000
	askPersonality  = 0xffffffff
	schedBatch      = 3
)

// settle gives the calling thread what its children inherit. What the machine refuses is left out: it costs exactness,
// not the run.
//
// Before main, the runtime hands its one processor from thread to thread, and makes another thread whenever the last
// one has not gone to sleep yet; every thread draws from the dice. On one CPU, under a policy by which a thread that
// wakes does not push aside the one that woke it, the last one is always asleep in time.
func settle(cpu int) {
	before, _, errno := unix.Syscall(unix.SYS_PERSONALITY, askPersonality, 0, 0)
	if errno == 0 {
		_, _, _ = unix.Syscall(unix.SYS_PERSONALITY, before|addrNoRandomize, 0, 0)
	}
	var priority int32
	_, _, _ = unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, schedBatch, uintptr(unsafe.Pointer(&priority)))
	var allowed unix.CPUSet
	err := unix.SchedGetaffinity(0, &allowed)
	if err != nil || allowed.Count() == 0 {
		return
	}
	var one unix.CPUSet
	one.Set(nth(&allowed, cpu%allowed.Count()))
	_ = unix.SchedSetaffinity(0, &one)
}

// nth CPU of a set that has more than n.
func nth(s *unix.CPUSet, n int) int {
	for cpu := 0; ; cpu++ {
		if !s.IsSet(cpu) {
			continue
		}
		if n == 0 {
			return cpu
		}
		n--
	}
}
