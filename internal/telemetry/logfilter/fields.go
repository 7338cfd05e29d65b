package logfilter

import "strings"

// fieldPattern keeps events whose space-delimited fields are as many as named and pass.
type fieldPattern struct {
	names    []string // in order, without the ellipsis
	conds    []expr
	ellipsis int // how many names stand before `...`, -1 without one
}

var _ matcher = fieldPattern{}

func (p *parser) fields() (matcher, error) {
	p.pos++
	out := fieldPattern{ellipsis: -1}
	for {
		err := p.field(&out)
		if err != nil {
			return nil, err
		}
		p.space()
		if p.take("]") {
			break
		}
		if !p.take(",") {
			return nil, p.fail("',' or ']'")
		}
	}
	if !p.done() {
		return nil, p.fail("nothing more")
	}
	return out, nil
}

// field reads `...`, a name, or a condition whose comparisons all begin with that name.
func (p *parser) field(out *fieldPattern) error {
	p.space()
	if p.take("...") {
		if out.ellipsis >= 0 {
			return syntaxError("Invalid filter pattern: more than one '...'")
		}
		out.ellipsis = len(out.names)
		return nil
	}
	own := ""
	start := p.pos
	ref := func() (*selector, error) {
		p.space()
		name, err := p.fieldName()
		if err != nil {
			return nil, err
		}
		if own != "" && own != name {
			return nil, syntaxError("Invalid filter pattern: '%s' in the condition of field '%s'", name, own)
		}
		own = name
		return &selector{text: "$" + name, field: len(out.names)}, nil
	}
	if p.peek() != '(' {
		name, err := p.fieldName()
		if err != nil {
			return err
		}
		p.space()
		if c := p.peek(); c == ',' || c == ']' {
			out.names = append(out.names, name)
			return nil
		}
		p.pos = start
	}
	cond, err := p.disjunction(ref)
	if err != nil {
		return err
	}
	out.names = append(out.names, own)
	out.conds = append(out.conds, cond)
	return nil
}

func (p *parser) fieldName() (string, error) {
	start := p.pos
	for !p.done() && (isNameByte(p.peek()) || p.peek() == '-') {
		p.pos++
	}
	if p.pos == start {
		return "", p.fail("a field name")
	}
	return p.text[start:p.pos], nil
}

func (f fieldPattern) match(message string) bool {
	row, ok := f.row(message)
	if !ok {
		return false
	}
	for _, cond := range f.conds {
		if !cond.holds(row) {
			return false
		}
	}
	return true
}

func (f fieldPattern) extract(message string) map[string]string {
	out := map[string]string{}
	row, ok := f.row(message)
	if !ok {
		return out
	}
	for i, name := range f.names {
		out["$"+name] = row[i]
	}
	return out
}

// row is an event's values, one per named field.
type row []string

var _ resolver = row{}

func (r row) resolve(ref *selector) []value {
	return []value{{text: r[ref.field], kind: isField}}
}

// row lines the event's fields up with the names: those behind the ellipsis count from the end.
func (f fieldPattern) row(message string) (row, bool) {
	all := split(message)
	if f.ellipsis < 0 {
		return all, len(all) == len(f.names)
	}
	if len(all) < len(f.names) {
		return nil, false
	}
	behind := len(f.names) - f.ellipsis
	out := make(row, 0, len(f.names))
	out = append(out, all[:f.ellipsis]...)
	return append(out, all[len(all)-behind:]...), true
}

// split cuts at white space; what stands in [] or "" is one field, without them.
func split(message string) row {
	var out row
	closable := map[byte]bool{'[': true, '"': true}
	for s := strings.TrimLeft(message, " \t\r\n"); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		if open := s[0]; closable[open] {
			shut := byte('"')
			if open == '[' {
				shut = ']'
			}
			end := strings.IndexByte(s[1:], shut)
			if end >= 0 {
				out = append(out, s[1:1+end])
				s = s[end+2:]
				continue
			}
			closable[open] = false // none follows: not to be searched for again
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		out = append(out, s[:end])
		s = s[end:]
	}
	return out
}
