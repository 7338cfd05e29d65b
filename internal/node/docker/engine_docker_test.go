//go:build docker

package docker_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
)

func labels(installation, name string) map[string]string {
	return map[string]string{
		docker.LabelInstallation: installation, docker.LabelInstance: "i", docker.LabelTask: "t",
		docker.LabelContainer: name,
	}
}

func TestACreateThatIsRepeatedAdoptsTheFirstContainer(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	spec := docker.Spec{Name: own + "-a", Image: dockertest.Image, Labels: labels(own, "a"), Command: []string{"exit", "3"}}
	ctx := t.Context()
	one, err := e.Create(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	two, err := e.Create(ctx, spec)
	if err != nil || two.ID != one.ID || !two.Adopted {
		t.Fatalf("got %+v %v", two, err)
	}
	spec.Labels = labels("someone-else", "a")
	_, err = e.Create(ctx, spec)
	if !errors.Is(err, docker.ErrConflict) {
		t.Fatalf("a foreign container was taken over: %v", err)
	}
}

func TestAnExitIsHeardAndItsCodeIsTheEngines(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ready, died := make(chan struct{}), make(chan docker.Event, 1)
	go func() {
		_ = e.Events(ctx, map[string]string{docker.LabelInstallation: own}, func() { close(ready) }, func(ev docker.Event) {
			if ev.Action == "die" {
				died <- ev
			}
		})
	}()
	<-ready
	made, err := e.Create(ctx, docker.Spec{
		Name: own, Image: dockertest.Image, Labels: labels(own, "a"), Command: []string{"exit", "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Start(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case ev := <-died:
		if ev.ID != made.ID || ev.Labels[docker.LabelContainer] != "a" {
			t.Fatalf("got %+v", ev)
		}
	case <-ctx.Done():
		t.Fatal("no die event")
	}
	st, err := e.Inspect(ctx, made.ID)
	if err != nil || st.Running || st.ExitCode != 7 || st.StartedAt.IsZero() || st.FinishedAt.IsZero() {
		t.Fatalf("%+v %v", st, err)
	}
}

func TestStopSendsTheSignalThenKills(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	cases := []struct {
		name    string
		command []string
		code    int
	}{
		{"polite", []string{"term", "5"}, 5},
		{"stubborn", []string{"ignore-term"}, 137},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			made, err := e.Create(t.Context(), docker.Spec{
				Name: own + c.name, Image: dockertest.Image, Labels: labels(own, c.name), Command: c.command,
			})
			if err != nil {
				t.Fatal(err)
			}
			err = e.Start(t.Context(), made.ID)
			if err != nil {
				t.Fatal(err)
			}
			waitForOutput(t, e, made.ID)
			err = e.Stop(t.Context(), made.ID, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			st, err := e.Inspect(t.Context(), made.ID)
			if err != nil || st.Running || st.ExitCode != c.code {
				t.Fatalf("%+v %v", st, err)
			}
		})
	}
}

// waitForOutput returns once the container wrote something, i.e. once its signal handler is installed.
func waitForOutput(t *testing.T, e *docker.Engine, id string) {
	t.Helper()
	r, err := e.Logs(t.Context(), id, time.Time{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Read(make([]byte, 64))
	if err != nil {
		t.Fatal(err)
	}
}

func TestATakenHostPortHasItsOwnError(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	made, err := e.Create(t.Context(), docker.Spec{
		Name: own, Image: dockertest.Image, Labels: labels(own, "a"),
		Ports: []docker.Port{{ContainerPort: 80, HostPort: l.Addr().(*net.TCPAddr).Port}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Start(t.Context(), made.ID)
	if !errors.Is(err, docker.ErrPortTaken) {
		t.Fatalf("got %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	_, err := e.Create(t.Context(), docker.Spec{Name: own, Image: "no-such-image:1", Labels: labels(own, "a")})
	if !errors.Is(err, docker.ErrNotFound) {
		t.Fatalf("missing image: %v", err)
	}
	_, err = e.Create(t.Context(), docker.Spec{Name: own, Image: dockertest.Image, Labels: labels(own, "a"), RawHostConfig: "{"})
	if !errors.Is(err, docker.ErrInvalid) {
		t.Fatalf("bad dockerConfig: %v", err)
	}
	_, err = e.Inspect(t.Context(), own+"-none")
	if !errors.Is(err, docker.ErrNotFound) {
		t.Fatalf("missing container: %v", err)
	}
}

func TestAPauseContainerHoldsANamespaceOthersJoin(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	p, err := e.CreatePause(t.Context(), docker.PauseSpec{Name: own + "-pause", Labels: labels(own, "pause")})
	if err != nil || p.Pid == 0 {
		t.Fatalf("%+v %v", p, err)
	}
	made, err := e.Create(t.Context(), docker.Spec{
		Name: own + "-a", Image: dockertest.Image, Labels: labels(own, "a"), NetworkMode: "container:" + p.ID,
		RawHostConfig: `{"NetworkMode":"none","Dns":["10.0.0.2"]}`, Command: []string{"exit", "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Start(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = e.RemovePause(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatsAreReadOnceASecond(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	made, err := e.Create(t.Context(), docker.Spec{Name: own, Image: dockertest.Image, Labels: labels(own, "a")})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Start(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen := 0
	_ = e.Stats(ctx, made.ID, func(s docker.Sample) {
		seen++
		if s.SystemTotal == 0 || s.At.IsZero() {
			t.Errorf("empty sample %+v", s)
		}
		if seen == 2 {
			cancel()
		}
	})
	if seen != 2 {
		t.Fatalf("saw %d samples", seen)
	}
	one, err := e.Stat(t.Context(), made.ID)
	if err != nil || one.MemoryBytes == 0 || len(one.Raw) == 0 {
		t.Fatalf("%+v %v", one, err)
	}
}
