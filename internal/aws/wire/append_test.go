package wire_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
)

// fill sets members at random, down to a depth that ends recursive shapes.
func fill(r *rand.Rand, v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[wire.Timestamp]() {
		v.Set(reflect.ValueOf(wire.Timestamp{Time: time.UnixMilli(r.Int64N(4e12)).UTC()}))
		return
	}
	if v.Type() == reflect.TypeFor[wire.Document]() {
		v.SetBytes([]byte(`{"a":[1,"x"]}`))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if r.IntN(3) > 0 {
				fill(r, v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		if depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth)
		}
	case reflect.Slice:
		n := r.IntN(3)
		if depth >= 12 {
			n = 0
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"b", "a", "\n"}[:r.IntN(4)] {
			one := reflect.New(v.Type().Elem()).Elem()
			fill(r, one, depth+1)
			v.SetMapIndex(reflect.ValueOf(k), one)
		}
	default:
		fillScalar(r, v)
	}
}

func fillScalar(r *rand.Rand, v reflect.Value) {
	words := []string{"", "web", "é\"\\\n", "<&>\u2028", "\xff\xfe", "\x00"}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words[r.IntN(len(words))])
	case reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64N(1<<31) - 1<<30)
	case reflect.Float64:
		v.SetFloat([]float64{0, 0.25, 1e22, 1e-9, -12345.5}[r.IntN(5)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(uint64(r.IntN(256)))
	}
}

func TestGeneratedJSONIsWhatTheLibraryWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range []*wire.Service{ecswire.Model(), logswire.Model()} {
		for _, op := range s.Operations {
			if op.NewOutput == nil {
				continue
			}
			for range 5 {
				out := op.NewOutput()
				fill(r, reflect.ValueOf(out).Elem(), 0)
				want, err := json.Marshal(out, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
				if err != nil {
					t.Fatal(err)
				}
				got := out.(wire.JSONAppender).AppendJSON(nil)
				if !reflect.DeepEqual(plainJSON(t, got), plainJSON(t, want)) {
					t.Fatalf("%s.%s:\n got %s\nwant %s", s.Name, op.Name, got, want)
				}
			}
		}
	}
}

func plainJSON(t *testing.T, b []byte) any {
	t.Helper()
	out := any(nil)
	err := json.Unmarshal(b, &out)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return out
}
