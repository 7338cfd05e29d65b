package daemon

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"

	"github.com/google/uuid"
)

// newID is 32 unguessable hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func newUUID() string { return uuid.NewString() }

// newDigits is the number of an ecs-svc deployment: 19 digits.
func newDigits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(9e18))
	if err != nil {
		panic(err) // never fails (crypto/rand)
	}
	return n.Add(n, big.NewInt(1e18)).String()
}

// zones of a region: three, as in the default VPC.
func zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }
