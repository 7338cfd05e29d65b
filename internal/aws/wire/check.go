package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Violation is one constraint of the model that an input breaks.
type Violation struct {
	Path    string // "tags.1.member.key"
	Member  string // top-level member name as the client wrote it, "tags"
	Missing bool   // a required member is absent
	Value   string
	Message string // "Value 'x' at 'tags.1.member.key' failed to satisfy constraint: Member must …"
	Rule    string // "Member must …"
}

// maxViolations keeps a hostile input from making a huge answer; AWS prints ten as well.
const maxViolations = 10

// Check compares an input (a pointer to its generated struct) with the constraints of its shape.
func (c *Codec) Check(id ShapeID, in any) []Violation {
	if id == NoShape || !c.checked[id] {
		return nil
	}
	w := checker{codec: c}
	w.value(id, reflect.ValueOf(in).Elem(), false)
	return w.found
}

// Describe words violations as AWS does.
func Describe(broken []Violation) string {
	all := make([]string, 0, len(broken))
	for _, v := range broken {
		all = append(all, v.Message)
	}
	noun := "validation errors"
	if len(broken) == 1 {
		noun = "validation error"
	}
	return fmt.Sprintf("%d %s detected: %s", len(broken), noun, strings.Join(all, "; "))
}

type checker struct {
	codec *Codec
	path  []string
	found []Violation
}

func (w *checker) value(id ShapeID, v reflect.Value, sensitive bool) {
	if !w.codec.checked[id] || len(w.found) >= maxViolations {
		return
	}
	s := &w.codec.service.Shapes[id]
	sensitive = sensitive || s.Sensitive
	switch s.Kind {
	case Structure:
		w.structure(s, v)
	case List:
		w.bounds(s, float64(v.Len()), "length", "", true)
		for i := range v.Len() {
			w.in(strconv.Itoa(i+1)+".member", s.Element, v.Index(i), sensitive)
		}
	case Map:
		w.bounds(s, float64(v.Len()), "length", "", true)
		w.entries(s, v, sensitive)
	case String:
		w.text(id, s, v.String(), sensitive)
	case Integer, Long:
		w.bounds(s, float64(v.Int()), "value", strconv.FormatInt(v.Int(), 10), sensitive)
	case Double:
		w.bounds(s, v.Float(), "value", strconv.FormatFloat(v.Float(), 'f', -1, 64), sensitive)
	case Blob:
		w.bounds(s, float64(v.Len()), "length", "", true)
	}
}

func (w *checker) in(step string, id ShapeID, v reflect.Value, sensitive bool) {
	w.path = append(w.path, step)
	w.value(id, v, sensitive)
	w.path = w.path[:len(w.path)-1]
}

func (w *checker) structure(s *Shape, v reflect.Value) {
	for i := range s.Members {
		m := &s.Members[i]
		if !m.Required && !w.codec.checked[m.Shape] {
			continue
		}
		f := v.Field(i)
		if f.IsNil() {
			if m.Required && !m.Token {
				w.path = append(w.path, m.Name)
				w.add(Violation{Missing: true, Rule: "Member must not be null"}, "Value null")
				w.path = w.path[:len(w.path)-1]
			}
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		w.in(m.Name, m.Shape, f, m.Sensitive)
	}
}

func (w *checker) entries(s *Shape, v reflect.Value, sensitive bool) {
	byName := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		byName[k.String()] = k
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		w.in(name+".key", s.Key, byName[name], sensitive)
		w.in(name+".value", s.Element, v.MapIndex(byName[name]), sensitive)
	}
}

func (w *checker) text(id ShapeID, s *Shape, text string, sensitive bool) {
	w.bounds(s, float64(utf8.RuneCountInString(text)), "length", text, sensitive)
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		w.broken("Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]", text, sensitive)
	}
	if w.codec.patterns[id] == nil {
		return
	}
	p, err := w.codec.patterns[id]()
	if err == nil && !p.MatchString(text) {
		w.broken("Member must satisfy regular expression pattern: "+s.Pattern, text, sensitive)
	}
}

func (w *checker) bounds(s *Shape, n float64, noun, text string, silent bool) {
	if s.HasMin && n < s.Min {
		w.broken(fmt.Sprintf("Member must have %s greater than or equal to %s", noun, plain(s.Min)), text, silent)
	}
	if s.HasMax && n > s.Max {
		w.broken(fmt.Sprintf("Member must have %s less than or equal to %s", noun, plain(s.Max)), text, silent)
	}
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// broken quotes the value unless it is a secret or no scalar.
func (w *checker) broken(rule, text string, silent bool) {
	if silent {
		w.add(Violation{Rule: rule}, "Value")
		return
	}
	// A megabyte of value in a message helps nobody.
	if len(text) > 1024 {
		text = strings.ToValidUTF8(text[:1024], "")
	}
	w.add(Violation{Rule: rule, Value: text}, "Value '"+text+"'")
}

func (w *checker) add(v Violation, value string) {
	if len(w.found) >= maxViolations {
		return
	}
	v.Path = strings.Join(w.path, ".")
	v.Member = w.path[0]
	v.Message = value + " at '" + v.Path + "' failed to satisfy constraint: " + v.Rule
	w.found = append(w.found, v)
}
