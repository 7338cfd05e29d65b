package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/sim/engine"
)

func TestWhatAnImageDoesIsInItsName(t *testing.T) {
	cases := []struct {
		image string
		after time.Duration
		state docker.State // what is compared
	}{
		{"sim/web", time.Hour, docker.State{Status: "running", Running: true}},
		{"sim/job", 29 * time.Second, docker.State{Status: "running", Running: true}},
		{"sim/job", 31 * time.Second, docker.State{Status: "exited"}},
		{"reg.example:5000/sim/job:run-5s_exit-3", 6 * time.Second, docker.State{Status: "exited", ExitCode: 3}},
		{"sim/crash", time.Millisecond, docker.State{Status: "exited", ExitCode: 1}},
		{"sim/oom", 11 * time.Second, docker.State{Status: "exited", ExitCode: 137, OOMKilled: true}},
		{"sim/web:v2", time.Minute, docker.State{Status: "running", Running: true}},
	}
	for _, c := range cases {
		t.Run(c.image, func(t *testing.T) {
			simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
				id := run(t, sim, e, docker.Spec{Name: "a", Image: c.image})
				pass(c.after)
				st := state(t, e, id)
				if st.Status != c.state.Status || st.Running != c.state.Running || st.ExitCode != c.state.ExitCode ||
					st.OOMKilled != c.state.OOMKilled || st.Labels[docker.LabelTask] != "t" {
					t.Errorf("got %+v", st)
				}
			})
		})
	}
}

func TestASlowStartAnswersWhenItRuns(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		began := time.Now()
		id := run(t, sim, e, docker.Spec{Name: "a", Image: "sim/slow"})
		if took := time.Since(began); took < 4*time.Second || !state(t, e, id).Running {
			t.Errorf("took %s", took)
		}
	})
}

func TestAStopWaitsForTheGraceAndThenKills(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		for image, want := range map[string]struct {
			code int
			took time.Duration
		}{
			"sim/web":                {0, 0},
			"sim/web:stop-3s_left-5": {5, 3 * time.Second},
			"sim/stubborn":           {137, 7 * time.Second},
		} {
			id := run(t, sim, e, docker.Spec{Image: image})
			began := time.Now()
			is(t, "stop", e.Stop(t.Context(), id, 7*time.Second), nil)
			st, took := state(t, e, id), time.Since(began)
			if st.Running || st.ExitCode != want.code || took != want.took {
				t.Errorf("%s: %d after %s", image, st.ExitCode, took)
			}
			is(t, "second stop", e.Stop(t.Context(), id, time.Second), nil)
			code, err := e.Wait(t.Context(), id)
			if err != nil || code != want.code {
				t.Errorf("%s: wait says %d, %v", image, code, err)
			}
		}
	})
}

func TestAPortOfTheHostHasOneHolder(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		ports := []docker.Port{{ContainerPort: 80, HostPort: 8080}, {ContainerPort: 81}}
		first := run(t, sim, e, docker.Spec{Name: "a", Image: "sim/web", Ports: ports})
		if p := state(t, e, first).Ports; len(p) != 2 || p[0].HostPort != 8080 || p[1].HostPort == 0 {
			t.Errorf("ports %v", p)
		}
		second, err := e.Create(t.Context(), docker.Spec{Name: "b", Image: "sim/web", Labels: mine, Ports: ports})
		is(t, "create", err, nil)
		is(t, "start", e.Start(t.Context(), second.ID), docker.ErrPortTaken)
		is(t, "remove", e.Remove(t.Context(), first), nil)
		is(t, "start again", e.Start(t.Context(), second.ID), nil)
	})
}

func TestACreateIsRefusedWithoutItsImageAndAdoptsItsOwn(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		spec := docker.Spec{Name: "a", Image: "sim/web", Labels: mine}
		_, err := e.Create(t.Context(), spec)
		is(t, "create", err, docker.ErrNotFound)
		is(t, "pull", e.Pull(t.Context(), "sim/web", docker.Auth{}), nil)
		img, err := e.ImageInspect(t.Context(), "sim/web:latest")
		if err != nil || !strings.HasPrefix(img.Digest, "sha256:") {
			t.Errorf("image %+v, %v", img, err)
		}
		one, err := e.Create(t.Context(), spec)
		is(t, "create", err, nil)
		two, err := e.Create(t.Context(), spec)
		if err != nil || two.ID != one.ID || !two.Adopted {
			t.Errorf("%+v, %v", two, err)
		}
		spec.Labels = map[string]string{docker.LabelInstallation: "other"}
		_, err = e.Create(t.Context(), spec)
		is(t, "foreign", err, docker.ErrConflict)
	})
}

func TestEventsTellEveryChangeInOrder(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		ctx, cancel := context.WithCancel(t.Context())
		var heard []string
		ended := make(chan error)
		go func() {
			ended <- e.Events(ctx, mine, func() {}, func(ev docker.Event) { heard = append(heard, ev.Action) })
		}()
		synctest.Wait()
		id := run(t, sim, e, docker.Spec{
			Name: "a", Image: "sim/healthy:after-2s", RawConfig: `{"Healthcheck":{"Test":["CMD","x"]}}`,
		})
		if h := state(t, e, id).Health; h != "starting" {
			t.Errorf("health %q", h)
		}
		pass(3 * time.Second)
		list, err := e.List(t.Context(), mine)
		if err != nil || len(list) != 1 || list[0].Health != "healthy" || list[0].Status != "running" {
			t.Errorf("%+v, %v", list, err)
		}
		sim.PauseByHand(id)
		is(t, "unpause", e.Unpause(t.Context(), id), nil)
		sim.OOM(id)
		is(t, "remove", e.Remove(t.Context(), id), nil)
		synctest.Wait()
		cancel()
		is(t, "events", <-ended, context.Canceled)
		want := []string{"create", "start", "health_status", "pause", "unpause", "oom", "die", "destroy"}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %v", heard)
		}
		truth := sim.Containers()
		if len(truth) != 1 || !truth[0].Removed || !truth[0].OOMKilled || truth[0].Starts != 1 {
			t.Errorf("truth %+v", truth)
		}
		if n := len(sim.History()); n != 7 {
			t.Errorf("%d changes", n)
		}
	})
}

func TestAPullTakesItsTimeAndFailsInItsWay(t *testing.T) {
	fails := map[string]error{
		"sim/none:latest": engine.ErrNoManifest, "sim/many:latest": engine.ErrTooMany,
		"sim/digest:latest": engine.ErrDigest, "sim/cut:latest": engine.ErrCut,
	}
	cfg := engine.Config{PullTime: func(image string) (time.Duration, error) { return 3 * time.Minute, fails[image] }}
	simulated(t, cfg, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		began := time.Now()
		is(t, "pull", e.Pull(t.Context(), "sim/web", docker.Auth{}), nil)
		if time.Since(began) != 3*time.Minute {
			t.Errorf("took %s", time.Since(began))
		}
		is(t, "none", e.Pull(t.Context(), "sim/none", docker.Auth{}), docker.ErrTimeout) // it says nothing for so long
		is(t, "cut", e.Pull(t.Context(), "sim/cut", docker.Auth{}), docker.ErrUnavailable)
		err := e.Pull(t.Context(), "sim/digest", docker.Auth{})
		if err == nil || !strings.Contains(err.Error(), "verification failed") {
			t.Errorf("digest: %v", err)
		}
		_, err = e.ImageInspect(t.Context(), "sim/digest")
		is(t, "inspect", err, docker.ErrNotFound)
	})
}

func TestStatsComeUntilTheContainerEnds(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		id := run(t, sim, e, docker.Spec{Image: "sim/job:run-65s", MemoryBytes: 64 << 20})
		var got []docker.Sample
		is(t, "stats", e.Stats(t.Context(), id, func(s docker.Sample) { got = append(got, s) }), nil)
		if len(got) != 4 || got[3].CPUTotal <= got[2].CPUTotal || got[0].MemoryBytes != 16<<20 || !got[0].HasNetwork {
			t.Errorf("%d samples: %+v", len(got), got)
		}
		_, err := e.Stat(t.Context(), id)
		is(t, "stat", err, docker.ErrNotFound)
	})
}

func TestVolumesLiveUntilTheyAreRemoved(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		is(t, "create", e.CreateVolume(t.Context(), docker.Volume{Name: "v", Labels: mine}), nil)
		id := run(t, sim, e, docker.Spec{Image: "sim/web", Binds: []string{"v:/data", "w:/more:ro", "/etc:/etc:ro"}})
		if m := state(t, e, id).Volumes; len(m) != 3 || m[0].Name != "v" || m[2].Source != "/etc" {
			t.Errorf("mounts %+v", m)
		}
		is(t, "remove in use", e.RemoveVolume(t.Context(), "v"), docker.ErrConflict)
		is(t, "remove container", e.Remove(t.Context(), id), nil)
		names, err := e.ListVolumes(t.Context(), mine)
		if err != nil || !slices.Equal(names, []string{"v"}) {
			t.Errorf("%v, %v", names, err)
		}
		is(t, "remove", e.RemoveVolume(t.Context(), "v"), nil)
		is(t, "remove again", e.RemoveVolume(t.Context(), "v"), nil)
		has, err := e.HasVolume(t.Context(), "w")
		if err != nil || !has || len(sim.Volumes()) != 1 {
			t.Errorf("%v %v", has, err)
		}
	})
}

func TestANamespaceIsSharedWithALivingOwner(t *testing.T) {
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		pause, err := e.CreatePause(t.Context(), docker.PauseSpec{Name: "p", Labels: mine})
		if err != nil || pause.Pid == 0 {
			t.Fatalf("%+v, %v", pause, err)
		}
		id := run(t, sim, e, docker.Spec{Image: "sim/web", NetworkMode: "container:" + pause.ID})
		if n := state(t, e, id).Networks; len(n) != 0 {
			t.Errorf("networks %v", n)
		}
		is(t, "stop", e.Stop(t.Context(), id, 0), nil)
		is(t, "kill", e.Kill(t.Context(), pause.ID, ""), nil)
		is(t, "start", e.Start(t.Context(), id), docker.ErrConflict)
		bridged := run(t, sim, e, docker.Spec{Image: "sim/web"})
		if n := state(t, e, bridged).Networks["bridge"]; n.IPv4 != "172.17.0.2" {
			t.Errorf("address %+v", n)
		}
	})
}
