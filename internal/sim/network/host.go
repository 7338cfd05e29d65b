package network

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// Host is one incarnation of a machine or of a process on one.
type Host struct {
	net  *Network
	name string

	mu        sync.Mutex
	crashed   bool
	powerless bool
	replaced  bool // by its next incarnation
	listeners map[string]*Listener
	conns     []*Conn // in the order of making
}

// probeEvery is how often a far end tries an idle connection: Go's default keepalive.
const probeEvery = 15 * time.Second

// Host brings a host up. An earlier one of the same name must have crashed. It knows nothing of that one's connections,
// and says so to the far ends when they send something or probe. Until then they hold a connection to nobody, perhaps
// beside a new one.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	before := n.hosts[name]
	h := &Host{net: n, name: name, listeners: map[string]*Listener{}}
	n.hosts[name] = h
	n.mu.Unlock()
	if before != nil {
		for _, c := range before.replace() {
			c.peer.probe(c.in.link.dice.Between(0, probeEvery))
		}
	}
	return h
}

// replace says that another incarnation is up, and answers the connections that it does not know.
func (h *Host) replace() []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replaced = true
	return append([]*Conn(nil), h.conns...)
}

// Name of the host.
func (h *Host) Name() string { return h.name }

// Crash ends the host as SIGKILL ends a process: the kernel still delivers what it holds, then closes.
func (h *Host) Crash() {
	for _, c := range h.fence(false) {
		c.abandon()
	}
}

// Vanish ends the host as a power cut does: nobody hears anything until keepalive ends or a host that is back is tried.
func (h *Host) Vanish() {
	h.fence(true)
	time.AfterFunc(Keepalive, func() { h.ended(syscall.ETIMEDOUT) })
}

func (h *Host) fence(powerless bool) []*Conn {
	h.mu.Lock()
	h.crashed, h.powerless = true, h.powerless || powerless
	listeners := h.listeners
	h.listeners = map[string]*Listener{}
	conns := append([]*Conn(nil), h.conns...)
	h.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close() // a listener of this package closes without fail
	}
	for _, c := range conns {
		c.fence()
	}
	return conns
}

// ended tells the far ends that the host they spoke to is gone.
func (h *Host) ended(err error) {
	h.mu.Lock()
	conns := append([]*Conn(nil), h.conns...)
	h.mu.Unlock()
	for _, c := range conns {
		c.reset(err)
	}
}

func (h *Host) dead() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.crashed
}

func (h *Host) vanished() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.powerless
}

func (h *Host) forgotten() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.replaced
}

func (h *Host) add(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
}

func (h *Host) remove(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, o := range h.conns {
		if o == c {
			h.conns = append(h.conns[:i:i], h.conns[i+1:]...)
			return
		}
	}
}

func (h *Host) listener(address string) *Listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listeners[address]
}

// Listener takes connections for one address of a host.
type Listener struct {
	host    *Host
	address string

	mu      sync.Mutex
	waiting []*Conn
	ready   *sync.Cond
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// Listen opens HOST:PORT of this host.
func (h *Host) Listen(address string) (*Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crashed {
		return nil, refused("listen", address, errFenced)
	}
	if h.listeners[address] != nil {
		return nil, refused("listen", address, syscall.EADDRINUSE)
	}
	l := &Listener{host: h, address: address}
	l.ready = sync.NewCond(&l.mu)
	h.listeners[address] = l
	return l, nil
}

func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.waiting = append(l.waiting, c)
	l.ready.Signal()
	return true
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.ready.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close implements net.Listener; connections that nobody took are refused late.
func (l *Listener) Close() error {
	l.mu.Lock()
	waiting := l.waiting
	l.waiting, l.closed = nil, true
	l.ready.Broadcast()
	l.mu.Unlock()
	for _, c := range waiting {
		c.reset(syscall.ECONNRESET)
	}
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	if l.host.listeners[l.address] == l {
		delete(l.host.listeners, l.address)
	}
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return addr(l.address) }

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }
