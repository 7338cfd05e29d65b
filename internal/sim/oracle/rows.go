package oracle

import (
	"iter"
	"reflect"
	"time"

	"longshore/internal/store"
)

// records of a view, by the names that changes give the tables.
func records(v store.View) map[string]map[string]any {
	return map[string]map[string]any{
		"clusters":           rows(v.Clusters().All()),
		"families":           rows(v.Families().All()),
		"taskdefinitions":    rows(v.TaskDefinitions().All()),
		"clienttokens":       rows(v.ClientTokens().All()),
		"tasks":              rows(v.Tasks().All()),
		"instances":          rows(v.Instances().All()),
		"services":           rows(v.Services().All()),
		"deployments":        rows(v.Deployments().All()),
		"events":             rows(v.Events().All()),
		"servicedeployments": rows(v.ServiceDeployments().All()),
		"servicerevisions":   rows(v.ServiceRevisions().All()),
	}
}

func rows[T any](all iter.Seq[*T]) map[string]any {
	out := map[string]any{}
	for r := range all {
		out[reflect.ValueOf(r).Elem().FieldByName("Key").String()] = r
	}
	return out
}

// same compares two records as a disk keeps them: times by their moment, empty lists like absent ones.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equal(reflect.ValueOf(a), reflect.ValueOf(b))
}

func equal(a, b reflect.Value) bool {
	if a.Type() != b.Type() {
		return false
	}
	x, isTime := a.Interface().(time.Time)
	if isTime {
		y, _ := b.Interface().(time.Time)
		return x.Equal(y)
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !a.Type().Field(i).IsExported() {
				return a.Interface() == b.Interface() // netip's: comparable
			}
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		return a.Len() == b.Len() && all(a.Len(), func(i int) bool { return equal(a.Index(i), b.Index(i)) })
	case reflect.Map:
		return a.Len() == b.Len() && all(a.Len(), func(i int) bool {
			k := a.MapKeys()[i]
			return b.MapIndex(k).IsValid() && equal(a.MapIndex(k), b.MapIndex(k))
		})
	}
	return a.Interface() == b.Interface()
}

func all(n int, is func(int) bool) bool {
	for i := range n {
		if !is(i) {
			return false
		}
	}
	return true
}
