package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// EncodeXML appends the members of an output (a pointer to its generated struct) as AWS's XML, without an element
// around them. ec2 chooses ec2Query's names.
func (c *Codec) EncodeXML(b *bytes.Buffer, id ShapeID, out any, ec2 bool) error {
	if id == NoShape {
		return nil
	}
	w := xmlWriter{codec: c, b: b, ec2: ec2}
	return w.structure(&c.service.Shapes[id], reflect.ValueOf(out).Elem())
}

type xmlWriter struct {
	codec *Codec
	b     *bytes.Buffer
	ec2   bool
}

func (w xmlWriter) structure(s *Shape, v reflect.Value) error {
	for i := range s.Members {
		m := &s.Members[i]
		f := v.Field(i)
		if f.IsNil() {
			continue
		}
		name := m.LocationName
		if name == "" {
			name = m.Name
		}
		err := w.member(name, m, f)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w xmlWriter) member(name string, m *Member, f reflect.Value) error {
	s := &w.codec.service.Shapes[m.Shape]
	if s.Kind == List && (m.Flattened || s.Flattened) {
		for i := range f.Len() {
			err := w.element(name, s.Element, f.Index(i))
			if err != nil {
				return err
			}
		}
		return nil
	}
	return w.element(name, m.Shape, f)
}

func (w xmlWriter) element(name string, id ShapeID, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	w.open(name)
	err := w.content(&w.codec.service.Shapes[id], v)
	w.close(name)
	return err
}

func (w xmlWriter) content(s *Shape, v reflect.Value) error {
	switch s.Kind {
	case Structure:
		return w.structure(s, v)
	case List:
		name := s.ElementName
		if name == "" {
			name = "member"
		}
		for i := range v.Len() {
			err := w.element(name, s.Element, v.Index(i))
			if err != nil {
				return err
			}
		}
		return nil
	case Map:
		return w.entries(s, v)
	case Integer, Long:
		w.b.Write(strconv.AppendInt(w.b.AvailableBuffer(), v.Int(), 10))
	case Double:
		w.b.Write(strconv.AppendFloat(w.b.AvailableBuffer(), v.Float(), 'g', -1, 64))
	case Boolean:
		w.b.Write(strconv.AppendBool(w.b.AvailableBuffer(), v.Bool()))
	case Time:
		w.b.WriteString(v.Interface().(Timestamp).ISO())
	case Blob, Free:
		w.b.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
	default:
		return xml.EscapeText(w.b, []byte(v.String()))
	}
	return nil
}

func (w xmlWriter) entries(s *Shape, v reflect.Value) error {
	byName := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		byName[k.String()] = v.MapIndex(k)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		w.open("entry")
		err := w.element("key", s.Key, reflect.ValueOf(name))
		if err != nil {
			return err
		}
		err = w.element("value", s.Element, byName[name])
		if err != nil {
			return err
		}
		w.close("entry")
	}
	return nil
}

func (w xmlWriter) open(name string) {
	w.b.WriteByte('<')
	w.b.WriteString(name)
	w.b.WriteByte('>')
}

func (w xmlWriter) close(name string) {
	w.b.WriteString("</")
	w.b.WriteString(name)
	w.b.WriteByte('>')
}
