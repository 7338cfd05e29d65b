package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// palette colours text, or leaves it as it is.
type palette bool

func (p palette) paint(code, s string) string {
	if !p || s == "" || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Codes for paint.
const (
	strong = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// screen is where a view is drawn: in place on a terminal, as plain text elsewhere.
type screen struct {
	out   io.Writer
	ink   palette
	live  bool // a terminal whose cursor can be moved
	size  func() (columns, rows int)
	drawn int // lines of the last drawing that the next one replaces
}

// newScreen looks at what the output is. A dumb terminal is treated as a file.
func newScreen(r *run) *screen {
	s := &screen{out: r.Out, size: func() (int, int) { return 0, 0 }}
	f, ok := r.Out.(*os.File)
	if !ok || r.env("TERM") == "dumb" {
		return s
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return s
	}
	s.live = true
	_, plain := r.Env("NO_COLOR")
	s.ink = palette(!plain || r.env("NO_COLOR") == "")
	s.size = func() (int, int) {
		w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return 0, 0
		}
		return int(w.Col), int(w.Row)
	}
	return s
}

// draw replaces what was drawn before. Everything goes out in one write, so that nothing flickers.
func (s *screen) draw(lines []string) error {
	var b bytes.Buffer
	columns, rows := s.size()
	if s.live && s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	if s.live && rows > 2 && len(lines) > rows-1 {
		more := len(lines) - rows + 2
		lines = append(lines[:rows-2:rows-2], s.ink.paint(faint, fmt.Sprintf("… %d more lines", more)))
	}
	for _, l := range lines {
		b.WriteString(clip(l, columns))
		if s.live {
			b.WriteString("\x1b[K")
		}
		b.WriteByte('\n')
	}
	if s.live {
		b.WriteString("\x1b[J")
	}
	s.drawn = len(lines)
	_, err := s.out.Write(b.Bytes())
	return err
}

// print writes lines that stay, whole; the next drawing begins below them.
func (s *screen) print(lines ...string) error {
	s.drawn = 0
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// clip shortens a line to a number of columns; 0 is no bound. Colours take no columns.
func clip(line string, columns int) string {
	if columns <= 0 || width(line) <= columns {
		return line
	}
	var b strings.Builder
	seen, coloured := 0, false
	for i := 0; i < len(line); {
		if n := escape(line[i:]); n > 0 {
			b.WriteString(line[i : i+n])
			i, coloured = i+n, true
			continue
		}
		if seen == columns-1 {
			break
		}
		_, n := utf8.DecodeRuneInString(line[i:])
		b.WriteString(line[i : i+n])
		i, seen = i+n, seen+1
	}
	b.WriteString("…")
	if coloured {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// width counts the columns of a line.
func width(line string) int {
	n := 0
	for i := 0; i < len(line); {
		if e := escape(line[i:]); e > 0 {
			i += e
			continue
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		i, n = i+size, n+1
	}
	return n
}

// escape is the length of the colour sequence at the start of s, or 0.
func escape(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return 0
}

// clean makes text from elsewhere safe to show: control characters could move the cursor or change its colours.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
