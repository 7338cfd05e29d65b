package ecs

import (
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/aws/page"
)

// maxPage is the largest page of every List operation, and the default of all but ListServices (10).
const maxPage = 100

// paging is where a listing goes on and how far.
type paging struct {
	scope string // operation and what the listing is about: a token of another listing is refused
	after string // key of the last item shown
	limit int
}

// newPaging reads nextToken and maxResults. about names what the list depends on, a cluster or a filter.
func newPaging(c front.Caller, op, about string, token *string, most *int32, usual int) (paging, error) {
	p := paging{scope: op + "/" + scopeOf(c).String() + "/" + about, limit: usual}
	if most != nil {
		if *most < 1 || *most > maxPage {
			return p, invalid("maxResults must be between 1 and %d.", maxPage)
		}
		p.limit = int(*most)
	}
	after, err := page.Parse(p.scope, deref(token))
	if err != nil {
		return p, invalid("Invalid token in request.")
	}
	p.after = after
	return p, nil
}

// cut takes the page from items sorted by key, and the token of the next one.
func cut[T any](p paging, items []T, key func(T) string) ([]T, *string) {
	shown, last := page.Cut(items, key, p.after, p.limit)
	return shown, opt(page.Token(p.scope, last))
}

// cutBackward is cut for items sorted by falling keys.
func cutBackward[T any](p paging, items []T, key func(T) string) ([]T, *string) {
	if p.after != "" {
		i := slices.IndexFunc(items, func(x T) bool { return key(x) < p.after })
		if i < 0 {
			i = len(items)
		}
		items = items[i:]
	}
	if len(items) <= p.limit {
		return items, nil
	}
	return items[:p.limit], opt(page.Token(p.scope, key(items[p.limit-1])))
}
