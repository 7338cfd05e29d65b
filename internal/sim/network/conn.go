package network

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how much may be on its way before writers wait.
const window = 1 << 20

// Conn is one end of a connection.
type Conn struct {
	host          *Host
	in, out       *pipe
	local, remote addr
	peer          *Conn
	once          sync.Once
}

var _ net.Conn = (*Conn)(nil)

// pair makes both ends of a connection.
func (n *Network) pair(from, to *Host, here, there string) (*Conn, *Conn) {
	a := &Conn{host: from, local: addr(here), remote: addr(there)}
	b := &Conn{host: to, local: addr(there), remote: addr(here), peer: a}
	a.peer = b
	ab, ba := newPipe(n, n.link(from.name, to.name), a), newPipe(n, n.link(to.name, from.name), b)
	a.out, a.in, b.out, b.in = ab, ba, ba, ab
	from.add(a)
	to.add(b)
	return a, b
}

// pipe is one direction of a connection.
type pipe struct {
	net  *Network
	link *link
	conn *Conn // whose writes it carries
	cut  *cutter

	mu       sync.Mutex
	changed  *sync.Cond
	queue    []chunk
	size     int
	last     time.Time // arrival of the newest chunk: nothing overtakes within a connection
	err      error     // for the reader, at once
	werr     error     // for the writer, at once
	timer    *time.Timer
	wtimer   *time.Timer
	deadline time.Time // of reads
	wline    time.Time // of writes
}

type chunk struct {
	b   []byte
	at  time.Time
	end error // instead of bytes
}

func newPipe(n *Network, l *link, c *Conn) *pipe {
	p := &pipe{net: n, link: l, conn: c, cut: &cutter{}}
	p.changed = sync.NewCond(&p.mu)
	l.add(p)
	return p
}

func (p *pipe) wake() { p.changed.Broadcast() }

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	if err != nil && err != io.EOF {
		err = &net.OpError{Op: "read", Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
	}
	return n, err
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.net.Now()
		switch {
		case p.err != nil:
			return 0, p.err
		case !p.deadline.IsZero() && !now.Before(p.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		wait := p.deadline
		if len(p.queue) > 0 {
			down, notBefore := p.link.gate()
			at := p.queue[0].at
			if at.Before(notBefore) {
				at = notBefore
			}
			if !down && !now.Before(at) {
				return p.take(b)
			}
			if !down && (wait.IsZero() || at.Before(wait)) {
				wait = at
			}
		}
		alarm(&p.timer, wait, now, p.wake)
		p.changed.Wait()
	}
}

// alarm arranges for a wake-up at a time; the zero time needs none.
func alarm(t **time.Timer, at, now time.Time, wake func()) {
	switch {
	case at.IsZero():
	case *t == nil:
		*t = time.AfterFunc(at.Sub(now), wake)
	default:
		(*t).Reset(at.Sub(now))
	}
}

func (p *pipe) take(b []byte) (int, error) {
	head := &p.queue[0]
	if head.end != nil {
		p.err = head.end
		return 0, p.err
	}
	n := copy(b, head.b)
	head.b = head.b[n:]
	if len(head.b) == 0 {
		p.queue = p.queue[1:]
	}
	if p.size >= window {
		p.changed.Broadcast()
	}
	p.size -= n
	return n, nil
}

// Write implements net.Conn: it returns once the bytes are on their way.
func (c *Conn) Write(b []byte) (int, error) {
	n := c.host.net
	n.Point(c.host.name, "send")
	err := c.out.room()
	if err == nil {
		err = c.out.write(b)
	}
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
	}
	if c.peer.host.forgotten() {
		c.probe(0)
	}
	n.Point(c.host.name, "sent")
	return len(b), nil
}

// room waits until the window is open.
func (p *pipe) room() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.net.Now()
		switch {
		case p.werr != nil:
			return p.werr
		case !p.wline.IsZero() && !now.Before(p.wline):
			return os.ErrDeadlineExceeded
		case p.size < window:
			return nil
		}
		alarm(&p.wtimer, p.wline, now, p.wake)
		p.changed.Wait()
	}
}

// write cuts the bytes into what travels as one and sends each on its way.
func (p *pipe) write(b []byte) error {
	pieces, framed := p.cut.feed(b)
	for _, piece := range pieces {
		var extra time.Duration
		copies := 1
		if framed && piece.message {
			copies, extra = p.net.fate(p.link)
		}
		if extra < 0 {
			p.conn.reset(syscall.ECONNRESET)
			return syscall.ECONNRESET
		}
		for range copies {
			p.send(piece.b, extra)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.werr
}

func (p *pipe) send(b []byte, extra time.Duration) {
	at := p.link.arrival(p.net.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.werr != nil {
		return
	}
	if at.Before(p.last) {
		at = p.last
	}
	c := chunk{b: append([]byte(nil), b...), at: at.Add(extra)}
	if extra == 0 {
		p.last = at
	}
	p.size += len(b)
	// What was held back is overtaken.
	i := len(p.queue)
	for i > 0 && p.queue[i-1].at.After(c.at) {
		i--
	}
	p.queue = append(p.queue, chunk{})
	copy(p.queue[i+1:], p.queue[i:])
	p.queue[i] = c
	p.changed.Broadcast()
}

// finish lets the reader see an end behind what is on its way.
func (p *pipe) finish(end error) {
	at := p.link.arrival(p.net.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.queue {
		if at.Before(c.at) {
			at = c.at
		}
	}
	p.queue = append(p.queue, chunk{at: at, end: end})
	p.werr = net.ErrClosed
	p.changed.Broadcast()
}

// stop ends both sides of the direction at once.
func (p *pipe) stop(reader, writer error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = reader
	}
	if p.werr == nil {
		p.werr = writer
	}
	p.changed.Broadcast()
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.once.Do(func() {
		if c.host.vanished() {
			return // nothing leaves a machine without power; the far end hears of it when that is back
		}
		c.out.finish(io.EOF)
		c.in.stop(net.ErrClosed, syscall.EPIPE)
		c.forget()
	})
	return nil
}

func (c *Conn) forget() {
	c.host.remove(c)
	c.in.link.remove(c.in)
}

// reset ends the connection for both.
func (c *Conn) reset(err error) {
	for _, p := range []*pipe{c.in, c.out} {
		p.stop(err, err)
	}
	c.forget()
	c.peer.forget()
}

// probe the far end after a while, whose host does not know the connection any more: it ends if that can be heard.
func (c *Conn) probe(after time.Duration) {
	time.AfterFunc(after+c.out.link.trip()+c.in.link.trip(), func() {
		switch {
		case c.in.ended():
		case c.out.link.carries() && c.in.link.carries():
			c.reset(syscall.ECONNRESET)
		default:
			c.probe(probeEvery)
		}
	})
}

func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

// fence takes the connection from its own host; the far end hears nothing of it.
func (c *Conn) fence() {
	c.out.mu.Lock()
	c.out.werr = errFenced
	c.out.changed.Broadcast()
	c.out.mu.Unlock()
	c.in.stop(errFenced, nil)
}

// abandon closes a connection whose host has crashed: a part of what it had sent arrives, then the end.
func (c *Conn) abandon() {
	c.out.mu.Lock()
	lose := c.out.link.dice.Chance(0.5)
	if lose {
		c.out.queue = nil
	}
	c.out.mu.Unlock()
	c.out.finish(syscall.ECONNRESET)
	c.in.stop(errFenced, syscall.EPIPE)
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // neither fails
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.deadline = t
	c.in.changed.Broadcast()
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.wline = t
	c.out.changed.Broadcast()
	return nil
}
