package wire

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The generated AppendJSON methods are built of these: answers of a few kilobytes are most of what an idle cluster's
// clients ask for, and reflection was two thirds of the cost of one.

// JSONAppender is a generated shape that writes itself.
type JSONAppender interface{ AppendJSON(b []byte) []byte }

// AppendKey starts a member; start is where the object's first member began. key is quoted and has its colon.
func AppendKey(b []byte, start int, key string) []byte {
	if len(b) > start {
		b = append(b, ',')
	}
	return append(b, key...)
}

// AppendText quotes a string. Log lines may hold any bytes: what is no UTF-8 becomes the replacement character.
func AppendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// AppendNumber writes a double; JSON has no word for those that are no number.
func AppendNumber(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(b, "null"...)
	case math.Abs(f) < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'e', -1, 64)
}

// AppendTexts writes a list of strings.
func AppendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, s)
	}
	return append(b, ']')
}

// AppendList writes a list of structures.
func AppendList[T any, P interface {
	*T
	JSONAppender
}](b []byte, list []T) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = P(&list[i]).AppendJSON(b)
	}
	return append(b, ']')
}

// AppendTextMap writes a map of strings in the order of its keys.
func AppendTextMap(b []byte, m map[string]string) []byte {
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendText(b, k), ':')
		b = AppendText(b, m[k])
	}
	return append(b, '}')
}

// AppendOther writes the few kinds of members that have no function of their own.
func AppendOther(b []byte, v any) []byte {
	text, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}
