package sigv4

import (
	"context"
	"errors"
)

// Identity is who an access key stands for.
type Identity struct {
	Account   string `json:"a"`           // twelve digits
	Principal string `json:"p"`           // ARN of the user, role session or root
	UserID    string `json:"u"`           // AIDA…, AROA…:session, or the account for root
	Instance  string `json:"i,omitempty"` // container-instance ARN when the key is bound to one agent
}

// Keys finds the secret of an access key. The session token is "" for long-lived keys. An unknown key is
// ErrUnknownKey, a token that is over ErrExpiredToken, one that does not belong to the key ErrInvalidToken.
type Keys interface {
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (secret string, who Identity, err error)
}

// What Keys may answer.
var (
	ErrUnknownKey   = errors.New("access key is unknown")
	ErrExpiredToken = errors.New("session token is expired")
	ErrInvalidToken = errors.New("session token is invalid")
)

// Key is one long-lived access key.
type Key struct {
	ID       string
	Secret   string
	Identity Identity
}

// Keyring answers for a fixed set of long-lived keys and for whatever its minter has minted.
type Keyring struct {
	fixed  map[string]Key
	minter *Minter
}

var _ Keys = (*Keyring)(nil)

// NewKeyring makes a ring; minter may be nil.
func NewKeyring(minter *Minter, keys ...Key) *Keyring {
	r := &Keyring{fixed: make(map[string]Key, len(keys)), minter: minter}
	for _, k := range keys {
		r.fixed[k.ID] = k
	}
	return r
}

// Lookup finds a long-lived key by its id, a temporary one by opening its token.
func (r *Keyring) Lookup(_ context.Context, accessKeyID, sessionToken string) (string, Identity, error) {
	k, ok := r.fixed[accessKeyID]
	if ok && sessionToken == "" {
		return k.Secret, k.Identity, nil
	}
	if ok {
		return "", Identity{}, ErrInvalidToken
	}
	if r.minter == nil || sessionToken == "" {
		return "", Identity{}, ErrUnknownKey
	}
	return r.minter.Open(accessKeyID, sessionToken)
}
