package ecs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// token is a client token of one operation: the same one with the same parameters answers what the first call made.
type token struct{ key, hash string }

// newToken reads a client token; without one the result remembers nothing. in is the request without its token.
func newToken(cluster state.ClusterKey, op string, given *string, longest int, in any) (token, error) {
	t := deref(given)
	if t == "" {
		return token{}, nil
	}
	if len(t) > longest {
		return token{}, invalid("clientToken can have at most %d characters.", longest)
	}
	for _, r := range t {
		if r < 33 || r > 126 {
			return token{}, invalid("clientToken may only hold ASCII characters in the range of 33 to 126.")
		}
	}
	hash, err := hashOf(in)
	return token{key: string(cluster) + "/" + op + "/" + t, hash: hash}, err
}

// hashOf tells two requests apart by what they ask for.
func hashOf(in any) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// seen gives the ARNs that an earlier call with this token made; nil if there was none.
func (t token) seen(v store.View) ([]string, error) {
	if t.key == "" {
		return nil, nil
	}
	old, ok := v.ClientTokens().Get(t.key)
	if !ok {
		return nil, nil
	}
	if old.Hash != t.hash {
		return nil, tokenConflict(old.Resources)
	}
	return old.Resources, nil
}

// remember files what the call made. Calls that made nothing are not remembered: a retry may succeed.
func (t token) remember(tx *store.Tx, arns []string, now time.Time) {
	if t.key == "" || len(arns) == 0 {
		return
	}
	tx.ClientTokens().Put(&state.ClientToken{Key: t.key, Hash: t.hash, Resources: arns, CreatedAt: now})
}
