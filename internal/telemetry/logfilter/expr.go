package logfilter

import (
	"regexp"
	"strconv"
	"strings"
)

// expr is a condition over named values: a comparison, or two joined by && or ||.
type expr interface {
	holds(values resolver) bool
}

// resolver finds what a comparison is about; none when the event lacks it.
type resolver interface {
	resolve(ref *selector) []value
}

type both struct{ left, right expr }

func (e both) holds(v resolver) bool { return e.left.holds(v) && e.right.holds(v) }

type either struct{ left, right expr }

func (e either) holds(v resolver) bool { return e.left.holds(v) || e.right.holds(v) }

// comparison holds when one of the values that its selector finds passes.
type comparison struct {
	ref *selector
	op  string // = != < <= > >= null true false missing
	operand
}

// operand is what stands on the right.
type operand struct {
	text   string
	regex  *regexp.Regexp
	number float64
	isNum  bool // written without quotation marks and readable as a number
	bare   bool
}

// value is one value of an event: text, and for JSON what kind of text.
type value struct {
	text   string
	kind   kind
	number float64
}

type kind int

const (
	isText kind = iota
	isNumber
	isBool
	isNull
	isTree // array or object: exists and matches nothing
	isField
)

func (c comparison) holds(v resolver) bool {
	values := v.resolve(c.ref)
	if c.op == "missing" {
		return len(values) == 0
	}
	for _, val := range values {
		if c.passes(val) {
			return true
		}
	}
	return false
}

func (c comparison) passes(v value) bool {
	if v.kind == isTree {
		return false
	}
	switch c.op {
	case "null":
		return v.kind == isNull
	case "true", "false":
		return v.kind == isBool && v.text == c.op
	case "=":
		return c.equals(v)
	case "!=":
		return !c.equals(v)
	}
	number, ok := v.asNumber()
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return number < c.number
	case "<=":
		return number <= c.number
	case ">":
		return number > c.number
	default:
		return number >= c.number
	}
}

func (c comparison) equals(v value) bool {
	if c.regex != nil {
		return v.kind != isNull && c.regex.MatchString(v.text)
	}
	if c.isNum {
		number, ok := v.asNumber()
		if ok {
			return number == c.number
		}
	}
	if v.kind == isNull || v.kind == isNumber && !c.bare {
		return false
	}
	return wildcard(c.text, v.text)
}

// asNumber reads JSON numbers and fields; a JSON string that looks like a number stays a string.
func (v value) asNumber() (float64, bool) {
	if v.kind == isNumber {
		return v.number, true
	}
	if v.kind != isField {
		return 0, false
	}
	n, err := strconv.ParseFloat(v.text, 64)
	return n, err == nil
}

// wildcard matches with * for any run of characters.
func wildcard(pattern, s string) bool {
	head, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}

// disjunction reads a && b || c; && binds tighter. ref reads the left side of a comparison.
func (p *parser) disjunction(ref func() (*selector, error)) (expr, error) {
	left, err := p.conjunction(ref)
	for err == nil {
		p.space()
		if !p.take("||") {
			return left, nil
		}
		var right expr
		right, err = p.conjunction(ref)
		left = either{left, right}
	}
	return nil, err
}

func (p *parser) conjunction(ref func() (*selector, error)) (expr, error) {
	left, err := p.operandExpr(ref)
	for err == nil {
		p.space()
		if !p.take("&&") {
			return left, nil
		}
		var right expr
		right, err = p.operandExpr(ref)
		left = both{left, right}
	}
	return nil, err
}

func (p *parser) operandExpr(ref func() (*selector, error)) (expr, error) {
	p.space()
	if !p.take("(") {
		return p.comparison(ref)
	}
	p.depth++
	if p.depth > maxDepth {
		return nil, syntaxError("Invalid filter pattern: nested deeper than %d", maxDepth)
	}
	e, err := p.disjunction(ref)
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take(")") {
		return nil, p.fail("')'")
	}
	p.depth--
	return e, nil
}

func (p *parser) comparison(ref func() (*selector, error)) (expr, error) {
	s, err := ref()
	if err != nil {
		return nil, err
	}
	p.space()
	if s.steps != nil && p.keyword("IS") {
		return p.is(s)
	}
	if s.steps != nil && p.keyword("NOT") {
		p.space()
		if !p.keyword("EXISTS") {
			return nil, p.fail("EXISTS")
		}
		return comparison{ref: s, op: "missing"}, nil
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if !p.take(op) {
			continue
		}
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		if op != "=" && op != "!=" && !right.isNum {
			return nil, syntaxError("Invalid filter pattern: '%s' compares numbers only", op)
		}
		return comparison{ref: s, op: op, operand: right}, nil
	}
	return nil, p.fail("an operator")
}

func (p *parser) is(s *selector) (expr, error) {
	p.space()
	for _, word := range []string{"null", "true", "false"} {
		if p.keyword(word) {
			return comparison{ref: s, op: word}, nil
		}
	}
	return nil, p.fail("NULL, TRUE or FALSE")
}

func (p *parser) operand() (operand, error) {
	p.space()
	switch p.peek() {
	case '"':
		text, err := p.quoted()
		return operand{text: text}, err
	case '%':
		regex, err := p.regex()
		return operand{regex: regex}, err
	}
	start := p.pos
	for !p.done() && !p.ends() {
		p.pos++
	}
	text := p.text[start:p.pos]
	if text == "" {
		return operand{}, p.fail("a value")
	}
	number, err := strconv.ParseFloat(text, 64)
	return operand{text: text, number: number, isNum: err == nil, bare: true}, nil
}

// ends is true where an unquoted value stops.
func (p *parser) ends() bool {
	rest := p.text[p.pos:]
	return isSpace(rest[0]) || strings.IndexByte(`(){}[],"=<>!`, rest[0]) >= 0 ||
		strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||")
}
