package sim

import (
	"time"

	"longshore/internal/sim/dice"
	"longshore/internal/sim/engine"
)

// engineFaults decide what befalls the calls of one engine.
type engineFaults struct {
	n    *machine
	dice *dice.Dice
}

func newEngineFaults(n *machine) *engineFaults { return &engineFaults{n, n.dice.Of("lies")} }

// long calls end when their caller does; harm to them is what restarts are for.
func long(op string) bool { return op == "events" || op == "wait" || op == "stats" || op == "logs" }

// verdict implements engine.Config.Fault. Each call is also a point where the agent can be killed.
func (f *engineFaults) verdict(c engine.Call) engine.Verdict {
	if c.Op == "event" {
		return f.event(c)
	}
	when := "before " + c.Op
	if c.After {
		when = "after " + c.Op
	}
	f.n.w.points.pass(f.n.name, when)
	f.n.mu.Lock()
	wild := f.n.wild
	f.n.mu.Unlock()
	if long(c.Op) || !f.dice.Chance(wild) {
		return engine.Verdict{}
	}
	f.n.troubled()
	kind, v := f.harm(c)
	f.n.w.fault(kind, f.n.name+" "+when+" "+short(c.Container))
	return v
}

func (f *engineFaults) harm(c engine.Call) (string, engine.Verdict) {
	late := ""
	if c.After {
		late = " after doing it"
	}
	switch f.dice.Intn(9) {
	case 0, 1, 2:
		return "engine error" + late, engine.Verdict{Status: 500, Message: "simulated server error"}
	case 3, 4:
		return "engine cut" + late, engine.Verdict{Cut: true}
	case 5:
		return "engine hang" + late, engine.Verdict{Hang: true}
	case 6:
		if !c.After && (c.Op == "create" || c.Op == "start") {
			return "engine late", engine.Verdict{Late: f.dice.Between(time.Second, 2*time.Minute)}
		}
	}
	return "engine slow" + late, engine.Verdict{Delay: f.dice.Between(100*time.Millisecond, 15*time.Second)}
}

// event may be lost, doubled or overtaken: it is a hint.
func (f *engineFaults) event(c engine.Call) engine.Verdict {
	f.n.mu.Lock()
	wild := f.n.wild
	f.n.mu.Unlock()
	if !f.dice.Chance(2 * wild) {
		return engine.Verdict{}
	}
	f.n.troubled()
	f.n.w.fault("event trouble", f.n.name+" "+c.Action)
	switch f.dice.Intn(3) {
	case 0:
		return engine.Verdict{Drop: true}
	case 1:
		return engine.Verdict{Double: true}
	}
	return engine.Verdict{Delay: f.dice.Between(time.Millisecond, 5*time.Second)}
}
