package cql

import "regexp"

// node of the tree of an expression.
type node interface{ eval(s Subject) bool }

type (
	anyOf    []node
	allOf    []node
	negation struct{ of node }
)

var (
	_ node = anyOf(nil)
	_ node = allOf(nil)
	_ node = negation{}
	_ node = comparison{}
)

func (n anyOf) eval(s Subject) bool {
	for _, x := range n {
		if x.eval(s) {
			return true
		}
	}
	return false
}

func (n allOf) eval(s Subject) bool {
	for _, x := range n {
		if !x.eval(s) {
			return false
		}
	}
	return true
}

func (n negation) eval(s Subject) bool { return !n.of.eval(s) }

type operator int

const (
	equals operator = iota
	notEquals
	greater
	greaterEqual
	less
	lessEqual
	exists
	notExists
	in
	notIn
	matches
	notMatches
)

func (o operator) ordered() bool { return o >= greater && o <= lessEqual }

// positive is the operator that a negated one negates.
func (o operator) positive() (operator, bool) {
	switch o {
	case notEquals:
		return equals, true
	case notExists:
		return exists, true
	case notIn:
		return in, true
	case notMatches:
		return matches, true
	}
	return o, false
}

type comparison struct {
	subject subject
	op      operator
	values  []value
	pattern *regexp.Regexp
}

// eval: a negated operator is true wherever its positive one is not, so also for an instance that lacks the
// attribute, and for one none of whose tasks is in the group.
func (c comparison) eval(s Subject) bool {
	op, negated := c.op.positive()
	return c.holds(op, s) != negated
}

func (c comparison) holds(op operator, s Subject) bool {
	if c.subject.topic != taskGroup {
		v, ok := c.subject.get(s)
		return ok && c.test(op, v)
	}
	if s.Groups == nil {
		return false
	}
	for g := range s.Groups {
		if c.test(op, value{text: g}) {
			return true
		}
	}
	return false
}

func (c comparison) test(op operator, v value) bool {
	switch op {
	case exists:
		return true
	case equals, in:
		for _, w := range c.values {
			if c.subject.same(v, w) {
				return true
			}
		}
		return false
	case matches:
		return c.pattern.MatchString(v.text)
	}
	order, ok := c.subject.compare(v, c.values[0])
	if !ok {
		return false
	}
	switch op {
	case greater:
		return order > 0
	case greaterEqual:
		return order >= 0
	case less:
		return order < 0
	}
	return order <= 0
}
