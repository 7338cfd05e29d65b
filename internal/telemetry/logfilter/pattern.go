package logfilter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxLength  = 1024 // characters of a pattern
	maxDepth   = 64   // parentheses
	maxRegexes = 2    // AWS allows two regular expressions in a pattern
)

// SyntaxError says what is wrong with a pattern, in the words that a caller may read.
type SyntaxError struct{ Reason string }

func (e *SyntaxError) Error() string { return e.Reason }

func syntaxError(format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

// Pattern is a parsed filter pattern.
type Pattern struct {
	m matcher
}

// matcher is one of the three kinds.
type matcher interface {
	match(message string) bool
	extract(message string) map[string]string
}

// Parse reads a pattern. An empty one keeps everything.
func Parse(pattern string) (*Pattern, error) {
	if utf8.RuneCountInString(pattern) > maxLength {
		return nil, syntaxError("Invalid filter pattern: longer than %d characters", maxLength)
	}
	if !utf8.ValidString(pattern) {
		return nil, syntaxError("Invalid filter pattern: not UTF-8")
	}
	text := strings.TrimSpace(pattern)
	p := &parser{text: text}
	var m matcher
	var err error
	switch {
	case strings.HasPrefix(text, "{"):
		m, err = p.json()
	case strings.HasPrefix(text, "["):
		m, err = p.fields()
	default:
		m, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{m: m}, nil
}

// Match says whether the pattern keeps the event.
func (p *Pattern) Match(message string) bool { return p.m.match(message) }

// Extract returns the values that the pattern names in an event: `$.path` of JSON patterns, `$field` of
// space-delimited ones, none of terms.
func (p *Pattern) Extract(message string) map[string]string { return p.m.extract(message) }
