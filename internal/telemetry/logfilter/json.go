package logfilter

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// jsonPattern keeps JSON events whose properties pass.
type jsonPattern struct {
	cond expr
	refs []*selector
}

var _ matcher = jsonPattern{}

// selector is `$.a[0]["b.c"].*`; of space-delimited patterns it is a field's number.
type selector struct {
	text  string
	steps []step
	field int
}

// step goes one level down: by name, by index, or to all children.
type step struct {
	name  string
	index int
	all   bool
	array bool
}

func (p *parser) json() (matcher, error) {
	p.pos++
	var refs []*selector
	cond, err := p.disjunction(func() (*selector, error) {
		s, err := p.selector()
		refs = append(refs, s)
		return s, err
	})
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take("}") {
		return nil, p.fail("'}'")
	}
	if !p.done() {
		return nil, p.fail("nothing more")
	}
	return jsonPattern{cond: cond, refs: refs}, nil
}

func (p *parser) selector() (*selector, error) {
	start := p.pos
	if !p.take("$") {
		return nil, p.fail("a selector beginning with '$'")
	}
	s := &selector{}
	for {
		var st step
		var err error
		switch p.peek() {
		case '.':
			p.pos++
			st, err = p.nameStep()
		case '[':
			p.pos++
			st, err = p.bracketStep()
		default:
			s.text = p.text[start:p.pos]
			if len(s.steps) == 0 {
				return nil, p.fail("a property name")
			}
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		s.steps = append(s.steps, st)
	}
}

func (p *parser) nameStep() (step, error) {
	if p.take("*") {
		return step{all: true}, nil
	}
	start := p.pos
	for !p.done() && (isNameByte(p.peek()) || p.peek() == '-' || p.peek() == '@') {
		p.pos++
	}
	if p.pos == start {
		return step{}, p.fail("a property name")
	}
	return step{name: p.text[start:p.pos]}, nil
}

func (p *parser) bracketStep() (step, error) {
	var st step
	switch c := p.peek(); {
	case c == '*':
		p.pos++
		st = step{all: true, array: true}
	case c == '"':
		name, err := p.quoted()
		if err != nil {
			return step{}, err
		}
		st = step{name: name}
	default:
		start := p.pos
		for !p.done() && p.peek() >= '0' && p.peek() <= '9' {
			p.pos++
		}
		index, err := strconv.Atoi(p.text[start:p.pos])
		if err != nil {
			return step{}, p.fail("an index")
		}
		st = step{index: index, array: true}
	}
	if !p.take("]") {
		return step{}, p.fail("']'")
	}
	return st, nil
}

func (j jsonPattern) match(message string) bool {
	doc, ok := parseDocument(message)
	return ok && j.cond.holds(doc)
}

func (j jsonPattern) extract(message string) map[string]string {
	out := map[string]string{}
	doc, ok := parseDocument(message)
	if !ok {
		return out
	}
	for _, ref := range j.refs {
		for _, v := range doc.resolve(ref) {
			if v.kind != isTree {
				out[ref.text] = v.text
				break
			}
		}
	}
	return out
}

// document is a decoded event.
type document struct{ root any }

var _ resolver = document{}

func parseDocument(message string) (document, bool) {
	text := strings.TrimLeft(message, " \t\r\n")
	if text == "" || text[0] != '{' && text[0] != '[' {
		return document{}, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc document
	err := d.Decode(&doc.root)
	if err != nil {
		return document{}, false
	}
	_, err = d.Token()
	return doc, errors.Is(err, io.EOF)
}

// resolve walks down level by level; a wildcard spreads the walk over all children.
func (d document) resolve(ref *selector) []value {
	at := []any{d.root}
	for _, st := range ref.steps {
		var below []any
		for _, node := range at {
			below = st.down(node, below)
		}
		if len(below) == 0 {
			return nil
		}
		at = below
	}
	values := make([]value, 0, len(at))
	for _, node := range at {
		values = append(values, valueOf(node))
	}
	return values
}

func (st step) down(node any, out []any) []any {
	switch n := node.(type) {
	case map[string]any:
		if st.all && !st.array {
			for _, child := range n {
				out = append(out, child)
			}
			return out
		}
		child, ok := n[st.name]
		if ok && !st.array {
			out = append(out, child)
		}
	case []any:
		if st.all {
			return append(out, n...)
		}
		if st.array && st.index < len(n) {
			out = append(out, n[st.index])
		}
	}
	return out
}

func valueOf(node any) value {
	switch n := node.(type) {
	case nil:
		return value{text: "null", kind: isNull}
	case bool:
		return value{text: strconv.FormatBool(n), kind: isBool}
	case string:
		return value{text: n, kind: isText}
	case json.Number:
		f, err := n.Float64()
		if err != nil {
			return value{text: n.String(), kind: isText}
		}
		return value{text: n.String(), kind: isNumber, number: f}
	default:
		return value{kind: isTree}
	}
}
