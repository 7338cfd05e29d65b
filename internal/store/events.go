package store

import (
	"fmt"
	"time"

	"longshore/internal/state"
)

// keptEvents of a service: what DescribeServices shows.
const keptEvents = 100

// Tell adds a line to a service's story and forgets what is too old to be shown. id is a fresh UUID. The key
// sorts behind every line before, even if the clock went back.
func (tx *Tx) Tell(service state.ServiceKey, now time.Time, id, message string) {
	prefix := string(service) + "/"
	at, n := now.UnixNano(), 0
	kept := 0
	for e := range tx.Events().Backward(prefix) {
		if kept == 0 {
			last, number := int64(0), 0
			_, err := fmt.Sscanf(e.Key[len(prefix):], "%020d-%06d", &last, &number)
			if err == nil && last >= at {
				at, n = last, number+1
			}
		}
		kept++
		if kept >= keptEvents {
			tx.Events().Delete(e.Key)
		}
	}
	tx.Events().Put(&state.Event{Key: fmt.Sprintf("%s%020d-%06d", prefix, at, n), ID: id, Service: service,
		At: now, Message: message})
}
