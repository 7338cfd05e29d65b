package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"longshore/internal/state"
)

// keptEvents of a service: what DescribeServices shows.
const keptEvents = 100

// Tell adds a line to a service's story and forgets what is too old to be shown. id is a fresh UUID. The key is
// service, generation, time and id, and sorts behind every line before, even if the clock went back.
func (tx *Tx) Tell(service state.ServiceKey, now time.Time, id, message string) {
	s, ok := tx.Services().Get(service)
	if !ok {
		return
	}
	prefix := fmt.Sprintf("%s/%04d/", service, s.Generation)
	at, kept := now.UnixNano(), 0
	for e := range tx.Events().Backward(string(service) + "/") {
		if kept == 0 {
			digits, _, _ := strings.Cut(strings.TrimPrefix(e.Key, prefix), "/")
			last, err := strconv.ParseInt(digits, 10, 64)
			if err == nil {
				at = max(at, last+1)
			}
		}
		kept++
		if kept >= keptEvents {
			tx.Events().Delete(e.Key)
		}
	}
	tx.Events().Put(&state.Event{Key: fmt.Sprintf("%s%020d/%s", prefix, at, id), ID: id, Service: service,
		At: now, Message: message})
}
