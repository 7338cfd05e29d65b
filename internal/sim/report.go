package sim

import "time"

// Report of one seed.
type Report struct {
	Seed       uint64         `json:"seed"`
	Events     int            `json:"events"`
	Hash       string         `json:"hash"` // of the transcript: equal runs have equal hashes
	Commits    int            `json:"commits"`
	Calls      int            `json:"calls"`
	Containers int            `json:"containers"`
	Kills      int            `json:"kills"`
	Faults     map[string]int `json:"faults"`
	Settled    float64        `json:"settled"` // seconds from the last fault to rest; -1 = never
	Violations []Violation    `json:"violations"`
	Tail       []string       `json:"tail,omitempty"` // the last lines before the first violation
	Seconds    float64        `json:"seconds"`        // that the run took
}

// Violation is one broken promise.
type Violation struct {
	At        time.Duration `json:"at"`
	Invariant string        `json:"invariant"`
	Text      string        `json:"text"`
}

// Load that every seed must have seen, per simulated minute of faults; a run with less has shown nothing.
const (
	leastCommits = 10
	leastCalls   = 10
	leastKills   = 1
)

// Idle says what a seed has seen too little of; "" if nothing.
func (r Report) Idle(minutes int) string {
	switch {
	case r.Commits < leastCommits*minutes:
		return "commits"
	case r.Calls < leastCalls*minutes:
		return "calls"
	case r.Kills < leastKills*minutes/2:
		return "kills"
	case r.Containers < minutes:
		return "containers"
	}
	return ""
}
