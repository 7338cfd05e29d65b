//go:build e2e

package params

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func dialEngine(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", "/var/run/docker.sock")
}

// task as DescribeTasks shows it.
type task struct {
	TaskARN       string `json:"taskArn"`
	LastStatus    string
	StopCode      string
	StoppedReason string
	HealthStatus  string
	CPU, Memory   string
	Attributes    []struct{ Name, Value string }
	Attachments   []struct {
		Details []struct{ Name, Value string }
	}
	Containers []struct {
		Name, RuntimeID, ImageDigest, Reason, LastStatus, HealthStatus string
		CPU, Memory, MemoryReservation                                 string
		ExitCode                                                       *int
		NetworkBindings                                                []binding
		NetworkInterfaces                                              []struct{ PrivateIPv4Address string }
	}
}

type binding struct {
	BindIP, Protocol, ContainerPortRange, HostPortRange string
	ContainerPort, HostPort                             int
}

func (k task) id() string { return k.TaskARN[strings.LastIndexByte(k.TaskARN, '/')+1:] }

func (k task) address() string {
	for _, a := range k.Attachments {
		for _, d := range a.Details {
			if d.Name == "privateIPv4Address" {
				return d.Value
			}
		}
	}
	return ""
}

// run registers a definition and runs one task of it. IMAGE in the definition stands for the test's image, and the
// family is the test's name. more goes into RunTask's input.
func (r *rig) run(t *testing.T, definition, more string) task {
	t.Helper()
	family := strings.Map(func(c rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", c) {
			return c
		}
		return '-'
	}, t.Name()[strings.LastIndexByte(t.Name(), '/')+1:])
	definition = strings.ReplaceAll(definition, "IMAGE", r.image)
	r.ecs(t, "RegisterTaskDefinition", `{"family":"`+family+`",`+definition+`}`, nil)
	var out struct {
		Tasks    []task
		Failures []struct{ Reason string }
	}
	if more != "" {
		more = "," + strings.NewReplacer("SUBNET", r.subnet, "GROUP", r.group).Replace(more)
	}
	r.ecs(t, "RunTask", `{"cluster":"params","taskDefinition":"`+family+`"`+more+`}`, &out)
	if len(out.Tasks) != 1 {
		t.Fatalf("no task: %+v", out.Failures)
	}
	t.Cleanup(func() {
		if t.Failed() {
			k, _ := json.Marshal(r.describe(t, out.Tasks[0]))
			t.Logf("the task at the end: %s", k)
		}
	})
	return out.Tasks[0]
}

func (r *rig) describe(t *testing.T, k task) task {
	t.Helper()
	var out struct{ Tasks []task }
	r.ecs(t, "DescribeTasks", `{"cluster":"params","tasks":["`+k.TaskARN+`"]}`, &out)
	if len(out.Tasks) != 1 {
		t.Fatalf("task %s is not there", k.TaskARN)
	}
	return out.Tasks[0]
}

// until waits for a status of the task.
func (r *rig) until(t *testing.T, k task, status string) task {
	t.Helper()
	return r.when(t, k, status, func(k task) bool {
		return k.LastStatus == status || k.LastStatus == "STOPPED"
	}, func(k task) bool { return k.LastStatus == status })
}

// when waits until the task is as asked, and fails when it is final in another way.
func (r *rig) when(t *testing.T, k task, what string, final, good func(task) bool) task {
	t.Helper()
	var last task
	poll(t, 40*time.Second, what, func() error {
		last = r.describe(t, k)
		if final(last) {
			return nil
		}
		return fmt.Errorf("it is %s", last.LastStatus)
	})
	if !good(last) {
		t.Fatalf("the task is %s and not %s: %s %+v", last.LastStatus, what, last.StoppedReason, last.Containers)
	}
	return last
}

func poll(t *testing.T, within time.Duration, what string, check func() error) {
	t.Helper()
	tick, late := time.NewTicker(100*time.Millisecond), time.After(within)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
	}
}

// container finds what the engine has for a container of a task.
func (k task) container(t *testing.T, name string) string {
	t.Helper()
	var found []struct{ ID string }
	engine(t, "GET", `/containers/json?all=1&filters={"label":["longshore.task=`+k.TaskARN+
		`","longshore.container=`+name+`"]}`, nil, &found)
	if len(found) != 1 {
		t.Fatalf("container %s: the engine has %d", name, len(found))
	}
	return found[0].ID
}

// inspect answers the engine's truth as a tree; at looks things up in it.
func (k task) inspect(t *testing.T, name string) map[string]any {
	t.Helper()
	var out map[string]any
	engine(t, "GET", "/containers/"+k.container(t, name)+"/json", nil, &out)
	return out
}

func at(tree any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := tree.(map[string]any)
		tree = m[key]
	}
	return tree
}

// hold compares a place of an inspection with its value in JSON.
func hold(t *testing.T, tree map[string]any, path, want string) {
	t.Helper()
	got, _ := json.Marshal(at(tree, path))
	var a, b any
	_ = json.Unmarshal(got, &a)
	err := json.Unmarshal([]byte(want), &b)
	if err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%s is %s, not %s", path, got, want)
	}
}

// sight is what look reports.
type sight struct {
	Args, Env       []string
	UID, GID        int
	Dir, Host       string
	Files, Answers  map[string]string
	Terminal, Stdin bool
}

func (s sight) get(name string) string {
	i := slices.IndexFunc(s.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	if i < 0 {
		return "(unset)"
	}
	return s.Env[i][len(name)+1:]
}

// see waits for the report of a container.
func (k task) see(t *testing.T, name string) sight {
	t.Helper()
	var s sight
	id := k.container(t, name)
	poll(t, 20*time.Second, "the report of "+name, func() error {
		raw, err := tryEngine(t.Context(), "GET", "/containers/"+id+"/logs?stdout=1", nil)
		if err != nil {
			return err
		}
		raw = frames(raw)
		begin := slices.Index(raw, '{')
		if begin < 0 {
			return fmt.Errorf("it said %q", raw)
		}
		return json.Unmarshal(raw[begin:], &s)
	})
	return s
}

// frames joins what the engine frames; a terminal's output has no frames.
func frames(raw []byte) []byte {
	var out []byte
	for len(raw) >= 8 && raw[0] <= 2 && raw[1] == 0 {
		n := min(int(binary.BigEndian.Uint32(raw[4:])), len(raw)-8)
		out, raw = append(out, raw[8:8+n]...), raw[8+n:]
	}
	return append(out, raw...)
}

// same compares what a process sees.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// contains looks for a part of what a process sees.
func contains(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s has no %q: %s", what, p, got)
		}
	}
}
