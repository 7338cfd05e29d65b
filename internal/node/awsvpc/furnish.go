package awsvpc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// furnish gives a bare namespace what Docker gives those it makes: loopback, ports below 1024 for everybody
// and ping without privileges. It happens before the namespace waits in the pool, and may be repeated.
func (m *Manager) furnish(q *pause) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(q.ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	return m.within(q.ns, func() error {
		err := m.sysctl("ipv4/ip_unprivileged_port_start", "0")
		if err != nil {
			return err
		}
		return m.sysctl("ipv4/ping_group_range", "0 2147483647")
	})
}

// within runs f on a thread that is in the namespace. A thread that cannot come back is given up: it stays
// locked and ends with its goroutine.
func (m *Manager) within(ns *os.File, f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- m.switched(ns, f) }()
	return <-ended
}

func (m *Manager) switched(ns *os.File, f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(filepath.Join(m.cfg.Proc, "thread-self/ns/net"))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
	if err == nil {
		err = f()
		back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
		if back != nil {
			return errors.Join(err, back, home.Close())
		}
	}
	runtime.UnlockOSThread()
	return errors.Join(err, home.Close())
}
