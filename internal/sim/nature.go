package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"longshore/internal/sim/dice"
	"longshore/internal/sim/network"
)

// mishap is something that befalls the world, and how often in comparison.
type mishap struct {
	name   string
	weight int
	happen func(*World, *dice.Dice)
}

// mishaps are all that happens by itself.
var mishaps = []mishap{
	{"server", 12, (*World).killServer}, {"agent", 14, (*World).killAgent}, {"power", 3, (*World).cutPower},
	{"engine", 5, (*World).restartEngine}, {"node", 10, (*World).cutNode}, {"flap", 4, (*World).flapNode},
	{"client", 3, (*World).cutClient}, {"reset", 5, (*World).resetNode}, {"frames", 8, (*World).badFrames},
	{"calls", 6, (*World).badCalls}, {"lies", 8, (*World).badEngine}, {"meddling", 7, (*World).meddle},
	{"full", 3, (*World).fillDisk}, {"disk", 1, (*World).breakDisk}, {"clock", 3, (*World).jumpClock},
}

// chosen are the mishaps that may happen in this world: all, unless it is told which.
func (w *World) chosen() []mishap {
	if len(w.Only) == 0 {
		return mishaps
	}
	return slices.DeleteFunc(slices.Clone(mishaps), func(m mishap) bool { return !slices.Contains(w.Only, m.name) })
}

// betweenMishaps is the mean time from one to the next.
const betweenMishaps = 4 * time.Second

// nature lets mishaps happen until ctx ends.
func (w *World) nature(ctx context.Context) {
	d := w.dice.Of("nature")
	total, mishaps := 0, w.chosen()
	for _, m := range mishaps {
		total += m.weight
	}
	for {
		select {
		case <-time.After(d.Between(0, 2*betweenMishaps)):
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil {
			return
		}
		n := d.Intn(total)
		for _, m := range mishaps {
			n -= m.weight
			if n < 0 {
				m.happen(w, d)
				break
			}
		}
	}
}

// during undoes something after a while, or when peace comes.
func (w *World) during(d time.Duration, undo func()) { time.AfterFunc(d, undo) }

// some duration: mostly short, now and then long.
func some(d *dice.Dice) time.Duration {
	scale := [...]time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 3 * time.Minute}
	n := min(d.Intn(len(scale)), d.Intn(len(scale)))
	return d.Between(scale[n]/2, scale[n])
}

// soon after a point was armed it goes off by itself if nobody passes.
const soon = 5 * time.Second

func (w *World) killServer(d *dice.Dice) {
	down := min(some(d), 20*time.Second)
	s := w.theServer()
	if s == nil {
		return
	}
	fire := func(what string) { s.kill("at "+what, down) }
	w.points.arm(serverHost, 1+d.Intn(40), fire)
	time.AfterFunc(soon, func() { w.unlessCalm(func() { fire("rest") }) })
}

func (w *World) someNode(d *dice.Dice) *machine { return w.nodes[d.Intn(len(w.nodes))] }

func (w *World) killAgent(d *dice.Dice) {
	n, down := w.someNode(d), min(some(d), 30*time.Second)
	n.mu.Lock()
	life := n.lives
	n.mu.Unlock()
	fire := func(what string) {
		n.mu.Lock()
		same := n.lives == life
		n.mu.Unlock()
		if same {
			n.kill("at "+what, down)
		}
	}
	w.points.arm(n.name, 1+d.Intn(40), fire)
	time.AfterFunc(soon, func() { w.unlessCalm(func() { fire("rest") }) })
}

// unlessCalm keeps what was arranged before peace from happening in it.
func (w *World) unlessCalm(do func()) {
	w.mu.Lock()
	calm := w.calm
	w.mu.Unlock()
	if !calm {
		do()
	}
}

func (w *World) cutPower(d *dice.Dice) {
	w.someNode(d).powerOff(d.Between(5*time.Second, 90*time.Second))
}

func (w *World) restartEngine(d *dice.Dice) {
	n, down, kill := w.someNode(d), min(some(d), 20*time.Second), d.Chance(0.5)
	if !n.engine.Up() {
		return
	}
	n.troubled()
	w.fault("engine restart", fmt.Sprintf("%s for %s, containers die: %t", n.name, down, kill))
	n.engine.Restart(down, kill)
	time.AfterFunc(down, n.troubled)
}

// isolate cuts one or both directions between two hosts for a while.
func (w *World) isolate(a, b string, way int, long time.Duration, n *machine) {
	if way != 1 {
		w.net.Cut(a, b)
	}
	if way != 2 {
		w.net.Cut(b, a)
	}
	if n != nil {
		n.deafen(1)
	}
	w.during(long, func() {
		w.net.Heal(a, b)
		w.net.Heal(b, a)
		if n != nil {
			n.deafen(-1)
		}
	})
}

// deafen counts the cuts between a node and the server.
func (n *machine) deafen(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deaf += by
	n.trouble = time.Now()
}

func (w *World) cutNode(d *dice.Dice) {
	n := w.someNode(d)
	w.isolate(n.name, serverHost, d.Intn(3), some(d), n)
}

func (w *World) flapNode(d *dice.Dice) {
	n, at := w.someNode(d), time.Duration(0)
	for range 2 + d.Intn(4) {
		way, long := d.Intn(3), d.Between(100*time.Millisecond, 5*time.Second)
		time.AfterFunc(at, func() { w.unlessCalm(func() { w.isolate(n.name, serverHost, way, long, n) }) })
		at += long + d.Between(time.Second, 10*time.Second)
	}
}

func (w *World) cutClient(d *dice.Dice) {
	w.isolate(clientHost, serverHost, d.Intn(3), min(some(d), 20*time.Second), nil)
}

func (w *World) resetNode(d *dice.Dice) {
	n := w.someNode(d)
	n.troubled()
	w.fault("reset", n.name)
	w.net.Reset(n.name, serverHost)
	w.net.Reset(serverHost, n.name)
}

func (w *World) badFrames(d *dice.Dice) {
	rate := d.Float() * 0.2
	w.net.Frames(network.Frames{Lose: rate / 3, Double: rate / 3, Delay: rate / 3, Reset: rate / 20,
		DelayUpTo: 2 * time.Second})
	w.during(some(d), func() { w.net.Frames(network.Frames{}) })
}

func (w *World) badCalls(d *dice.Dice) {
	rate := d.Float() * 0.3
	w.setOdds(func(o *odds) {
		o.calls = network.Calls{Refuse: rate / 4, Forget: rate / 4, Double: rate / 4, Late: rate / 4, LateUpTo: 5 * time.Second}
	})
	w.during(some(d), func() { w.setOdds(func(o *odds) { o.calls = network.Calls{} }) })
}

func (w *World) setOdds(change func(*odds)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.odds)
}

func (w *World) badEngine(d *dice.Dice) {
	n, rate := w.someNode(d), d.Float()*0.2
	n.behave(rate)
	w.during(some(d), func() { n.behave(0) })
}

func (n *machine) behave(wild float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wild, n.trouble = wild, time.Now()
}

// meddle does to a container what somebody with a shell might.
func (w *World) meddle(d *dice.Dice) {
	n := w.someNode(d)
	running := n.engine.Running(nil)
	if len(running) == 0 || !n.engine.Up() {
		return
	}
	c := running[d.Intn(len(running))]
	what := [...]string{"die", "oom", "stop", "remove", "pause"}[d.Intn(5)]
	n.troubled()
	w.fault("meddling", n.name+" "+what+" "+short(c.ID))
	switch what {
	case "die":
		n.engine.Die(c.ID, 1+d.Intn(200))
	case "oom":
		n.engine.OOM(c.ID)
	case "stop":
		n.engine.StopByHand(c.ID)
	case "remove":
		n.engine.RemoveByHand(c.ID)
	case "pause":
		n.engine.PauseByHand(c.ID)
		w.during(some(d), func() { n.engine.UnpauseByHand(c.ID) })
	}
}

func (w *World) fillDisk(d *dice.Dice) {
	w.setOdds(func(o *odds) { o.full = 1 })
	w.during(min(some(d), 15*time.Second), func() { w.setOdds(func(o *odds) { o.full = 0 }) })
}

// breakDisk makes the next commit fail for good; whoever minds the server, in whichever life, starts it again.
func (w *World) breakDisk(d *dice.Dice) {
	w.setOdds(func(o *odds) { o.fail = 1 })
	w.during(d.Between(time.Second, 10*time.Second), func() {
		w.setOdds(func(o *odds) { o.fail = 0 })
		s := w.theServer()
		if s != nil && !w.disk.Held() {
			s.kill("its disk broke", time.Second)
		}
	})
}

// jumpClock sets the server's clock wrong for a while.
func (w *World) jumpClock(d *dice.Dice) {
	skew := d.Between(-2*time.Minute, 2*time.Minute)
	w.setSkew(skew)
	w.during(some(d), func() { w.setSkew(0) })
}

func (w *World) setSkew(skew time.Duration) {
	w.fault("clock jump", skew.String())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew = skew
}

// peace undoes every fault and lets none happen any more.
func (w *World) peace() {
	w.mu.Lock()
	w.calm, w.odds, w.skew = true, odds{}, 0
	w.mu.Unlock()
	w.points.disarm()
	w.net.Frames(network.Frames{})
	hosts := []string{clientHost}
	for _, n := range w.nodes {
		hosts = append(hosts, n.name)
		n.behave(0)
		n.mu.Lock()
		n.deaf = 0
		n.mu.Unlock()
		for _, c := range n.engine.Running(nil) {
			if c.Paused {
				n.engine.UnpauseByHand(c.ID)
			}
		}
	}
	for _, h := range hosts {
		w.net.Heal(h, serverHost)
		w.net.Heal(serverHost, h)
	}
	w.lines.say("world", "the faults are over")
}
