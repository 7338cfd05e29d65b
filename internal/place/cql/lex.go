package cql

import (
	"fmt"
	"strings"
)

// kind of a token.
type kind int

const (
	end kind = iota
	word
	quoted
	symbol // ( ) [ ] , ! && || and the comparisons
)

type token struct {
	kind kind
	text string
	at   int // byte offset, for messages
}

// lexer cuts the text as the parser asks for it, because an unquoted regular expression follows rules of
// its own.
type lexer struct {
	text string
	at   int
}

// symbols, longer ones first where one begins another.
var symbols = []string{"&&", "||", "==", "!=", ">=", "<=", "=~", "!~", ">", "<", "!", "(", ")", "[", "]", ","}

const (
	blanks = " \t\r\n"
	enders = blanks + "()[],'\"=!<>&|"
	quotes = "'\""
)

func (l *lexer) blank() {
	for l.at < len(l.text) && strings.IndexByte(blanks, l.text[l.at]) >= 0 {
		l.at++
	}
}

func (l *lexer) next() (token, error) {
	l.blank()
	at := l.at
	if at == len(l.text) {
		return token{kind: end, at: at}, nil
	}
	if strings.IndexByte(quotes, l.text[at]) >= 0 {
		return l.quoted()
	}
	for _, s := range symbols {
		if strings.HasPrefix(l.text[at:], s) {
			l.at += len(s)
			return token{symbol, s, at}, nil
		}
	}
	n := strings.IndexAny(l.text[at:], enders)
	if n < 0 {
		n = len(l.text) - at
	}
	if n == 0 {
		return token{}, fmt.Errorf("unexpected %q at position %d", l.text[at:at+1], at)
	}
	l.at += n
	return token{word, l.text[at:l.at], at}, nil
}

// quoted reads '…' or "…"; a backslash keeps the quote that follows it, and stays itself before others.
func (l *lexer) quoted() (token, error) {
	at := l.at
	quote := l.text[at]
	var b strings.Builder
	for i := at + 1; i < len(l.text); i++ {
		c := l.text[i]
		if c == '\\' && i+1 < len(l.text) && l.text[i+1] == quote {
			i++
			b.WriteByte(quote)
			continue
		}
		if c == quote {
			l.at = i + 1
			return token{quoted, b.String(), at}, nil
		}
		b.WriteByte(c)
	}
	return token{}, fmt.Errorf("missing closing quote for position %d", at)
}

// pattern reads the argument of =~ and !~: quoted, or everything up to a blank or a parenthesis that the
// pattern itself did not open.
func (l *lexer) pattern() (token, error) {
	l.blank()
	at := l.at
	if at < len(l.text) && strings.IndexByte(quotes, l.text[at]) >= 0 {
		return l.quoted()
	}
	open := 0
	for ; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		if strings.IndexByte(blanks, c) >= 0 {
			break
		}
		switch c {
		case '\\':
			if l.at+1 < len(l.text) {
				l.at++
			}
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 {
			break
		}
	}
	if l.at == at {
		return token{}, fmt.Errorf("missing pattern at position %d", at)
	}
	return token{word, l.text[at:l.at], at}, nil
}
