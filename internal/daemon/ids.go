package daemon

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/google/uuid"
)

// newID is 32 unguessable hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func newUUID() string { return uuid.NewString() }

// zones of a region: three, as in the default VPC.
func zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }
