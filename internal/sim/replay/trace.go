package replay

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// trace drives a child that is stopped at its first instruction until it has exited.
func trace(pid int, seed uint64) (code int, err error) {
	var status unix.WaitStatus
	_, err = unix.Wait4(pid, &status, unix.WALL, nil)
	if err != nil {
		return 0, fmt.Errorf("wait for the child: %w", err)
	}
	if !status.Stopped() {
		return 0, fmt.Errorf("child did not stop at its start: status %#x", uint32(status))
	}
	err = prepare(pid, seed)
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, &status, unix.WALL, nil)
		return 0, err
	}
	return follow(pid)
}

// prepare plants the seed and asks to be told of threads.
func prepare(pid int, seed uint64) error {
	at, err := auxiliary(pid, atRandom)
	if err != nil {
		return err
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("plant the seed: %w", err)
	}
	_, err = mem.WriteAt(seedBytes(seed), at)
	err = errors.Join(err, stopClock(pid, mem), mem.Close())
	if err != nil {
		return fmt.Errorf("plant the seed: %w", err)
	}
	err = unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL)
	if err != nil {
		return fmt.Errorf("follow threads: %w", err)
	}
	return proceed(pid, 0)
}

// follow lets every thread run but the first that the runtime starts: the monitor, whose work is to interrupt.
func follow(pid int) (int, error) {
	monitor := 0
	for {
		var status unix.WaitStatus
		// Only this thread's children: other runs wait for theirs beside us.
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait for the child: %w", err)
		}
		if tid == pid && status.Exited() {
			return status.ExitStatus(), nil
		}
		if tid == pid && status.Signaled() {
			return -1, nil
		}
		if monitor == 0 {
			monitor = firstThread(pid, tid, status)
		}
		if !status.Stopped() || tid == monitor {
			continue
		}
		err = proceed(tid, deliver(status))
		if err != nil {
			return 0, err
		}
	}
}

// firstThread is the thread that a stop is about, if it is about one: its own first stop and the stop of its maker
// come in any order, but no second thread is made before the maker goes on.
func firstThread(pid, tid int, s unix.WaitStatus) int {
	if tid != pid {
		return tid
	}
	if s.TrapCause() != unix.PTRACE_EVENT_CLONE {
		return 0
	}
	made, err := unix.PtraceGetEventMsg(pid)
	if err != nil {
		return 0 // killed in the meantime
	}
	return int(made)
}

// deliver is the signal that a stopped thread must still get: none where the stop is the tracer's own.
func deliver(s unix.WaitStatus) int {
	sig := s.StopSignal()
	if sig == unix.SIGTRAP || sig == unix.SIGSTOP {
		return 0
	}
	return int(sig)
}

func proceed(tid, signal int) error {
	err := unix.PtraceCont(tid, signal)
	if err != nil && !errors.Is(err, unix.ESRCH) { // ESRCH: killed in the meantime; its end is reported next
		return fmt.Errorf("continue the child: %w", err)
	}
	return nil
}

// atRandom is AT_RANDOM of getauxval(3).
const atRandom = 25
