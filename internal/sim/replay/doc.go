// Package replay runs a Go program so that the Go runtime makes the same choices every time.
//
// A program whose inputs all come from a seed still differs from run to run, because the runtime itself rolls dice:
// which ready case of a select is taken, where the iteration of a map begins, and when a goroutine that runs for long
// is preempted. Run takes those dice away from outside, so that the program is the one that ships, built as it ships:
//
//   - The kernel hands every process sixteen random bytes (AT_RANDOM in the auxiliary vector, see getauxval(3)), from
//     which the runtime seeds everything it draws. They are overwritten before the program's first instruction.
//   - One processor (GOMAXPROCS=1), no asynchronous preemption and no garbage collection below a limit leave one
//     source of real time in the scheduler: the monitor thread. It is the first thread that the runtime starts, and
//     it is held before its first instruction.
//   - Addresses are not randomised.
//   - The clock stands still (on amd64), because the order in which waiters get a mutex depends on it.
//
// # Not promised
//
// A program that reads the clock, a socket or the system's random source outside of what its seed decides differs
// all the same. Where the kernel forbids tracing a child, the program runs plainly, and Run says so.
package replay
