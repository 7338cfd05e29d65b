package store_test

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/storetest"
)

// fill gives every field of a record below p a value that is not its zero.
func fill(p any) { fillValue(reflect.ValueOf(p).Elem()) }

func fillValue(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC)
		return
	case *netip.Addr:
		*x = netip.MustParseAddr("172.31.0.9")
		return
	case *netip.Prefix:
		*x = netip.MustParsePrefix("172.31.0.0/20")
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			v.SetString("text")
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fillValue(e)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), e)
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	default:
		panic("no value for " + v.Type().String())
	}
}

func compare(t *testing.T, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("a record came back different:\n%+v\n%+v", want, got)
	}
}

// After any history of puts and deletes, every index files exactly what a naive search finds.
func TestIndexesAgreeWithANaiveSearch(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, err := store.Open(t.Context(), memory.Engine{})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		naive := map[state.TaskKey]*state.Task{}
		for range rapid.IntRange(1, 12).Draw(r, "updates") {
			after := maps.Clone(naive)
			fails := rapid.IntRange(0, 4).Draw(r, "fails") == 0
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				for range rapid.IntRange(1, 6).Draw(r, "ops") {
					change(r, tx, after)
				}
				agree(r, tx.View(), after)
				if fails {
					return fmt.Errorf("refused")
				}
				return nil
			})
			if (err != nil) != fails {
				r.Fatal(err)
			}
			if !fails {
				naive = after
			}
			agree(r, s.View(), naive)
		}
	})
}

func change(r *rapid.T, tx *store.Tx, naive map[state.TaskKey]*state.Task) {
	task := storetest.Task(rapid.IntRange(0, 9).Draw(r, "task"), rapid.SampledFrom([]string{"web", "web2"}).Draw(r, "service"))
	if rapid.IntRange(0, 3).Draw(r, "delete") == 0 {
		tx.Tasks().Delete(task.Key)
		delete(naive, task.Key)
		return
	}
	task.Last = rapid.SampledFrom([]state.Status{state.Pending, state.Running, state.Stopped}).Draw(r, "last")
	task.Desired = rapid.SampledFrom([]state.Status{state.Running, state.Stopped}).Draw(r, "desired")
	instance := rapid.SampledFrom([]string{"", "i", "ii"}).Draw(r, "instance")
	if instance != "" {
		task.Instance = state.NewInstanceKey(task.Key.Cluster(), instance)
	}
	tx.Tasks().Put(task)
	naive[task.Key] = task
}

func agree(r *rapid.T, v store.View, naive map[state.TaskKey]*state.Task) {
	check := func(what string, got []*state.Task, keep func(*state.Task) bool) {
		var want []state.TaskKey
		for k, t := range naive {
			if keep(t) {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		var keys []state.TaskKey
		for _, t := range got {
			keys = append(keys, t.Key)
		}
		if !slices.Equal(keys, want) {
			r.Fatalf("%s: %v, want %v", what, keys, want)
		}
	}
	c := state.NewClusterKey(storetest.Scope(), "default")
	tasks := v.Tasks()
	check("all", slices.Collect(tasks.All()), func(*state.Task) bool { return true })
	check("unplaced", slices.Collect(tasks.Unplaced(c)), func(t *state.Task) bool {
		return t.Instance == "" && t.Live() && t.Desired == state.Running
	})
	for _, name := range []string{"web", "web2"} {
		s := state.NewServiceKey(c, name)
		check("live "+name, slices.Collect(tasks.OfService(s)), func(t *state.Task) bool { return t.Service == s && t.Live() })
		check("past "+name, slices.Collect(tasks.StoppedOfService(s)), func(t *state.Task) bool {
			return t.Service == s && !t.Live()
		})
		check("family "+name, slices.Collect(tasks.OfFamily(c, name)), func(t *state.Task) bool {
			return t.TaskDefinition.Family().Name() == name && t.Live()
		})
	}
	for _, id := range []string{"i", "ii"} {
		i := state.NewInstanceKey(c, id)
		check("on "+id, slices.Collect(tasks.OfInstance(i)), func(t *state.Task) bool { return t.Instance == i && t.Live() })
	}
}
