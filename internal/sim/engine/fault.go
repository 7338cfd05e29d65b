package engine

import "time"

// Call is one request to the engine, or one delivery of an event.
type Call struct {
	// Op is ping, version, info, inspect image, pull, load image, remove image, create, start, stop, kill, wait,
	// inspect, list, remove, pause, unpause, logs, stats, events, create volume, inspect volume, list volumes or
	// remove volume; or event, for every event on its way to a subscriber.
	Op string
	// Container is the id or name that was asked for, the name at create, the id with event.
	Container string
	// Action is what the event tells; "" with requests.
	Action string
	// N counts the calls of this Op, from 1. It is the same before and after.
	N int
	// After says that the work is done and the answer is to be given.
	After bool
}

// Verdict is what befalls a call; the zero value lets it be.
type Verdict struct {
	// Delay passes first. An event that is delayed is overtaken by others.
	Delay time.Duration
	// Hang never answers, until the caller gives up. After the work it is a lost answer.
	Hang bool
	// Cut breaks the connection: before the work without an answer, after it in the middle of the answer.
	Cut bool
	// Status answers so instead, with Message where it is an error. Before the work, a status below 400 is a lie; after
	// it, one from 400 is.
	Status  int
	Message string
	// Late does the work of a create or a start so much later, whether anybody still waits or not, and never answers.
	// An engine's process that ends forgets it, and a start that another one overtook has no effect.
	Late time.Duration
	// Drop loses the event; Double delivers it twice.
	Drop   bool
	Double bool
}

// PullFailure is how a pull ends badly.
type PullFailure struct {
	// Status refuses the pull at once, 404 or 429 for instance; 0 lets it begin.
	Status int
	// Message is the engine's words: in the refusal, or in the stream once the pull has begun; "" breaks the
	// connection in the middle instead.
	Message string
}

func (p PullFailure) Error() string { return p.Message }

// Failures of a pull in the words that Docker Engine has for them.
var (
	ErrNoManifest error = PullFailure{Status: 404, Message: "manifest unknown: manifest unknown"}
	ErrTooMany    error = PullFailure{Status: 500, Message: "toomanyrequests: You have reached your pull rate limit."}
	ErrDigest     error = PullFailure{Message: "filesystem layer verification failed for digest sha256:0000"}
	ErrCut        error = PullFailure{}
)
