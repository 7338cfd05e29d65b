package ec2

import (
	"slices"
	"strings"

	"longshore/internal/aws/page"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
)

// fields are what filters of one kind of resource look at: name of the filter → values of the resource.
type fields map[string][]string

// query is what every describe call has in common.
type query struct {
	op      string
	scope   state.Scope
	filters []ec2wire.Filter
	token   *string
	limit   *int32

	// ids that must exist; the first one that does not gives the error.
	ids        []string
	code, noun string // of the error: InvalidVpcID, "vpc ID"
	prefix     string // "vpc-"
}

// item is a resource as a query sees it.
type item[T any] struct {
	id     string
	tags   state.Tags
	fields fields
	record T
}

// Limits of MaxResults in EC2.
const (
	minResults = 5
	maxResults = 1000
)

// find filters items, sorted by id, and cuts a page. A filter that the kind does not have is refused: silently
// matching nothing, or everything, would be a lie.
func find[T any](q query, items []item[T]) ([]T, *string, error) {
	if len(q.ids) > 0 && q.limit != nil {
		return nil, nil, togetherInvalid("MaxResults", "a list of IDs")
	}
	err := known(q, items)
	if err != nil {
		return nil, nil, err
	}
	kept := []item[T]{}
	for _, x := range items {
		if len(q.ids) > 0 && !slices.Contains(q.ids, x.id) {
			continue
		}
		ok, err := x.passes(q.filters)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			kept = append(kept, x)
		}
	}
	slices.SortFunc(kept, func(x, y item[T]) int { return strings.Compare(x.id, y.id) })
	return cut(q, kept)
}

func cut[T any](q query, kept []item[T]) ([]T, *string, error) {
	limit := 0
	if q.limit != nil {
		limit = int(*q.limit)
		if limit < minResults || limit > maxResults {
			return nil, nil, invalidValue("Value ( %d ) for parameter maxResults is invalid. Expecting a value "+
				"between %d and %d.", limit, minResults, maxResults)
		}
	}
	scope := q.op + "/" + q.scope.String()
	after, err := page.Parse(scope, deref(q.token))
	if err != nil {
		return nil, nil, invalidToken()
	}
	shown, last := page.Cut(kept, func(x item[T]) string { return x.id }, after, limit)
	next := (*string)(nil)
	if last != "" {
		next = ptr(page.Token(scope, last))
	}
	return each(shown, func(x item[T]) T { return x.record }), next, nil
}

func known[T any](q query, items []item[T]) error {
	for _, id := range q.ids {
		if !strings.HasPrefix(id, q.prefix) {
			return malformed(q.code, id, q.prefix)
		}
		if !slices.ContainsFunc(items, func(x item[T]) bool { return x.id == id }) {
			return notFound(q.code, q.noun, id)
		}
	}
	// An unknown filter is refused also where there is nothing to filter.
	if len(items) == 0 {
		return nil
	}
	_, err := items[0].passes(q.filters)
	return err
}

// passes says whether a resource has, for every filter, one of its values.
func (x item[T]) passes(filters []ec2wire.Filter) (bool, error) {
	for _, f := range filters {
		have, ok := x.values(deref(f.Name))
		if !ok {
			return false, invalidFilter(deref(f.Name))
		}
		if !slices.ContainsFunc(f.Values, func(want string) bool {
			return slices.ContainsFunc(have, func(v string) bool { return matches(want, v) })
		}) {
			return false, x.check(filters)
		}
	}
	return true, nil
}

// check refuses unknown filters behind one that did not match.
func (x item[T]) check(filters []ec2wire.Filter) error {
	for _, f := range filters {
		_, ok := x.values(deref(f.Name))
		if !ok {
			return invalidFilter(deref(f.Name))
		}
	}
	return nil
}

func (x item[T]) values(name string) ([]string, bool) {
	key, isTag := strings.CutPrefix(name, "tag:")
	if isTag {
		value, ok := x.tags[key]
		if !ok {
			return nil, true
		}
		return []string{value}, true
	}
	if name == "tag-key" {
		keys := []string{}
		for k := range x.tags {
			keys = append(keys, k)
		}
		return keys, true
	}
	v, ok := x.fields[name]
	return v, ok
}

// matches compares a value with a pattern: * is any text, ? one character, and a backslash takes the next
// character as it is. The time is at most the product of both lengths.
func matches(pattern, value string) bool {
	p, v := 0, 0
	star, mark := -1, 0
	for v < len(value) {
		literal := p
		if p < len(pattern) && pattern[p] == '\\' && p+1 < len(pattern) {
			literal = p + 1
		}
		switch {
		case p < len(pattern) && literal == p && pattern[p] == '*':
			star, mark = p, v
			p++
		case p < len(pattern) && (pattern[literal] == value[v] || literal == p && pattern[p] == '?'):
			p = literal + 1
			v++
		case star >= 0:
			p = star + 1
			mark++
			v = mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func yesNo(b bool) []string {
	if b {
		return []string{"true"}
	}
	return []string{"false"}
}
