package sigv4

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// MinterConfig is what a minter is handed.
type MinterConfig struct {
	Master []byte           // 32 bytes, kept by the installation; whoever holds it can be anybody
	Now    func() time.Time // the clock
	Rand   io.Reader        // crypto/rand.Reader outside tests
}

// Minter makes temporary credentials that are verified without a record: the token is the identity and its expiry,
// sealed with AES-GCM and bound to the access key id; the secret is derived from both.
type Minter struct {
	seal   cipher.AEAD
	secret []byte
	now    func() time.Time
	rand   io.Reader
}

// maxToken bounds what is decoded before it is authenticated.
const maxToken = 4096

type sealed struct {
	Identity
	Expires int64 `json:"e"` // unix seconds
}

// NewMinter derives the sealing and the secret key from the master key.
func NewMinter(c MinterConfig) (*Minter, error) {
	if len(c.Master) != 32 {
		return nil, fmt.Errorf("new minter: master key has %d bytes, want 32", len(c.Master))
	}
	if c.Now == nil || c.Rand == nil {
		return nil, errors.New("new minter: clock or randomness is missing")
	}
	block, err := aes.NewCipher(mac(c.Master, "longshore session token"))
	if err != nil {
		return nil, fmt.Errorf("new minter: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("new minter: %w", err)
	}
	return &Minter{seal: seal, secret: mac(c.Master, "longshore secret key"), now: c.Now, rand: c.Rand}, nil
}

// Mint makes credentials for an identity. Expiry is in whole seconds.
func (m *Minter) Mint(who Identity, ttl time.Duration) (id, secret, token string, expires time.Time, err error) {
	expires = m.now().Add(ttl).Truncate(time.Second)
	random := make([]byte, 10+m.seal.NonceSize())
	_, err = io.ReadFull(m.rand, random)
	if err != nil {
		return "", "", "", time.Time{}, fmt.Errorf("mint credentials: %w", err)
	}
	plain, err := json.Marshal(sealed{Identity: who, Expires: expires.Unix()})
	if err != nil {
		return "", "", "", time.Time{}, fmt.Errorf("mint credentials: %w", err)
	}
	id = "ASIA" + base32.StdEncoding.EncodeToString(random[:10])
	nonce := random[10:]
	token = base64.StdEncoding.EncodeToString(m.seal.Seal(nonce, nonce, plain, []byte(id)))
	return id, m.secretOf(id, token), token, expires, nil
}

// Open says whom a token stands for and what the secret of its key is.
func (m *Minter) Open(accessKeyID, token string) (string, Identity, error) {
	// Two texts for one token would be two keys for one session: no line breaks, which the decoder skips, and no
	// loose bits at the end.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return "", Identity{}, ErrInvalidToken
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(blob) < m.seal.NonceSize() {
		return "", Identity{}, ErrInvalidToken
	}
	n := m.seal.NonceSize()
	plain, err := m.seal.Open(nil, blob[:n], blob[n:], []byte(accessKeyID))
	if err != nil {
		return "", Identity{}, ErrInvalidToken
	}
	s := sealed{}
	err = json.Unmarshal(plain, &s)
	if err != nil {
		return "", Identity{}, ErrInvalidToken
	}
	if m.now().Unix() >= s.Expires {
		return "", Identity{}, ErrExpiredToken
	}
	return m.secretOf(accessKeyID, token), s.Identity, nil
}

// secretOf is forty characters, as AWS secrets are.
func (m *Minter) secretOf(id, token string) string {
	return base64.StdEncoding.EncodeToString(mac(m.secret, id+"\n"+token)[:30])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
