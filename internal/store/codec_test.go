package store

import (
	"bytes"
	"net/netip"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"longshore/internal/state"
	"longshore/internal/store/record"
)

// roundTrip writes a record and reads it again, by key as an engine keeps it.
func (t typed[T]) roundTrip(v any) (any, error) {
	return t.schema.decode(&record.Reader{}, t.schema.key(v.(*T)), t.encodeAny(nil, v))
}

func (t typed[T]) read(key string, value []byte) (any, error) {
	return t.schema.decode(&record.Reader{}, key, value)
}

func (t typed[T]) empty() any { return new(T) }

func (t typed[T]) keyed(v any) string { return t.schema.key(v.(*T)) }

// tested is what the tests want of a table besides.
type tested interface {
	table
	roundTrip(v any) (any, error)
	read(key string, value []byte) (any, error)
	empty() any
	keyed(v any) string
}

func TestEveryRecordComesBackAsItWas(t *testing.T) {
	for _, x := range all() {
		table := x.(tested)
		t.Run(table.label(), rapid.MakeCheck(func(r *rapid.T) {
			v := table.empty()
			draw(r, reflect.ValueOf(v).Elem())
			got, err := table.roundTrip(v)
			if err != nil {
				r.Fatal(err)
			}
			if !reflect.DeepEqual(v, got) {
				r.Fatalf("wrote %+v\nread  %+v", v, got)
			}
			if !bytes.Equal(table.encodeAny(nil, v), table.encodeAny(nil, got)) {
				r.Fatal("equal records have different bytes")
			}
		}))
	}
}

// Schema 1 wrote CBOR; a directory of it opens and holds what it held.
func TestARecordOfSchema1IsRead(t *testing.T) {
	old, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC, Sort: cbor.SortBytewiseLexical}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all() {
		table := x.(tested)
		t.Run(table.label(), rapid.MakeCheck(func(r *rapid.T) {
			v := table.empty()
			draw(r, reflect.ValueOf(v).Elem())
			value, err := old.Marshal(v)
			if err != nil {
				r.Fatal(err)
			}
			got, err := table.read(table.keyed(v), value)
			if err != nil {
				r.Fatal(err)
			}
			if !reflect.DeepEqual(v, got) {
				r.Fatalf("wrote %+v\nread  %+v", v, got)
			}
		}))
	}
}

// A field that a newer version added is stepped over, wherever it stands.
func TestAnUnknownFieldIsSteppedOver(t *testing.T) {
	task := &state.Task{Key: "a/b/c/d", Zone: "z", Need: state.Need{CPU: 7}}
	value := tasksSchema.encode(nil, task)
	value = record.AppendInt(value, 1<<20, -5)
	value = record.AppendString(value, 1<<20+1, "from the future")
	got, err := tasksSchema.decode(&record.Reader{}, "a/b/c/d", value)
	if err != nil || !reflect.DeepEqual(task, got) {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestEveryCutOfARecordIsRefusedOrShorter(t *testing.T) {
	task := &state.Task{Key: "a/b/c/d", CreatedAt: time.Unix(1, 2).UTC(), Tags: state.Tags{"k": "v"},
		Containers: []state.TaskContainer{{Name: "n", GPUs: []string{"0"}}}}
	whole := tasksSchema.encode(nil, task)
	for n := 1; n < len(whole); n++ {
		got, err := tasksSchema.decode(&record.Reader{}, "a/b/c/d", whole[:n])
		if err == nil && len(tasksSchema.encode(nil, got)) > n {
			t.Errorf("%d bytes came back as %+v", n, got)
		}
	}
}

// Garbage is an error or a record, never a panic, and takes memory in proportion to its length.
func FuzzDecodingGarbage(f *testing.F) {
	for i, x := range all() {
		v := x.(tested).empty()
		f.Add(byte(i), x.encodeAny(nil, v))
		f.Add(byte(i), []byte{0xa1, 0x63, 'K', 'e', 'y', 0x61, 'x'})
	}
	f.Add(byte(6), tasksSchema.encode(nil, &state.Task{Tags: state.Tags{"a": "b"}, Need: state.Need{TCP: []int{1}},
		Containers: []state.TaskContainer{{ID: "x"}}, CreatedAt: time.Unix(3, 4)}))
	f.Fuzz(func(t *testing.T, which byte, value []byte) {
		table := all()[int(which)%len(all())].(tested)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := table.read("account/region/name", value)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+4096*uint64(len(value)) {
			t.Errorf("%d bytes of garbage took %d bytes of memory", len(value), used)
		}
		if err != nil || len(value) == 0 || value[0] != format {
			return
		}
		again, err := table.roundTrip(got)
		if table.label() != accountSettingsSchema.name && (err != nil || !reflect.DeepEqual(got, again)) {
			t.Errorf("%+v came back as %+v, %v", got, again, err)
		}
	})
}

// draw fills a value with anything that its type can hold.
func draw(r *rapid.T, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if rapid.Bool().Draw(r, "set") {
			*x = time.Unix(rapid.Int64Range(-1<<35, 1<<37).Draw(r, "s"), rapid.Int64Range(0, 999999999).Draw(r, "ns")).UTC()
		}
		return
	case *netip.Addr:
		*x = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fe80::1%eth0"),
			netip.MustParseAddr("::ffff:1.2.3.4")}).Draw(r, "addr")
		return
	case *netip.Prefix:
		*x = rapid.SampledFrom([]netip.Prefix{{}, netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("fd00::/48")}).Draw(r, "prefix")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.Just("exit \xff\xfe"), rapid.StringN(0, 300, -1)).Draw(r, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(r, "int"))
	case reflect.Pointer:
		if rapid.Bool().Draw(r, "given") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(r, v.Elem())
		}
	case reflect.Slice:
		n := rapid.IntRange(-1, 3).Draw(r, "length")
		if n < 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(r, v.Index(i))
		}
	case reflect.Map:
		n := rapid.IntRange(-1, 2).Draw(r, "pairs")
		if n < 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range n {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			draw(r, k)
			draw(r, e)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			draw(r, v.Field(i))
		}
	default:
		panic("no value for " + v.Type().String())
	}
}
