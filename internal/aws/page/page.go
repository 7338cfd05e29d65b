// Package page makes opaque page tokens: where a listing goes on, bound to the operation that gave it.
//
// A token holds the key of the last item that was shown, so a listing survives changes between two pages: nothing is
// shown twice and nothing that stays is left out. A token is no secret and no permission.
package page

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrToken is a token that this operation did not give.
var ErrToken = errors.New("page token is invalid")

const (
	version   = 1
	checkSize = 8
	maxToken  = 4096
)

// Token names the last key shown by an operation. An empty key is the end of the listing and has no token. scope is
// the operation's name and whatever else a token must not be carried across: "ListTasks/prod".
func Token(scope, lastKey string) string {
	if lastKey == "" {
		return ""
	}
	b := append([]byte{version}, check(scope, lastKey)...)
	return base64.RawURLEncoding.EncodeToString(append(b, lastKey...))
}

// Parse gives the key back. An empty token is the first page.
func Parse(scope, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	// The decoder skips line breaks: one listing would have many tokens.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return "", ErrToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= 1+checkSize || b[0] != version {
		return "", ErrToken
	}
	key := string(b[1+checkSize:])
	if string(check(scope, key)) != string(b[1:1+checkSize]) {
		return "", ErrToken
	}
	return key, nil
}

// Cut takes one page from items sorted by key: those after the key of the last page, at most limit of them, and the
// key to go on from ("" at the end).
func Cut[T any](items []T, key func(T) string, after string, limit int) (page []T, lastKey string) {
	if after != "" {
		i := 0
		for i < len(items) && key(items[i]) <= after {
			i++
		}
		items = items[i:]
	}
	if limit <= 0 || len(items) <= limit {
		return items, ""
	}
	return items[:limit], key(items[limit-1])
}

func check(scope, key string) []byte {
	sum := sha256.Sum256([]byte(scope + "\x00" + key))
	return sum[:checkSize]
}
