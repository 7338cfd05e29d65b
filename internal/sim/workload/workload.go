package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// Config of a load.
type Config struct {
	// Call sends one request of Amazon ECS, by its operation's name, and decodes the answer; required. in is what
	// encoding/json makes the request of, out a pointer for it to decode into. A refusal of the API is a *Refusal;
	// anything else means that the outcome is not known. It has its own deadline.
	Call func(ctx context.Context, op string, in, out any) error
	// Rand decides what is called; required. It is drawn from by New alone.
	Rand *rand.Rand
	// Now is the clock of the world; required.
	Now func() time.Time
	// Note is told of every call and its outcome, for the transcript; nil = nobody.
	Note func(text string)
	// Violate is told of every broken invariant; required.
	Violate func(invariant, text string)
	// Clients at work at the same time; 0 = 4.
	Clients int
	// Cluster that tasks and services run in; it is there, with instances. "" = "default".
	Cluster string
	// Pause is the longest between two calls of a client; 0 = 2 s.
	Pause time.Duration
	// Linger is how long a call without an answer may still take effect; 0 = 60 s.
	Linger time.Duration
	// Images by what they do; nil = Usual().
	Images *Images
}

// Images that the load runs, by what the simulated engine does with them.
type Images struct {
	Web      string // runs until it is told to stop
	Job      string // ends by itself with code 0
	Fail     string // runs for a while and ends with another code
	Crash    string // ends at once with another code
	Stubborn string // ignores its stop signal
	Slow     string // takes long to start
	Health   string // passes its health checks after a while
	Sick     string // fails its health checks
	OOM      string // is killed for want of memory
}

// Usual images, as package engine knows them.
func Usual() *Images {
	return &Images{Web: "sim/web:1", Job: "sim/job:run-20s", Fail: "sim/job:run-6s_exit-3", Crash: "sim/crash:exit-7",
		Stubborn: "sim/stubborn:1", Slow: "sim/slow:start-4s", Health: "sim/healthy:after-6s",
		Sick: "sim/sick:after-6s", OOM: "sim/oom:after-15s"}
}

// Doomed says that containers of an image do not keep running, as oracle.Config asks.
func (i *Images) Doomed(image string) bool {
	switch image {
	case i.Job, i.Fail, i.Crash, i.Sick, i.OOM:
		return true
	}
	return false
}

// Refusal is an error that the API answered with a status below 500.
type Refusal struct{ Code, Message string }

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Load is a set of clients and what they know.
type Load struct {
	Config
	clients []*client

	mu       sync.Mutex
	calls    map[string]int // operation → answered calls
	lost     int            // calls without an answer
	versions map[string]int64
	ranks    map[string]int
	newest   map[string]int // family → highest revision that anybody saw
}

// Counts is how much load there was.
type Counts struct {
	Calls   map[string]int // operation → acknowledged or refused calls
	Answers int
	Lost    int // calls whose outcome the client did not learn
	Tasks   int // tasks told of by RunTask and StartTask
}

// New load; it does nothing before Run.
func New(c Config) *Load {
	if c.Clients == 0 {
		c.Clients = 4
	}
	if c.Cluster == "" {
		c.Cluster = "default"
	}
	if c.Pause == 0 {
		c.Pause = 2 * time.Second
	}
	if c.Linger == 0 {
		c.Linger = time.Minute
	}
	if c.Images == nil {
		c.Images = Usual()
	}
	if c.Note == nil {
		c.Note = func(string) {}
	}
	l := &Load{Config: c, calls: map[string]int{}, versions: map[string]int64{}, ranks: map[string]int{},
		newest: map[string]int{}}
	for i := range c.Clients {
		l.clients = append(l.clients, newClient(l, i, rand.New(rand.NewPCG(c.Rand.Uint64(), c.Rand.Uint64()))))
	}
	return l
}

// Run calls until ctx ends.
func (l *Load) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, c := range l.clients {
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
}

// Settle reads everything back, once the faults have stopped, and compares it with what was acknowledged. An error
// means that the API does not even answer.
func (l *Load) Settle(ctx context.Context) error {
	err := l.ledger(ctx)
	if err != nil {
		return err
	}
	for _, c := range l.clients {
		err := c.settle(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// Counts of what was done so far.
func (l *Load) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Counts{Calls: maps.Clone(l.calls), Lost: l.lost}
	for _, n := range l.calls {
		out.Answers += n
	}
	for _, c := range l.clients {
		out.Tasks += len(c.tasks)
	}
	return out
}

// call is one call with its outcome noted.
func (l *Load) call(ctx context.Context, who, op string, in, out any) error {
	err := l.Call(ctx, op, in, out)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil || refusal(err) != nil {
		l.calls[op]++
		l.Note(fmt.Sprintf("%s %s %s %v", who, op, brief(in), outcome(err)))
		return err
	}
	if ctx.Err() == nil {
		l.lost++
	}
	l.Note(fmt.Sprintf("%s %s %s got no answer: %v", who, op, brief(in), err))
	return err
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func refusal(err error) *Refusal {
	r := (*Refusal)(nil)
	if errors.As(err, &r) {
		return r
	}
	return nil
}
