package main

import (
	"fmt"
	"reflect"
)

// append writes the field at expression e, unless it is zero.
func (g *generator) append(e string, t reflect.Type, n int) {
	s, ok := scalarOf(t)
	switch {
	case ok:
		g.p("if %s {\nb = record.Append%s(b, %d, %s)\n}", fmt.Sprintf(s.zero, e), s.name, n, convert(s.to, t, e))
	case t.Kind() == reflect.Pointer:
		g.p("if %s != nil {", e)
		s, ok = scalarOf(t.Elem())
		if ok {
			g.p("b = record.Append%s(b, %d, %s)\n}", s.name, n, convert(s.to, t.Elem(), "*"+e))
			return
		}
		g.later(t.Elem())
		g.p("var at int\nb, at = record.Begin(b, %d)\nb = %s(b, %s)\nb = record.End(b, at)\n}", n, g.verb("Append", t.Elem()), e)
	case t.Kind() == reflect.Struct:
		g.later(t)
		g.p("{\nvar at int\nb, at = record.Begin(b, %d)\nb = %s(b, &%s)\nb = record.EndUnlessEmpty(b, at, %d)\n}",
			n, g.verb("Append", t), e, n)
	case t.Kind() == reflect.Slice:
		g.p("if %s != nil {\nvar at int\nb, at = record.Begin(b, %d)\nb = record.Count(b, len(%s))\nfor i := range %s {", e, n, e, e)
		g.item(e+"[i]", t.Elem())
		g.p("}\nb = record.End(b, at)\n}")
	case t.Kind() == reflect.Map:
		g.p("if %s != nil {\nvar at int\nb, at = record.Begin(b, %d)\nb = record.Count(b, len(%s))", e, n, e)
		g.p("for _, k := range record.Keys(%s) {\nb = record.ItemString(b, k)", e)
		g.item(e+"[k]", t.Elem())
		g.p("}\nb = record.End(b, at)\n}")
	default:
		g.err = fmt.Errorf("%s: no way to write a %s", e, t)
	}
}

// item writes an item of a list or map.
func (g *generator) item(e string, t reflect.Type) {
	s, ok := scalarOf(t)
	if ok {
		g.p("b = record.Item%s(b, %s)", s.name, convert(s.to, t, e))
		return
	}
	if t.Kind() != reflect.Struct {
		g.err = fmt.Errorf("%s: no way to write a %s in a list", e, t)
		return
	}
	g.later(t)
	g.p("var at int\nb, at = record.BeginItem(b)\nb = %s(b, &%s)\nb = record.End(b, at)", g.verb("Append", t), e)
}

// read sets the expression e to what the field holds.
func (g *generator) read(e string, t reflect.Type, own bool) {
	s, ok := scalarOf(t)
	switch {
	case ok:
		g.p("%s = %s", e, convertTo(t, s, "r."+verbOf(s, own)+"()"))
	case t.Kind() == reflect.Pointer:
		s, ok = scalarOf(t.Elem())
		if ok {
			g.p("x := %s\n%s = &x", convertTo(t.Elem(), s, "r."+verbOf(s, own)+"()"), e)
			return
		}
		g.p("%s = new(%s)\n%s(r, r.Enter(), %s)", e, goType(t.Elem()), g.verb("Read", t.Elem()), e)
	case t.Kind() == reflect.Struct:
		g.p("%s(r, r.Enter(), &%s)", g.verb("Read", t), e)
	case t.Kind() == reflect.Slice:
		g.p("end := r.Enter()\n%s = make(%s, r.Count(end))\nfor i := range %s {", e, goType(t), e)
		s, ok = scalarOf(t.Elem())
		if ok {
			g.p("%s[i] = %s", e, convertTo(t.Elem(), s, "r.Item"+s.name+"()"))
		} else {
			g.p("%s(r, r.EnterItem(), &%s[i])", g.verb("Read", t.Elem()), e)
		}
		g.p("}\nr.Leave(end)")
	case t.Kind() == reflect.Map:
		s, _ = scalarOf(t.Elem())
		g.p("end := r.Enter()\nn := r.Count(end)\n%s = make(%s, n)\nfor range n {\nk := r.ItemString()", e, goType(t))
		g.p("%s[k] = %s\n}\nr.Leave(end)", e, convertTo(t.Elem(), s, "r.Item"+s.name+"()"))
	}
}

func verbOf(s scalar, own bool) string {
	if own && s.name == "String" {
		return "Unique"
	}
	return s.name
}

// convert gives the expression in the plain type that package record takes.
func convert(to string, t reflect.Type, e string) string {
	if to == "" || t.String() == to {
		return e
	}
	return to + "(" + e + ")"
}

// convertTo gives what package record read in the field's own type.
func convertTo(t reflect.Type, s scalar, e string) string {
	if s.to == "" || t.String() == s.to {
		return e
	}
	return goType(t) + "(" + e + ")"
}
