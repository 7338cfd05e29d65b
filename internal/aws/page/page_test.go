package page

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPagesTogetherAreTheWholeListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfDistinct(rapid.StringN(1, 20, -1), rapid.ID).Draw(t, "items")
		slices.Sort(items)
		limit := rapid.IntRange(1, 7).Draw(t, "limit")
		seen, token := []string{}, ""
		for range len(items) + 1 {
			after, err := Parse("List", token)
			if err != nil {
				t.Fatal(err)
			}
			one, last := Cut(items, func(s string) string { return s }, after, limit)
			seen = append(seen, one...)
			token = Token("List", last)
			if token == "" {
				break
			}
		}
		if !slices.Equal(seen, items) {
			t.Fatalf("saw %q of %q", seen, items)
		}
	})
}

func TestATokenOfAnotherOperationIsRefused(t *testing.T) {
	token := Token("ListTasks/prod", "key")
	for _, c := range []struct{ scope, token string }{
		{"ListTasks/dev", token}, {"ListTasks/prod", token + "A"}, {"ListTasks/prod", "x"}, {"ListTasks/prod", "!!!"},
	} {
		_, err := Parse(c.scope, c.token)
		if err == nil {
			t.Errorf("%s took %q", c.scope, c.token)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ListTasks", Token("ListTasks", "key"))
	f.Fuzz(func(t *testing.T, scope, token string) {
		key, err := Parse(scope, token)
		if err == nil && Token(scope, key) != token {
			t.Fatalf("%q was taken for %q", token, Token(scope, key))
		}
	})
}
