//go:build docker

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
	"longshore/internal/sim/engine"
)

// images tells the script what does the same on either engine.
type images struct{ web, exit3, stubborn func(*docker.Spec) }

func with(image string, command ...string) func(*docker.Spec) {
	return func(s *docker.Spec) { s.Image, s.Command = image, command }
}

// TestTheSimulatedEngineReportsWhatARealOneReports runs one script against both and compares every line of what
// node/docker makes of the answers.
func TestTheSimulatedEngineReportsWhatARealOneReports(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	probe := dockertest.Image
	really := script(t, e, own, images{
		web: with(probe, "term", "0"), exit3: with(probe, "exit", "3"), stubborn: with(probe, "ignore-term"),
	})
	var simulatedly []string
	simulated(t, engine.Config{}, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		sim.AddImage(probe)
		for _, image := range []string{"sim/web", "sim/crash:exit-3", "sim/stubborn"} {
			sim.AddImage(image)
		}
		simulatedly = script(t, e, own, images{
			web: with("sim/web"), exit3: with("sim/crash:exit-3"), stubborn: with("sim/stubborn"),
		})
	})
	for i := range max(len(really), len(simulatedly)) {
		a, b := "nothing", "nothing"
		if i < len(really) {
			a = really[i]
		}
		if i < len(simulatedly) {
			b = simulatedly[i]
		}
		if a != b {
			t.Errorf("really      %s\n            simulatedly %s", a, b)
		}
	}
}

// player writes down what an engine reports.
type player struct {
	t     *testing.T
	e     *docker.Engine
	own   string
	lines []string
}

func (p *player) note(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// kind is the sentinel of an error.
func kind(err error) string {
	if err == nil {
		return "ok"
	}
	for _, k := range []error{docker.ErrNotFound, docker.ErrConflict, docker.ErrPortTaken, docker.ErrUnavailable,
		docker.ErrTimeout, docker.ErrInvalid} {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	return "some error"
}

func (p *player) do(what string, err error) { p.note("%s: %s", what, kind(err)) }

func (p *player) look(id string) {
	st, err := p.e.Inspect(p.t.Context(), id)
	networks := []string{}
	for name, n := range st.Networks {
		networks = append(networks, fmt.Sprintf("%s address=%v gateway=%v mac=%v", name, n.IPv4 != "", n.Gateway != "",
			n.MACAddress != ""))
	}
	slices.Sort(networks)
	p.note("inspect: %s status=%s running=%v paused=%v pid=%v code=%d oom=%v error=%v started=%v finished=%v health=%q "+
		"networks=%v ports=%d log=%s name=%s label=%s mounts=%d", kind(err), st.Status, st.Running, st.Paused, st.Pid > 0,
		st.ExitCode, st.OOMKilled, st.Error != "", !st.StartedAt.IsZero(), !st.FinishedAt.IsZero(), st.Health, networks,
		len(portsOf(st)), st.LogDriver, strings.TrimPrefix(st.Name, p.own), st.Labels[docker.LabelContainer], len(st.Volumes))
}

// portsOf leaves out the second family of addresses, which a real engine binds where the host has it.
func portsOf(st docker.State) []docker.Port {
	return slices.DeleteFunc(st.Ports, func(q docker.Port) bool { return q.HostIP != "0.0.0.0" && q.HostIP != "" })
}

func (p *player) labels(name string) map[string]string {
	return map[string]string{
		docker.LabelInstallation: p.own, docker.LabelInstance: "i", docker.LabelTask: "t", docker.LabelContainer: name,
	}
}

func (p *player) create(name string, as func(*docker.Spec), s docker.Spec) string {
	s.Name, s.Labels = p.own+name, p.labels(name)
	as(&s)
	made, err := p.e.Create(p.t.Context(), s)
	p.do("create "+name, err)
	p.note("adopted %v", made.Adopted)
	return made.ID
}

func script(t *testing.T, e *docker.Engine, own string, as images) []string {
	p := &player{t: t, e: e, own: own}
	heard, stop := p.listen()
	p.life(as)
	p.misuse(as)
	p.sharing(as)
	p.volumes(as)
	p.images()
	stop()
	p.note("events %v", *heard)
	return p.lines
}

// listen writes down the events of the first container.
func (p *player) listen() (*[]string, func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	ready, done := make(chan struct{}), make(chan struct{})
	var heard []string
	go func() {
		defer close(done)
		_ = p.e.Events(ctx, p.labels("life"), func() { close(ready) }, func(ev docker.Event) {
			heard = append(heard, ev.Action)
			if ev.Action == "destroy" {
				cancel()
			}
		})
	}()
	<-ready
	return &heard, func() { <-done }
}

func (p *player) life(as images) {
	ctx := p.t.Context()
	id := p.create("life", as.web, docker.Spec{Ports: []docker.Port{{ContainerPort: 80}}})
	p.look(id)
	code, err := p.e.Wait(ctx, id)
	p.note("wait of a created one: %s %d", kind(err), code)
	p.do("start", p.e.Start(ctx, id))
	p.do("start again", p.e.Start(ctx, id))
	waitUntilItListens(p.t, p.e, id)
	p.look(id)
	p.create("life", as.web, docker.Spec{})
	list, err := p.e.List(ctx, p.labels("life"))
	p.note("list: %s %d", kind(err), len(list))
	for _, s := range list {
		p.note("row: %s %q %s", s.Status, s.Health, strings.TrimPrefix(s.Name, p.own))
	}
	p.do("stop", p.e.Stop(ctx, id, 5*time.Second))
	p.look(id)
	p.do("stop again", p.e.Stop(ctx, id, time.Second))
	p.do("kill of a stopped one", p.e.Kill(ctx, id, ""))
	p.do("unpause of a stopped one", p.e.Unpause(ctx, id))
	p.do("start after stop", p.e.Start(ctx, id))
	p.do("kill", p.e.Kill(ctx, id, ""))
	code, err = p.e.Wait(ctx, id)
	p.note("wait: %s %d", kind(err), code)
	p.look(id)
	p.do("remove", p.e.Remove(ctx, id))
	p.do("remove again", p.e.Remove(ctx, id))
	p.look(id)
	p.do("start of none", p.e.Start(ctx, id))
	p.do("stop of none", p.e.Stop(ctx, id, time.Second))
	p.do("kill of none", p.e.Kill(ctx, id, ""))
	_, err = p.e.Wait(ctx, id)
	p.do("wait of none", err)
}

// waitUntilItListens returns once the program of a real container has set its signal handler; a simulated one says
// nothing and is ready at once.
func waitUntilItListens(t *testing.T, e *docker.Engine, id string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	r, err := e.Logs(ctx, id, time.Time{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _ = r.Read(make([]byte, 64)) // silence until the deadline is an answer too
}

func (p *player) misuse(as images) {
	ctx := p.t.Context()
	id := p.create("exit", as.exit3, docker.Spec{})
	p.do("start", p.e.Start(ctx, id))
	code, err := p.e.Wait(ctx, id)
	p.note("wait: %s %d", kind(err), code)
	p.look(id)
	id = p.create("stubborn", as.stubborn, docker.Spec{})
	p.do("start", p.e.Start(ctx, id))
	waitUntilItListens(p.t, p.e, id)
	p.do("stop", p.e.Stop(ctx, id, time.Second))
	p.look(id)
	id = p.create("holder", as.web, docker.Spec{Ports: []docker.Port{{ContainerPort: 80, HostPort: 47391}}})
	p.do("start", p.e.Start(ctx, id))
	other := p.create("other", as.web, docker.Spec{Ports: []docker.Port{{ContainerPort: 80, HostPort: 47391}}})
	p.do("start on a taken port", p.e.Start(ctx, other))
	p.look(other)
	p.do("remove the holder", p.e.Remove(ctx, id))
	p.do("start on the free port", p.e.Start(ctx, other))
	p.look(other)
	p.do("remove", p.e.Remove(ctx, other))
	_, err = p.e.Create(ctx, docker.Spec{Name: p.own + "none", Image: "longshore-test/none:1", Labels: p.labels("none")})
	p.do("create without image", err)
	_, err = p.e.Create(ctx, docker.Spec{Name: p.own + "exit", Image: dockertest.Image})
	p.do("create with a name that is taken", err)
}

func (p *player) sharing(as images) {
	ctx := p.t.Context()
	owner := p.create("owner", as.stubborn, docker.Spec{})
	guest := p.create("guest", as.stubborn, docker.Spec{NetworkMode: "container:" + owner})
	p.do("start the guest first", p.e.Start(ctx, guest))
	p.look(guest)
	p.do("start the owner", p.e.Start(ctx, owner))
	p.do("start the guest", p.e.Start(ctx, guest))
	p.look(guest)
	p.do("kill the owner", p.e.Kill(ctx, owner, ""))
	p.look(guest)
	p.do("remove the guest", p.e.Remove(ctx, guest))
	p.do("remove the owner", p.e.Remove(ctx, owner))
	alone := p.create("alone", as.stubborn, docker.Spec{NetworkMode: "none", Log: &docker.LogConfig{Driver: "none"}})
	p.do("start", p.e.Start(ctx, alone))
	p.look(alone)
	p.do("remove", p.e.Remove(ctx, alone))
}

func (p *player) volumes(as images) {
	ctx := p.t.Context()
	v := docker.Volume{Name: p.own + "-v", Labels: p.labels("v")}
	p.do("create volume", p.e.CreateVolume(ctx, v))
	p.do("create volume again", p.e.CreateVolume(ctx, v))
	user := p.create("user", as.exit3, docker.Spec{Binds: []string{v.Name + ":/data"}})
	p.look(user)
	p.do("remove volume in use", p.e.RemoveVolume(ctx, v.Name))
	p.do("remove", p.e.Remove(ctx, user))
	names, err := p.e.ListVolumes(ctx, p.labels("v"))
	p.note("list volumes: %s %d", kind(err), len(names))
	p.do("remove volume", p.e.RemoveVolume(ctx, v.Name))
	p.do("remove volume again", p.e.RemoveVolume(ctx, v.Name))
	has, err := p.e.HasVolume(ctx, v.Name)
	p.note("has volume: %s %v", kind(err), has)
}

func (p *player) images() {
	ctx := p.t.Context()
	_, err := p.e.ImageInspect(ctx, dockertest.Image)
	p.do("inspect image", err)
	_, err = p.e.ImageInspect(ctx, "longshore-test/none:1")
	p.do("inspect no image", err)
	p.do("remove no image", p.e.RemoveImage(ctx, "longshore-test/none:1"))
	info, err := p.e.Info(ctx)
	p.note("info: %s api=%v cpus=%v", kind(err), info.APIVersion != "", info.NCPU > 0)
}
