package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/sim/engine"
)

// once plans a verdict for the first call of an operation, before or after its work.
func once(op string, after bool, v engine.Verdict) func(engine.Call) engine.Verdict {
	return func(c engine.Call) engine.Verdict {
		if c.Op == op && c.After == after && c.N == 1 {
			return v
		}
		return engine.Verdict{}
	}
}

func TestAnEngineThatLiesIsFoundOutByLooking(t *testing.T) {
	spec := docker.Spec{Name: "a", Image: "sim/web", Labels: mine}
	cases := []struct {
		name    string
		fault   func(engine.Call) engine.Verdict
		create  error
		start   error
		running bool
	}{
		{"create fails first", once("create", false, engine.Verdict{Status: 500, Message: "no"}), errAny, nil, false},
		{"create fails after", once("create", true, engine.Verdict{Status: 500, Message: "no"}), nil, nil, true},
		{"create is cut", once("create", true, engine.Verdict{Cut: true}), nil, nil, true},
		{"start fails after", once("start", true, engine.Verdict{Status: 500, Message: "no"}), nil, nil, true},
		{"start breaks first", once("start", false, engine.Verdict{Cut: true}), nil, docker.ErrUnavailable, false},
		{"start hangs after", once("start", true, engine.Verdict{Hang: true}), nil, nil, true},
		{"start is late", once("start", false, engine.Verdict{Delay: time.Minute}), nil, nil, true},
		{"start is a lie", once("start", false, engine.Verdict{Status: 204}), nil, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			simulated(t, engine.Config{Fault: c.fault}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
				sim.AddImage(spec.Image)
				made, err := e.Create(t.Context(), spec)
				is(t, "create", err, c.create)
				if err == nil {
					is(t, "start", e.Start(t.Context(), made.ID), c.start)
				}
				if got := len(sim.Running(mine)) == 1; got != c.running {
					t.Errorf("running: %v", got)
				}
			})
		})
	}
}

func TestALateStartComesUpUnlessAnotherWasFirst(t *testing.T) {
	late := once("start", false, engine.Verdict{Late: time.Minute})
	for _, again := range []bool{false, true} {
		simulated(t, engine.Config{Fault: late}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
			sim.AddImage("sim/job:run-1s")
			made, err := e.Create(t.Context(), docker.Spec{Name: "a", Image: "sim/job:run-1s", Labels: mine})
			is(t, "create", err, nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			is(t, "start", e.Start(ctx, made.ID), errAny)
			if again {
				is(t, "start again", e.Start(t.Context(), made.ID), nil)
			}
			pass(2 * time.Minute)
			all := sim.Containers()
			if len(all) != 1 || all[0].Starts != 1 {
				t.Errorf("started again: %v: the containers are %+v, want one that came up once", again, all)
			}
		})
	}
}

func TestEventsAreLostDoubledAndLate(t *testing.T) {
	fault := func(c engine.Call) engine.Verdict {
		switch c.Action {
		case "create":
			return engine.Verdict{Drop: true}
		case "start":
			return engine.Verdict{Delay: time.Minute}
		case "die":
			return engine.Verdict{Double: true}
		}
		return engine.Verdict{}
	}
	simulated(t, engine.Config{Fault: fault}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var heard []string
		done := make(chan struct{})
		go func() {
			_ = e.Events(ctx, mine, func() {}, func(ev docker.Event) { heard = append(heard, ev.Action) })
			close(done)
		}()
		synctest.Wait()
		run(t, sim, e, docker.Spec{Image: "sim/job:run-10s"})
		<-done
		if !slices.Equal(heard, []string{"die", "die", "start"}) {
			t.Errorf("heard %v", heard)
		}
	})
}

func TestAStreamOfEventsBreaksOrGoesSilent(t *testing.T) {
	for _, v := range []engine.Verdict{{Cut: true, Delay: time.Minute}, {Hang: true}} {
		simulated(t, engine.Config{Fault: once("events", true, v)}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			began, heard := time.Now(), 0
			ended := make(chan error)
			go func() { ended <- e.Events(ctx, nil, func() {}, func(docker.Event) { heard++ }) }()
			synctest.Wait()
			run(t, sim, e, docker.Spec{Image: "sim/web"})
			err := <-ended
			if v.Hang && (heard != 0 || !errors.Is(err, context.DeadlineExceeded)) {
				t.Errorf("heard %d, %v", heard, err)
			}
			if v.Cut && (heard != 2 || !errors.Is(err, docker.ErrUnavailable) || time.Since(began) != time.Minute) {
				t.Errorf("heard %d, %v", heard, err)
			}
		})
	}
}

func TestContainersOutliveTheEngineOrDieWithIt(t *testing.T) {
	for _, kill := range []bool{false, true} {
		simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
			id := run(t, sim, e, docker.Spec{Image: "sim/web"})
			broken := make(chan error)
			go func() {
				_, err := e.Wait(t.Context(), id)
				broken <- err
			}()
			synctest.Wait()
			sim.Restart(time.Minute, kill)
			is(t, "wait", <-broken, docker.ErrUnavailable)
			_, err := e.Inspect(t.Context(), id)
			is(t, "inspect", err, docker.ErrUnavailable)
			is(t, "ping", e.Ping(t.Context()), docker.ErrUnavailable)
			pass(time.Minute + time.Second)
			if st := state(t, e, id); st.Running == kill {
				t.Errorf("killed %v, runs %v", kill, st.Running)
			}
		})
	}
}

func TestALossOfPowerEndsEveryProcessAndNoRecord(t *testing.T) {
	var changes []engine.Change
	cfg := engine.Config{Change: func(c engine.Change) { changes = append(changes, c) }}
	simulated(t, cfg, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		id := run(t, sim, e, docker.Spec{Image: "sim/stubborn"})
		slow, err := e.Create(t.Context(), docker.Spec{Image: "sim/web", Labels: mine, Command: []string{"start=10s"}})
		if err != nil {
			sim.AddImage("sim/web")
			slow, err = e.Create(t.Context(), docker.Spec{Image: "sim/web", Labels: mine, Command: []string{"start=10s"}})
		}
		is(t, "create", err, nil)
		starting := make(chan error)
		go func() { starting <- e.Start(t.Context(), slow.ID) }()
		pass(time.Second)
		sim.Restart(time.Second, false)
		sim.Poweroff()
		is(t, "start", <-starting, docker.ErrUnavailable)
		pass(time.Hour)
		if sim.Up() || len(sim.Running(nil)) != 0 {
			t.Error("something lives without power")
		}
		sim.Poweron()
		if st := state(t, e, id); st.Status != "exited" || st.ExitCode != 255 {
			t.Errorf("%+v", st)
		}
		if st := state(t, e, slow.ID); st.Status != "created" {
			t.Errorf("%+v", st)
		}
		if n := len(changes); n != 4 || changes[n-1].Action != "die" {
			t.Errorf("%d changes", n)
		}
	})
}

func TestWhatHandsDoIsSeen(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		id := run(t, sim, e, docker.Spec{Image: "sim/job:run-20s_exit-4"})
		sim.PauseByHand(id)
		pass(time.Minute)
		if st := state(t, e, id); !st.Paused || !st.Running || st.Status != "paused" {
			t.Errorf("%+v", st)
		}
		sim.UnpauseByHand(id) // what was due while it was frozen happens now
		if st := state(t, e, id); st.Running || st.ExitCode != 4 {
			t.Errorf("%+v", st)
		}
		is(t, "start", e.Start(t.Context(), id), nil)
		sim.Die(id, 9)
		if st := state(t, e, id); st.Running || st.ExitCode != 9 {
			t.Errorf("%+v", st)
		}
		web := run(t, sim, e, docker.Spec{Image: "sim/stubborn"})
		sim.StopByHand(web)
		pass(11 * time.Second)
		if st := state(t, e, web); st.Running || st.ExitCode != 137 {
			t.Errorf("%+v", st)
		}
		if !sim.RemoveByHand(web) || sim.RemoveByHand(web) || sim.OOM(web) {
			t.Error("hands are not told what there is")
		}
		_, err := e.Inspect(t.Context(), web)
		is(t, "inspect", err, docker.ErrNotFound)
	})
}
