package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// BadValue says which query parameter cannot be read.
type BadValue struct {
	Name  string // the parameter as the client wrote it
	Value string
	Want  string // "an integer"
}

func (e *BadValue) Error() string {
	return fmt.Sprintf("value (%s) for parameter %s is invalid: want %s", e.Value, e.Name, e.Want)
}

// maxFormDepth bounds a parameter's dots; no AWS input is deeper than a dozen.
const maxFormDepth = 32

var errFormDepth = errors.New("a parameter name has too many parts")

// node is one step of a dotted parameter name: Filter.1.Value.2.
type node struct {
	name  string
	value string
	given bool
	kids  map[string]*node
}

func (n *node) kid(step string) *node {
	if n == nil {
		return nil
	}
	return n.kids[step]
}

func formTree(form url.Values) (*node, error) {
	root := &node{}
	for name, values := range form {
		if len(values) == 0 {
			continue
		}
		if strings.Count(name, ".") > maxFormDepth {
			return nil, errFormDepth
		}
		n := root
		for step := range strings.SplitSeq(name, ".") {
			if n.kids == nil {
				n.kids = map[string]*node{}
			}
			next := n.kids[step]
			if next == nil {
				next = &node{name: name}
				n.kids[step] = next
			}
			n = next
		}
		n.name, n.value, n.given = name, values[0], true
	}
	return root, nil
}

// formReader fills generated structs from a tree of parameters.
type formReader struct {
	codec *Codec
	ec2   bool // ec2Query names, and every list is flat
}

// DecodeForm fills in (a pointer to a generated struct) from query parameters.
func (c *Codec) DecodeForm(id ShapeID, form url.Values, in any, ec2 bool) error {
	root, err := formTree(form)
	if err != nil {
		return err
	}
	r := formReader{codec: c, ec2: ec2}
	return r.structure(&c.service.Shapes[id], root, reflect.ValueOf(in).Elem())
}

func (r formReader) structure(s *Shape, n *node, v reflect.Value) error {
	for i := range s.Members {
		m := &s.Members[i]
		k := n.kid(r.name(m))
		flat := r.ec2 || m.Flattened || r.codec.service.Shapes[m.Shape].Flattened
		if k == nil {
			continue
		}
		err := r.member(m.Shape, k, v.Field(i), flat)
		if err != nil {
			return err
		}
	}
	return nil
}

// name is a member's parameter name. ec2Query: queryName, else locationName with a capital, else the name.
func (r formReader) name(m *Member) string {
	switch {
	case r.ec2 && m.QueryName != "":
		return m.QueryName
	case r.ec2 && m.LocationName != "":
		return capital(m.LocationName)
	case r.ec2:
		return capital(m.Name)
	case m.LocationName != "":
		return m.LocationName
	}
	return m.Name
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func (r formReader) member(id ShapeID, n *node, v reflect.Value, flat bool) error {
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		v = fresh.Elem()
	}
	s := &r.codec.service.Shapes[id]
	switch s.Kind {
	case Structure:
		return r.structure(s, n, v)
	case List:
		return r.list(s, n, v, flat)
	case Map:
		return r.entries(s, n, v, flat)
	}
	return scalar(s, n, v)
}

func (r formReader) list(s *Shape, n *node, v reflect.Value, flat bool) error {
	if !flat {
		name := s.ElementName
		if name == "" {
			name = "member"
		}
		if n.kid(name) != nil {
			n = n.kid(name)
		}
	}
	kids, err := numbered(n)
	if err != nil {
		return err
	}
	// "Names=" is an empty list, not an absent one.
	out := reflect.MakeSlice(v.Type(), len(kids), len(kids))
	for i, k := range kids {
		err := r.member(s.Element, k, out.Index(i), r.ec2 || r.codec.service.Shapes[s.Element].Flattened)
		if err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (r formReader) entries(s *Shape, n *node, v reflect.Value, flat bool) error {
	if !flat && n.kid("entry") != nil {
		n = n.kid("entry")
	}
	kids, err := numbered(n)
	if err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(v.Type(), len(kids))
	for _, k := range kids {
		key, value := k.kid("key"), k.kid("value")
		if key == nil || value == nil {
			return &BadValue{Name: k.name, Want: "a key and a value"}
		}
		one := reflect.New(v.Type().Elem()).Elem()
		err := r.member(s.Element, value, one, r.ec2)
		if err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(key.value), one)
	}
	v.Set(out)
	return nil
}

// numbered gives the children of a list in the order of their numbers; gaps are closed, as AWS closes them.
func numbered(n *node) ([]*node, error) {
	type entry struct {
		at   int
		node *node
	}
	all := make([]entry, 0, len(n.kids))
	for step, k := range n.kids {
		at, err := strconv.Atoi(step)
		if err != nil || at < 0 {
			return nil, &BadValue{Name: k.name, Value: step, Want: "a list index"}
		}
		all = append(all, entry{at, k})
	}
	slices.SortFunc(all, func(a, b entry) int { return a.at - b.at })
	out := make([]*node, len(all))
	for i, e := range all {
		out[i] = e.node
	}
	return out, nil
}

func scalar(s *Shape, n *node, v reflect.Value) error {
	text, err := n.value, error(nil)
	want := "text"
	switch s.Kind {
	case String:
		v.SetString(text)
	case Integer, Long:
		want = "an integer"
		i := int64(0)
		i, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
	case Double:
		want = "a number"
		f := float64(0)
		f, err = strconv.ParseFloat(text, 64)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			err = strconv.ErrRange
		}
		v.SetFloat(f)
	case Boolean:
		want = "true or false"
		v.SetBool(text == "true")
		if text != "true" && text != "false" {
			err = strconv.ErrSyntax
		}
	case Time:
		want = "an ISO 8601 time"
		err = v.Addr().Interface().(*Timestamp).parse(text)
	case Blob:
		want = "base64"
		b := []byte(nil)
		b, err = base64.StdEncoding.DecodeString(text)
		v.SetBytes(b)
	}
	if err != nil || !n.given {
		return &BadValue{Name: n.name, Value: text, Want: want}
	}
	return nil
}
