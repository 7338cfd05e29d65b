package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"longshore/internal/sim/dice"
)

// Keepalive is how long a connection outlives a link that is cut: Go's default of 15 s and nine probes of as much.
const Keepalive = 150 * time.Second

// Config of a network.
type Config struct {
	Dice *dice.Dice
	Now  func() time.Time
	// Latency of a link in one direction is drawn once from [Low, High); every chunk adds up to half of it again.
	Low, High time.Duration
	// Point is told before and after each write of a host, and may crash the host there. nil = nothing happens.
	Point func(host, what string)
	// Note is told of each fault, by its kind. nil = nobody is.
	Note func(kind, text string)
}

// Network joins hosts by name.
type Network struct {
	Config
	mu     sync.Mutex
	hosts  map[string]*Host
	links  map[[2]string]*link
	frames Frames
	conns  int
}

// New network without hosts.
func New(c Config) *Network {
	if c.Point == nil {
		c.Point = func(string, string) {}
	}
	if c.Note == nil {
		c.Note = func(string, string) {}
	}
	return &Network{Config: c, hosts: map[string]*Host{}, links: map[[2]string]*link{}}
}

// link is one direction between two hosts.
type link struct {
	name string
	dice *dice.Dice
	lag  time.Duration

	mu        sync.Mutex
	down      bool
	cuts      int       // how often it was cut
	notBefore time.Time // after a cut, what was lost is sent again
	pipes     []*pipe   // in the order of making
}

func (n *Network) link(from, to string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := [2]string{from, to}
	l := n.links[k]
	if l == nil {
		d := n.Dice.Of(from + ">" + to)
		l = &link{name: from + ">" + to, dice: d, lag: d.Between(n.Low, n.High)}
		n.links[k] = l
	}
	return l
}

// Cut loses everything from one host to another from now on.
func (n *Network) Cut(from, to string) {
	l := n.link(from, to)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return
	}
	l.down = true
	l.cuts++
	cut := l.cuts
	n.Note("partition", l.name)
	time.AfterFunc(Keepalive, func() {
		l.mu.Lock()
		broken := l.down && l.cuts == cut
		pipes := append([]*pipe(nil), l.pipes...)
		l.mu.Unlock()
		for _, p := range pipes {
			if broken {
				p.conn.reset(syscall.ETIMEDOUT)
			}
		}
	})
}

// Lag sets what a link takes, in both directions, for hosts that are closer than others.
func (n *Network) Lag(a, b string, d time.Duration) {
	for _, l := range []*link{n.link(a, b), n.link(b, a)} {
		l.mu.Lock()
		l.lag = d
		l.mu.Unlock()
	}
}

// Vanish ends a host of which only the name is at hand.
func (n *Network) Vanish(name string) {
	n.mu.Lock()
	h := n.hosts[name]
	n.mu.Unlock()
	if h != nil {
		h.Vanish()
	}
}

// Heal ends a cut; what was sent meanwhile arrives a retransmission later.
func (n *Network) Heal(from, to string) {
	l := n.link(from, to)
	l.mu.Lock()
	if !l.down {
		l.mu.Unlock()
		return
	}
	l.down = false
	l.notBefore = n.Now().Add(l.dice.Between(50*time.Millisecond, time.Second))
	pipes := append([]*pipe(nil), l.pipes...)
	l.mu.Unlock()
	n.Note("heal", l.name)
	for _, p := range pipes {
		p.wake()
	}
}

// Reset ends every connection between two hosts at once; what was on its way is lost.
func (n *Network) Reset(a, b string) {
	l := n.link(a, b)
	l.mu.Lock()
	pipes := append([]*pipe(nil), l.pipes...)
	l.mu.Unlock()
	for _, p := range pipes {
		p.conn.reset(syscall.ECONNRESET)
	}
}

// Up says whether both directions between two hosts carry.
func (n *Network) Up(a, b string) bool { return n.link(a, b).carries() && n.link(b, a).carries() }

func (l *link) carries() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.down
}

func (l *link) add(p *pipe) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pipes = append(l.pipes, p)
}

func (l *link) remove(p *pipe) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.pipes {
		if o == p {
			l.pipes = append(l.pipes[:i:i], l.pipes[i+1:]...)
			return
		}
	}
}

// arrival of what is sent now.
func (l *link) arrival(now time.Time) time.Time {
	return now.Add(l.lag + time.Duration(l.dice.Float()*float64(l.lag)/2))
}

// trip is the least that a packet takes.
func (l *link) trip() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lag
}

// gate says whether the link carries, and from when on.
func (l *link) gate() (down bool, notBefore time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down, l.notBefore
}

// errFenced is what a crashed host gets for everything that it still tries.
var errFenced = errors.New("host has crashed")

// Dial connects to HOST:PORT. A cut link is tried again, as TCP does, until ctx ends.
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n := h.net
	there, back := n.link(h.name, name), n.link(name, h.name)
	for wait := time.Second; ; wait *= 2 {
		err := rest(ctx, there.lag+back.lag)
		if err != nil {
			return nil, refused("dial", address, err)
		}
		if h.dead() {
			return nil, refused("dial", address, errFenced)
		}
		if there.carries() && back.carries() {
			c, err := n.connect(h, name, address)
			if !errors.Is(err, errUnreachable) {
				return c, err
			}
		}
		err = rest(ctx, wait)
		if err != nil {
			return nil, refused("dial", address, err)
		}
	}
}

// errUnreachable says that there is no such host now.
var errUnreachable = errors.New("no route to host")

func (n *Network) connect(h *Host, name, address string) (net.Conn, error) {
	n.mu.Lock()
	to := n.hosts[name]
	n.mu.Unlock()
	if to == nil || to.vanished() {
		return nil, errUnreachable
	}
	l := to.listener(address)
	if l == nil {
		return nil, refused("dial", address, syscall.ECONNREFUSED)
	}
	n.mu.Lock()
	n.conns++
	port := 30000 + n.conns%30000
	n.mu.Unlock()
	client, server := n.pair(h, to, fmt.Sprintf("%s:%d", h.name, port), address)
	if !l.offer(server) {
		client.reset(syscall.ECONNREFUSED)
		return nil, refused("dial", address, syscall.ECONNREFUSED)
	}
	return client, nil
}

func refused(op, address string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: addr(address), Err: err}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
