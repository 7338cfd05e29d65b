package cql

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of an expression.
const (
	MaxLength = 2000 // characters (API_PlacementConstraint)
	maxDepth  = 64   // parentheses and negations inside each other
)

// ErrTooLong is answered for an expression over MaxLength.
var ErrTooLong = errors.New("expression is longer than 2000 characters")

// Expr is an expression that was read.
type Expr struct {
	root node
	text string
	live bool // looks at tasks or the connection, which change while the instance stays the same
}

// String is the expression as it was given.
func (e Expr) String() string { return e.text }

// Live says whether the answer may change although the instance's registration and attributes do not.
func (e Expr) Live() bool { return e.live }

// Eval says whether the expression picks the instance. The zero Expr picks every one.
func (e Expr) Eval(s Subject) bool { return e.root == nil || e.root.eval(s) }

// Parse reads an expression; the error says what is wrong with it and where.
func Parse(text string) (Expr, error) {
	if len(text) > MaxLength {
		return Expr{}, ErrTooLong
	}
	p := &parser{lex: lexer{text: text}}
	err := p.advance()
	if err != nil {
		return Expr{}, fmt.Errorf("invalid expression: %w", err)
	}
	root, err := p.or(0)
	if err == nil && p.tok.kind != end {
		err = p.unexpected("the end of the expression")
	}
	if err != nil {
		return Expr{}, fmt.Errorf("invalid expression: %w", err)
	}
	return Expr{root: root, text: text, live: p.live}, nil
}

type parser struct {
	lex  lexer
	tok  token
	live bool
}

func (p *parser) advance() error {
	t, err := p.lex.next()
	p.tok = t
	return err
}

func (p *parser) is(texts ...string) bool {
	return (p.tok.kind == word || p.tok.kind == symbol) && slices.Contains(texts, p.tok.text)
}

func (p *parser) unexpected(want string) error {
	if p.tok.kind == end {
		return fmt.Errorf("expected %s, found the end of the expression", want)
	}
	return fmt.Errorf("expected %s, found %q at position %d", want, p.tok.text, p.tok.at)
}

func (p *parser) or(depth int) (node, error) {
	return p.chain(depth, p.and, func(all []node) node { return anyOf(all) }, "||", "or")
}

func (p *parser) and(depth int) (node, error) {
	return p.chain(depth, p.unary, func(all []node) node { return allOf(all) }, "&&", "and")
}

func (p *parser) chain(depth int, part func(int) (node, error), join func([]node) node,
	ops ...string) (node, error) {
	first, err := part(depth)
	if err != nil {
		return nil, err
	}
	all := []node{first}
	for p.is(ops...) {
		err = p.advance()
		if err != nil {
			return nil, err
		}
		n, err := part(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if len(all) == 1 {
		return first, nil
	}
	return join(all), nil
}

func (p *parser) unary(depth int) (node, error) {
	if depth >= maxDepth {
		return nil, fmt.Errorf("more than %d levels at position %d", maxDepth, p.tok.at)
	}
	switch {
	case p.is("!", "not"):
		err := p.advance()
		if err != nil {
			return nil, err
		}
		n, err := p.unary(depth + 1)
		return negation{n}, err
	case p.is("("):
		return p.group(depth)
	}
	return p.comparison()
}

func (p *parser) group(depth int) (node, error) {
	err := p.advance()
	if err != nil {
		return nil, err
	}
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.is(")") {
		return nil, p.unexpected(`")"`)
	}
	return n, p.advance()
}

// operators in both forms. "!in" and "!exists" come as two tokens.
var operators = map[string]operator{
	"==": equals, "equals": equals, "!=": notEquals, "not_equals": notEquals,
	">": greater, "greater_than": greater, ">=": greaterEqual, "greater_than_equal": greaterEqual,
	"<": less, "less_than": less, "<=": lessEqual, "less_than_equal": lessEqual,
	"exists": exists, "not_exists": notExists, "in": in, "not_in": notIn,
	"=~": matches, "matches": matches, "!~": notMatches, "not_matches": notMatches,
}

func (p *parser) comparison() (node, error) {
	if p.tok.kind != word {
		return nil, p.unexpected("a subject")
	}
	sub, err := subjectOf(p.tok.text)
	if err != nil {
		return nil, err
	}
	p.live = p.live || sub.live()
	err = p.advance()
	if err != nil {
		return nil, err
	}
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	c := comparison{subject: sub, op: op}
	switch op {
	case exists, notExists:
		return c, p.advance()
	case in, notIn:
		return p.list(c)
	case matches, notMatches:
		return p.pattern(c)
	}
	err = p.advance()
	if err != nil {
		return nil, err
	}
	err = p.value(&c)
	return c, err
}

// operator leaves its last token in place, because a pattern must be read by rules of its own.
func (p *parser) operator() (operator, error) {
	negated := p.is("!")
	if negated {
		err := p.advance()
		if err != nil {
			return 0, err
		}
	}
	op, ok := operators[p.tok.text]
	if !ok || p.tok.kind == quoted {
		return 0, p.unexpected("an operator")
	}
	if !negated {
		return op, nil
	}
	switch op {
	case in:
		return notIn, nil
	case exists:
		return notExists, nil
	}
	return 0, p.unexpected(`"in" or "exists"`)
}

func (p *parser) list(c comparison) (node, error) {
	err := p.advance()
	if err != nil {
		return nil, err
	}
	if !p.is("[") {
		return nil, p.unexpected(`"["`)
	}
	for {
		err = p.advance()
		if err != nil {
			return nil, err
		}
		err = p.value(&c)
		if err != nil {
			return nil, err
		}
		if p.is("]") {
			return c, p.advance()
		}
		if !p.is(",") {
			return nil, p.unexpected(`"," or "]"`)
		}
	}
}

// value reads one argument and goes on to the token behind it.
func (p *parser) value(c *comparison) error {
	if p.tok.kind != word && p.tok.kind != quoted {
		return p.unexpected("a value")
	}
	v, err := c.subject.value(p.tok.text, c.op)
	if err != nil {
		return fmt.Errorf("%w at position %d", err, p.tok.at)
	}
	c.values = append(c.values, v)
	return p.advance()
}

func (p *parser) pattern(c comparison) (node, error) {
	t, err := p.lex.pattern()
	if err != nil {
		return nil, err
	}
	c.pattern, err = c.subject.pattern(t.text)
	if err != nil {
		return nil, fmt.Errorf("%w at position %d", err, t.at)
	}
	return c, p.advance()
}
