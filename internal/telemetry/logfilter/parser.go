package logfilter

import (
	"regexp"
	"strings"
)

// parser reads a pattern from left to right, never back.
type parser struct {
	text    string
	pos     int
	depth   int
	regexes int
}

func (p *parser) done() bool { return p.pos >= len(p.text) }

func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) space() {
	for !p.done() && isSpace(p.text[p.pos]) {
		p.pos++
	}
}

func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

// keyword takes a word in any case when no further letter follows it.
func (p *parser) keyword(word string) bool {
	end := p.pos + len(word)
	if end > len(p.text) || !strings.EqualFold(p.text[p.pos:end], word) {
		return false
	}
	if end < len(p.text) && isNameByte(p.text[end]) {
		return false
	}
	p.pos = end
	return true
}

func (p *parser) fail(expected string) error {
	if p.done() {
		return syntaxError("Invalid filter pattern: %s expected at the end", expected)
	}
	return syntaxError("Invalid filter pattern: %s expected at position %d", expected, p.pos+1)
}

// quoted reads "…", in which a backslash takes the next character as it is.
func (p *parser) quoted() (string, error) {
	p.pos++
	var out strings.Builder
	for !p.done() {
		c := p.text[p.pos]
		p.pos++
		if c == '"' {
			return out.String(), nil
		}
		if c == '\\' && !p.done() {
			c = p.text[p.pos]
			p.pos++
		}
		out.WriteByte(c)
	}
	return "", p.fail("a closing quotation mark")
}

// regex reads %…%.
func (p *parser) regex() (*regexp.Regexp, error) {
	p.pos++
	start := p.pos
	for !p.done() && p.peek() != '%' {
		if p.peek() == '\\' {
			p.pos++
		}
		p.pos++
	}
	if p.done() {
		p.pos = len(p.text)
		return nil, p.fail("a closing %")
	}
	text := p.text[start:p.pos]
	p.pos++
	p.regexes++
	if p.regexes > maxRegexes {
		return nil, syntaxError("Invalid filter pattern: more than %d regular expressions", maxRegexes)
	}
	return compile(text)
}

// compile accepts the part of the language that AWS documents: no groups, no multi-byte characters.
func compile(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, syntaxError("Invalid filter pattern: empty regular expression")
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			i++
			if isAlnum(text[i]) && !strings.ContainsRune("dDsSwWx", rune(text[i])) || text[i] >= 0x80 {
				return nil, syntaxError("Invalid filter pattern: '\\%c' in a regular expression", text[i])
			}
			continue
		}
		if !isAlnum(c) && !strings.ContainsRune(`:_#=@/;,-^$?[]{}|\*+.`, rune(c)) || c >= 0x80 {
			return nil, syntaxError("Invalid filter pattern: '%c' in a regular expression", c)
		}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, syntaxError("Invalid filter pattern: regular expression %s cannot be read", text)
	}
	return re, nil
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isNameByte is true for the bytes of field and property names; multi-byte characters are welcome in both.
func isNameByte(c byte) bool { return isAlnum(c) || c == '_' || c >= 0x80 }
