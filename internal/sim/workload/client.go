package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// client is one user of the API.
type client struct {
	load  *Load
	name  string
	first bool // it alone changes what belongs to everybody
	rand  *rand.Rand
	n     int

	families []*family
	services []*service
	runs     []*run
	tasks    []*task
	clusters []*record
	tags     []*record // on task definitions
	marks    *record   // its attribute on an instance
	drained  []string  // instances that it has set DRAINING
	state    record    // of the instance that it changed last
}

func newClient(l *Load, i int, r *rand.Rand) *client {
	return &client{load: l, name: fmt.Sprintf("c%d", i), first: i == 0, rand: r, marks: &record{name: "mark"}}
}

// object is a request.
type object = map[string]any

// act is something that a client does, and how often in comparison.
type act struct {
	weight int
	do     func(*client, context.Context) error
}

// acts are all that clients do.
var acts = []act{
	{5, (*client).register}, {2, (*client).deregister}, {2, (*client).readDefinition}, {2, (*client).listDefinitions},
	{5, (*client).createService}, {2, (*client).abandon}, {7, (*client).scale}, {7, (*client).deploy},
	{2, (*client).force}, {2, (*client).percents}, {2, (*client).deleteService}, {3, (*client).readServices},
	{1, (*client).stopDeployment},
	{9, (*client).runTasks}, {7, (*client).stopTask}, {2, (*client).startTask}, {4, (*client).readTasks},
	{2, (*client).listTasks}, {1, (*client).protect},
	{2, (*client).createCluster}, {2, (*client).deleteCluster}, {1, (*client).readClusters},
	{2, (*client).tag}, {1, (*client).readTags}, {1, (*client).mark}, {1, (*client).readMarks},
	{2, (*client).drain}, {1, (*client).readInstances}, {1, (*client).setting},
}

// run acts until ctx ends.
func (c *client) run(ctx context.Context) {
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	for c.pause(ctx) {
		n := c.rand.IntN(total)
		for _, a := range acts {
			n -= a.weight
			if n < 0 {
				_ = a.do(c, ctx) // lost answers are part of the game; what matters was noted
				break
			}
		}
	}
}

func (c *client) pause(ctx context.Context) bool {
	t := time.NewTimer(time.Duration(c.rand.Int64N(int64(c.load.Pause) + 1)))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// tries of a call, as SDKs have them.
const tries = 3

// ask calls, and calls again as long as it learns nothing. again says that an earlier try may have taken effect.
func (c *client) ask(ctx context.Context, op string, in, out any) (again bool, err error) {
	for try := range tries {
		if try > 0 && !c.backoff(ctx, try) {
			return true, err
		}
		err = c.load.call(ctx, c.name, op, in, out)
		if err == nil || refusal(err) != nil {
			return try > 0, err
		}
	}
	return true, err
}

func (c *client) backoff(ctx context.Context, try int) bool {
	t := time.NewTimer(time.Duration(try) * 100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refused calls out a refusal that this call does not deserve; codes are those that it may.
func (c *client) refused(op string, in any, err error, codes ...string) {
	r := refusal(err)
	if r != nil && !slices.Contains(codes, r.Code) {
		c.load.Violate("API", fmt.Sprintf("%s %s %s was refused: %v", c.name, op, brief(in), r))
	}
}

func (c *client) violate(invariant, format string, args ...any) {
	c.load.Violate(invariant, c.name+" "+fmt.Sprintf(format, args...))
}

func (c *client) fresh(kind string) string {
	c.n++
	return fmt.Sprintf("%s-%s-%d", kind, c.name, c.n)
}

// some of a list, nil for an empty one.
func some[T any](r *rand.Rand, of []*T) *T {
	if len(of) == 0 {
		return nil
	}
	return of[r.IntN(len(of))]
}

func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 160 {
		b = append(b[:157], "..."...)
	}
	return string(b)
}

// write sends what sets a cell to v.
func write[T comparable](ctx context.Context, c *client, to *cell[T], v T, op string, in, out any) error {
	began := c.load.Now()
	again, err := c.ask(ctx, op, in, out)
	if refusal(err) == nil {
		to.sent(v, err == nil, again, c.load.Now(), c.load.Linger)
	} else if again {
		to.sent(v, false, true, began, c.load.Linger)
	}
	return err
}

// cell is one value that this client alone writes: what was last acknowledged, and what calls without an answer may
// still make of it.
type cell[T comparable] struct {
	value T
	maybe []chance[T]
}

// chance is a value that a call without an answer may have written, or may still write.
type chance[T comparable] struct {
	value T
	until time.Time
}

// sent notes the outcome of a write that began at a time: acknowledged, or unknown. again says that an earlier try of
// it is unaccounted for.
func (c *cell[T]) sent(v T, acknowledged, again bool, began time.Time, linger time.Duration) {
	if acknowledged {
		c.value = v
		c.maybe = slices.DeleteFunc(c.maybe, func(m chance[T]) bool { return m.until.Before(began) })
	}
	if !acknowledged || again {
		c.maybe = append(c.maybe, chance[T]{v, began.Add(linger)})
	}
}

// may says whether v can be there.
func (c *cell[T]) may(v T) bool {
	return c.value == v || slices.ContainsFunc(c.maybe, func(m chance[T]) bool { return m.value == v })
}

// read takes over what is there, once no call is on its way any more. It says whether v was possible.
func (c *cell[T]) read(v T, asked time.Time) bool {
	ok := c.may(v)
	if !slices.ContainsFunc(c.maybe, func(m chance[T]) bool { return !m.until.Before(asked) }) {
		c.value, c.maybe = v, nil
	}
	return ok
}
