package awsvpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"
)

// Errors that callers tell apart.
var (
	// ErrAddressTaken says that this host already routes the address elsewhere: choose another.
	ErrAddressTaken = errors.New("address is already in use on this host")
	// ErrUnavailable says that this machine or user cannot do awsvpc at all; the reason is wrapped beside it.
	ErrUnavailable = errors.New("awsvpc networking is off")
)

// OwnerLabel is on every pause container; its value is the installation.
const OwnerLabel = "longshore.pause"

// Engine is what awsvpc needs of a container engine.
type Engine interface {
	// LoadImage loads a `docker load` archive.
	LoadImage(ctx context.Context, tar io.Reader) error
	// ImageExists says whether the reference is present.
	ImageExists(ctx context.Context, ref string) (bool, error)
	// StartPause creates and starts a container and returns once it runs. Its root file system must not be
	// read-only, else Docker mounts resolv.conf and hosts so that Attach cannot write them.
	StartPause(ctx context.Context, spec PauseSpec) (id string, pid int, err error)
	// RemovePause kills and removes; nil when there is no such container.
	RemovePause(ctx context.Context, id string) error
	// ListPauses lists containers, running or not, that carry all these labels.
	ListPauses(ctx context.Context, labels map[string]string) ([]Pause, error)
}

// PauseSpec describes a pause container to start.
type PauseSpec struct {
	Name     string
	Image    string
	Labels   map[string]string
	Hostname string
	// Leaves asks for network mode host with no capability but SYS_ADMIN, the fast way: the program leaves the
	// host's namespace at once and gives the capability back. Otherwise, and where the engine refuses that, the
	// mode is none.
	Leaves bool
}

// Pause is a pause container that exists. PID is 0 when it does not run.
type Pause struct {
	ID     string
	Name   string
	PID    int
	Labels map[string]string
}

// Config says what a Manager works with.
type Config struct {
	// Installation is the unique id of this installation; links, rules and containers carry it.
	Installation string
	// Engine runs the pause containers.
	Engine Engine
	// Labels are put on every pause container beside OwnerLabel.
	Labels map[string]string
	// PoolSize is how many namespaces are kept ready; 0 means 4, negative none. About 10 MB each.
	PoolSize int
	// PoolMax bounds what a burst may grow the pool to; 0 means four times PoolSize.
	PoolMax int
	// PoolQuiet is how long after the last take a pool that is not empty waits before it is refilled, so that
	// refilling does not compete with the tasks that are starting; 0 means 250 ms.
	PoolQuiet time.Duration
	// MTU of the tasks' interfaces; 0 means that of the host's default route.
	MTU int
	// Root says whether the process may change the machine's network (effective uid 0).
	Root bool
	// Arch chooses the pause program: amd64 or arm64; empty means the machine's.
	Arch string
	// Resolv holds the host's real name servers where its resolv.conf names only a local one; empty means
	// systemd-resolved's /run/systemd/resolve/resolv.conf.
	Resolv string
	// Proc is where procfs is mounted; empty means /proc.
	Proc string
	// Exec runs a program and returns its combined output; nil means os/exec.
	Exec func(ctx context.Context, name string, args ...string) ([]byte, error)
	// NewID returns a fresh random identifier of at least 8 characters [a-z0-9].
	NewID func() string
	// Now is the clock.
	Now func() time.Time
	// Log receives what no caller is told.
	Log *slog.Logger
}

// Request asks for a task's namespace.
type Request struct {
	TaskID     string
	TaskARN    string
	Address    netip.Addr
	SubnetCIDR netip.Prefix
	// VPCCIDR is where the task speaks with its own address; unknown means SubnetCIDR. Tasks of one host always do.
	VPCCIDR netip.Prefix
	MAC     net.HardwareAddr
	// Hostname goes to the task's hosts and hostname files: ip-172-31-0-4.ec2.internal.
	Hostname string
	// DNS are the task's name servers; none means Docker's choice.
	DNS []string
	// Search are the domains that short names are tried in; none means Docker's choice.
	Search []string
	// Labels go on the pause container when one is started for this task; pooled ones were named before.
	Labels map[string]string
}

// Attached is a task's namespace.
type Attached struct {
	// PauseID is what containers join: network mode container:<PauseID>.
	PauseID string
	// PausePID is the process whose /proc entry shows the namespace.
	PausePID int
	// Link is the host's end.
	Link string
	// Adopted says that it was there already.
	Adopted bool
}

// Manager attaches and detaches the tasks of one installation on this machine.
type Manager struct {
	cfg   Config
	names names
	image image
	pool  *pool

	hostMu sync.Mutex // held while the host is prepared, once
	ready  bool       // prepare is done
	ruled  bool       // its part without the engine is done
	host   *netlink.Handle
	table  knftables.Interface
	hostNS os.FileInfo // the host's network namespace
	mtu    int

	mu     sync.Mutex
	pauses map[string]*pause        // every pause container this process answers for, by id
	tasks  map[string]bool          // every task that this process attached, or found attached and was asked for
	stays  bool                     // this machine keeps pause programs from leaving the host's namespace
	shares bool                     // another installation holds port 80 of the metadata address
	serves bool                     // the metadata listener was opened
	making map[string]bool          // names of those being started: a sweep must not take them for orphans
	locks  map[string]chan struct{} // tasks with a call in progress
	vpcs   map[netip.Prefix]bool    // VPCs that the masquerade rule knows
}

// New checks the configuration and touches nothing.
func New(cfg Config) (*Manager, error) {
	err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("configure awsvpc: %w", err)
	}
	img, err := newImage(cfg.Arch)
	if err != nil {
		return nil, fmt.Errorf("build pause image: %w", err)
	}
	return &Manager{
		cfg:    cfg,
		names:  newNames(cfg.Installation),
		image:  img,
		pool:   newPool(cfg),
		pauses: map[string]*pause{},
		tasks:  map[string]bool{},
		making: map[string]bool{},
		locks:  map[string]chan struct{}{},
		vpcs:   map[netip.Prefix]bool{},
	}, nil
}

func (c *Config) complete() error {
	if c.Installation == "" || strings.ContainsAny(c.Installation, aliasSep+"\" \n") || len(c.Installation) > 64 {
		return fmt.Errorf("installation %q: 1 to 64 characters, no space, quote or %q", c.Installation, aliasSep)
	}
	if c.Engine == nil || c.NewID == nil || c.Now == nil || c.Log == nil {
		return errors.New("engine, id source, clock and logger are required")
	}
	if c.PoolSize == 0 {
		c.PoolSize = 4
	}
	c.PoolSize = max(c.PoolSize, 0)
	if c.PoolMax == 0 {
		c.PoolMax = 4 * c.PoolSize
	}
	if c.PoolQuiet == 0 {
		c.PoolQuiet = 250 * time.Millisecond
	}
	if c.Arch == "" {
		c.Arch = runtime.GOARCH
	}
	if c.Resolv == "" {
		c.Resolv = "/run/systemd/resolve/resolv.conf"
	}
	if c.Proc == "" {
		c.Proc = "/proc"
	}
	if c.Exec == nil {
		c.Exec = runCommand
	}
	return nil
}

// Available returns nil, or ErrUnavailable with what is missing and how to mend it.
func (m *Manager) Available(ctx context.Context) error {
	if !m.cfg.Root {
		return fmt.Errorf("%w: it needs root; start longshore as root", ErrUnavailable)
	}
	for _, tool := range []string{"nft", "iptables"} {
		_, err := m.cfg.Exec(ctx, tool, "--version")
		if err != nil {
			return fmt.Errorf("%w: %s does not run (%w); apt-get install nftables iptables", ErrUnavailable, tool, err)
		}
	}
	f, err := os.OpenFile(filepath.Join(m.cfg.Proc, "sys/net/ipv4/ip_forward"), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%w: the kernel's network settings cannot be written: %w", ErrUnavailable, err)
	}
	return f.Close()
}

// prepare makes host and engine ready once: rules, image, and what an earlier process left is adopted.
// A failure leaves it undone, so the next call tries again.
func (m *Manager) prepare(ctx context.Context) error {
	m.hostMu.Lock()
	defer m.hostMu.Unlock()
	if m.ready {
		return nil
	}
	err := m.prepareHost(ctx)
	if err != nil {
		return err
	}
	err = m.image.ensure(ctx, m.cfg.Engine)
	if err != nil {
		return err
	}
	err = m.adopt(ctx)
	if err != nil {
		return err
	}
	m.ready = true
	return nil
}

// prepareRules is the part of prepare that needs no engine.
func (m *Manager) prepareRules(ctx context.Context) error {
	m.hostMu.Lock()
	defer m.hostMu.Unlock()
	return m.prepareHost(ctx)
}

func (m *Manager) prepareHost(ctx context.Context) error {
	if m.ruled {
		return nil
	}
	err := m.openHost(ctx)
	if err != nil {
		return err
	}
	err = m.ensureRules(ctx)
	m.ruled = err == nil
	return err
}

// openHost opens what we speak to the kernel through and changes nothing.
func (m *Manager) openHost(ctx context.Context) error {
	err := m.Available(ctx)
	if err != nil {
		return err
	}
	if m.hostNS == nil {
		m.hostNS, err = os.Stat(filepath.Join(m.cfg.Proc, "thread-self/ns/net"))
		if err != nil {
			return fmt.Errorf("find the host's namespace: %w", err)
		}
	}
	if m.host == nil {
		m.host, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink: %w", err)
		}
		m.mtu = m.cfg.MTU
		if m.mtu == 0 {
			m.mtu = m.defaultMTU()
		}
	}
	if m.table == nil {
		m.table, err = knftables.New(knftables.IPv4Family, m.names.table)
		if err != nil {
			return fmt.Errorf("open nftables: %w", err)
		}
	}
	return nil
}

// lock waits until no other call works on the task; the function it returns lets the next one in.
func (m *Manager) lock(ctx context.Context, taskID string) (func(), error) {
	for {
		m.mu.Lock()
		busy, taken := m.locks[taskID]
		if !taken {
			done := make(chan struct{})
			m.locks[taskID] = done
			m.mu.Unlock()
			return func() {
				m.mu.Lock()
				delete(m.locks, taskID)
				m.mu.Unlock()
				close(done)
			}, nil
		}
		m.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
