package replay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Child is a program to run.
type Child struct {
	// Path of the executable; a Go program built without cgo.
	Path string
	// Args after the program's name.
	Args []string
	// Env is added to what fixes the runtime; nothing is inherited.
	Env []string
	// CPU is the one that the child runs on, counted among those that this process may use. Give children that run
	// at the same time different ones.
	CPU int
	// Seed of the runtime's random choices.
	Seed uint64
	// MemoryLimit is where garbage collection begins, in bytes; 0 = 2 GiB. A run that reaches it is not exact.
	MemoryLimit int64
	// Stdout and Stderr get what the child writes; nil discards it.
	Stdout, Stderr io.Writer
}

// Run runs the child to its end and answers its exit code (-1: killed by a signal), and whether its runtime was
// under control all the time. When ctx ends the child is killed and ctx's error returned.
func Run(ctx context.Context, c Child) (code int, exact bool, err error) {
	type outcome struct {
		code  int
		exact bool
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		// A tracer is a thread, and so is a personality; the thread ends with this goroutine.
		runtime.LockOSThread()
		code, exact, err := run(ctx, c)
		done <- outcome{code, exact, err}
	}()
	o := <-done
	if ctx.Err() != nil {
		return o.code, o.exact, ctx.Err()
	}
	return o.code, o.exact, o.err
}

// environment is what the runtime reads at its start.
func (c Child) environment() []string {
	limit := c.MemoryLimit
	if limit == 0 {
		limit = 2 << 30
	}
	return append([]string{
		"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=" + strconv.FormatInt(limit, 10),
		"GODEBUG=asyncpreemptoff=1", "PATH=/usr/local/bin:/usr/bin:/bin", "TZ=UTC",
	}, c.Env...)
}

func run(ctx context.Context, c Child) (int, bool, error) {
	out, err := pipe(c.Stdout)
	if err != nil {
		return 0, false, err
	}
	errs, err := pipe(c.Stderr)
	if err != nil {
		return 0, false, errors.Join(err, out.close())
	}
	p, traced, err := start(c, out.w, errs.w)
	// The child has its own copies; without closing ours the readers would never see an end.
	err = errors.Join(err, out.w.Close(), errs.w.Close())
	if err != nil {
		return 0, false, errors.Join(err, out.close(), errs.close())
	}
	stop := context.AfterFunc(ctx, func() { _ = unix.Kill(p.Pid, unix.SIGKILL) })
	defer stop()
	var code int
	if traced {
		code, err = trace(p.Pid, c.Seed)
	} else {
		var state *os.ProcessState
		state, err = p.Wait()
		if err == nil {
			code = state.ExitCode()
		}
	}
	return code, traced && err == nil, errors.Join(err, out.close(), errs.close())
}

// start begins the child, stopped before its first instruction if it can be traced.
func start(c Child, stdout, stderr *os.File) (*os.Process, bool, error) {
	settle(c.CPU)
	attr := &os.ProcAttr{
		Env: c.environment(), Files: []*os.File{nil, stdout, stderr},
		Sys: &unix.SysProcAttr{Ptrace: true, Pdeathsig: unix.SIGKILL},
	}
	argv := append([]string{filepath.Base(c.Path)}, c.Args...)
	p, err := os.StartProcess(c.Path, argv, attr)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		attr.Sys.Ptrace = false
		p, err = os.StartProcess(c.Path, argv, attr)
		if err == nil {
			return p, false, nil
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return p, true, nil
}

// stream copies what the child writes.
type stream struct {
	r, w *os.File
	wg   sync.WaitGroup
	err  error
}

func pipe(to io.Writer) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	if to == nil {
		to = io.Discard
	}
	s := &stream{r: r, w: w}
	s.wg.Go(func() { _, s.err = io.Copy(to, r) })
	return s, nil
}

// close waits for the rest of the output; a second close of w is no error.
func (s *stream) close() error {
	_ = s.w.Close()
	s.wg.Wait()
	return errors.Join(s.err, s.r.Close())
}

// seedBytes are the sixteen bytes that the runtime finds in place of the kernel's.
func seedBytes(seed uint64) []byte {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], seed*0x9e3779b97f4a7c15+1)
	binary.LittleEndian.PutUint64(b[8:], seed^0xd1b54a32d192ed03)
	return b[:]
}
