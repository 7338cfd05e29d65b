package logfilter

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terms keeps an event that has all of must, none of not, and, when nothing else is asked, one of any.
// AWS ignores `?` terms that stand beside others.
type terms struct {
	must, not, any []term
}

var _ matcher = terms{}

// term is a word or phrase, or a regular expression.
type term struct {
	text  string
	regex *regexp.Regexp
}

func (p *parser) terms() (matcher, error) {
	var out terms
	for {
		p.space()
		if p.done() {
			return out, nil
		}
		list := &out.must
		if p.take("?") {
			list = &out.any
		} else if p.take("-") {
			list = &out.not
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, t)
	}
}

func (p *parser) term() (term, error) {
	switch p.peek() {
	case '"':
		text, err := p.quoted()
		return term{text: text}, err
	case '%':
		regex, err := p.regex()
		return term{regex: regex}, err
	}
	start := p.pos
	for !p.done() && !isSpace(p.peek()) {
		p.pos++
	}
	text := p.text[start:p.pos]
	for _, r := range text {
		if r < utf8.RuneSelf && !isWord(r) {
			return term{}, syntaxError("Invalid character(s) in term '%s'", text)
		}
	}
	if text == "" {
		return term{}, syntaxError("Invalid filter pattern: a term is missing at position %d", start+1)
	}
	return term{text: text}, nil
}

func (t terms) match(message string) bool {
	for _, m := range t.must {
		if !m.in(message) {
			return false
		}
	}
	for _, n := range t.not {
		if n.in(message) {
			return false
		}
	}
	if len(t.any) == 0 || len(t.must)+len(t.not) > 0 {
		return true
	}
	for _, a := range t.any {
		if a.in(message) {
			return true
		}
	}
	return false
}

func (t terms) extract(string) map[string]string { return map[string]string{} }

func (t term) in(message string) bool {
	if t.regex != nil {
		return t.regex.MatchString(message)
	}
	if t.text == "" {
		return true
	}
	for from := 0; ; {
		i := strings.Index(message[from:], t.text)
		if i < 0 {
			return false
		}
		start := from + i
		end := start + len(t.text)
		if boundary(message, start) && boundary(message, end) {
			return true
		}
		_, size := utf8.DecodeRuneInString(message[start:])
		from = start + size
	}
}

// boundary says that no word runs across the position.
func boundary(s string, at int) bool {
	left, _ := utf8.DecodeLastRuneInString(s[:at])
	right, _ := utf8.DecodeRuneInString(s[at:])
	return at == 0 || at == len(s) || !isWord(left) || !isWord(right)
}

// isWord is true for what words are made of. Scripts that write no spaces between words (from the CJK blocks
// on) have no boundaries to respect.
func isWord(r rune) bool {
	if r == utf8.RuneError {
		return false
	}
	return r == '_' || r < 0x2e80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
