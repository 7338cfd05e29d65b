package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestALineIsClippedToItsColumnsWhateverItsColours(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"short", 10, "short"},
		{"exactly ten", 11, "exactly ten"},
		{"exactly ten!", 11, "exactly te…"},
		{"███████", 4, "███…"},
		{"\x1b[31mred and long\x1b[0m", 5, "\x1b[31mred …\x1b[0m"},
		{"unbounded", 0, "unbounded"},
	} {
		if got := clip(c.line, c.columns); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.line, c.columns, got, c.want)
		}
	}
}

func FuzzClip(f *testing.F) {
	f.Add("\x1b[1mabc\x1b[0m ███", 4)
	f.Add("\x1b[", 1)
	f.Fuzz(func(t *testing.T, line string, columns int) {
		if columns < 1 || !utf8.ValidString(line) {
			return
		}
		got := clip(line, columns)
		if width(got) > columns {
			t.Errorf("clip(%q, %d) = %q is %d wide", line, columns, got, width(got))
		}
	})
}

func TestATerminalIsRedrawnInPlaceAndNeverScrolledOut(t *testing.T) {
	var b bytes.Buffer
	s := &screen{out: &b, live: true, size: func() (int, int) { return 20, 4 }}
	err := s.draw([]string{"one", "two"})
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	err = s.draw([]string{"1", "2", "3", "4", "5"})
	if err != nil {
		t.Fatal(err)
	}
	want := "\x1b[2A1\x1b[K\n2\x1b[K\n… 3 more lines\x1b[K\n\x1b[J"
	if b.String() != want {
		t.Errorf("redrawn with %q, want %q", b.String(), want)
	}
}

func TestAFileGetsNeitherColoursNorCursorMoves(t *testing.T) {
	var b bytes.Buffer
	p := Process{Out: &b, Env: func(string) (string, bool) { return "", false }}
	p.complete()
	s := newScreen(&run{Process: p})
	err := s.draw([]string{s.ink.paint(red, "one")})
	if err != nil {
		t.Fatal(err)
	}
	err = s.draw([]string{"two"})
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != "one\ntwo\n" {
		t.Errorf("a file got %q", b.String())
	}
}

func TestForeignTextCannotDriveTheTerminal(t *testing.T) {
	got := clean("a\x1b]0;title\x07b\u009bc\r\nd")
	if strings.ContainsAny(got, "\x1b\x07\u009b\r\n") {
		t.Errorf("clean left %q", got)
	}
}
