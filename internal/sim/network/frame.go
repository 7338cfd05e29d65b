package network

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Frames are the odds of what happens to one message of a websocket.
type Frames struct {
	Lose, Double, Delay, Reset float64
	// DelayUpTo bounds how far a delayed message falls behind the ones that overtake it.
	DelayUpTo time.Duration
}

// Frames sets what happens to messages from now on.
func (n *Network) Frames(f Frames) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frames = f
}

// fate of a message: how often it is sent, how much later; a negative delay resets the connection.
func (n *Network) fate(l *link) (int, time.Duration) {
	n.mu.Lock()
	f := n.frames
	n.mu.Unlock()
	roll := l.dice.Float()
	for _, o := range []struct {
		odds float64
		kind string
	}{{f.Lose, "lost frame"}, {f.Double, "doubled frame"}, {f.Delay, "late frame"}, {f.Reset, "reset"}} {
		if roll >= o.odds {
			roll -= o.odds
			continue
		}
		n.Note(o.kind, l.name)
		switch o.kind {
		case "lost frame":
			return 0, 0
		case "doubled frame":
			return 2, 0
		case "late frame":
			return 1, l.dice.Between(time.Millisecond, f.DelayUpTo)
		}
		return 0, -1
	}
	return 1, 0
}

// cutter finds the frames of a websocket in what is written to a connection.
type cutter struct {
	mode int
	head []byte
	rest []byte
}

const (
	modeHead   = iota // of the request or answer, until it says what follows
	modePlain         // HTTP
	modeFrames        // websocket
)

// piece travels as one; a message may be lost, doubled or overtaken without harm to the framing.
type piece struct {
	b       []byte
	message bool
}

// feed cuts what is written. Before an upgrade everything passes as it comes.
func (c *cutter) feed(b []byte) ([]piece, bool) {
	switch c.mode {
	case modePlain:
		return []piece{{b: b}}, false
	case modeHead:
		c.head = append(c.head, b...)
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(c.head) > 64<<10 {
				c.mode, c.head = modePlain, nil
			}
			return []piece{{b: b}}, false
		}
		if !bytes.Contains(bytes.ToLower(c.head[:end]), []byte("upgrade: websocket")) {
			c.mode, c.head = modePlain, nil
			return []piece{{b: b}}, false
		}
		after := len(c.head) - end - 4
		c.mode, c.head = modeFrames, nil
		first := piece{b: b[:len(b)-after]}
		rest, _ := c.feed(b[len(b)-after:])
		return append([]piece{first}, rest...), true
	}
	c.rest = append(c.rest, b...)
	var out []piece
	for {
		n := frameLen(c.rest)
		if n == 0 || n > len(c.rest) {
			return out, true
		}
		f := append([]byte(nil), c.rest[:n]...)
		c.rest = c.rest[n:]
		whole, opcode := f[0]&0x80 != 0, f[0]&0x0f
		out = append(out, piece{b: f, message: whole && (opcode == 1 || opcode == 2)})
	}
}

// frameLen of the frame at the start of b (RFC 6455 §5.2), or 0 as long as it cannot be told.
func frameLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	n, head := int(b[1]&0x7f), 2
	switch n {
	case 126:
		if len(b) < 4 {
			return 0
		}
		n, head = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0
		}
		n, head = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if b[1]&0x80 != 0 {
		head += 4
	}
	return head + n
}
