package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"longshore/internal/state"
)

// shape is a kind of instances and the tasks that are placed on them.
type shape struct {
	name     string
	packs    bool // the instances that are used are counted
	instance func(i int) *state.Instance
	task     func(n, nodes int) *state.Task
}

func placedCluster() state.ClusterKey {
	return state.NewClusterKey(state.Scope{Account: "123456789012", Region: "us-east-1"}, "placement")
}

func placedDefinition() *state.TaskDefinition {
	return &state.TaskDefinition{Key: state.NewFamilyKey(placedCluster().Scope(), "web").Revision(1)}
}

// taskKey has an id of 32 hexadecimal digits that says nothing of its number, as real ones.
func taskKey(n int) state.TaskKey {
	return state.NewTaskKey(placedCluster(), fmt.Sprintf("%016x%016x", scatter(2*n), scatter(2*n+1)))
}

// scatter is a fixed random number (splitmix64).
func scatter(n int) uint64 {
	x := (uint64(n) + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// plainInstance is one of three zones and ten racks with room for its part of a million tasks, and then some.
func plainInstance(i int) *state.Instance {
	return &state.Instance{Key: state.NewInstanceKey(placedCluster(), fmt.Sprintf("%032x", i)), Kind: state.KindEC2,
		Status: state.StatusActive, Connected: true, AgentVersion: "1.0.0", CPU: 8 * tasksANode * 10, Memory: 8 * tasksANode * 20,
		Attributes: []state.Attribute{{Name: "ecs.availability-zone", Value: "us-east-1" + string("abc"[i%3])},
			{Name: "ecs.instance-type", Value: "m7.large"}, {Name: "rack", Value: strconv.Itoa(i % 10)}}}
}

// plainTask is one of a service as control/rollout leaves it.
func plainTask(n int, service string) *state.Task {
	key := state.NewServiceKey(placedCluster(), service)
	deployment := state.NewDeploymentKey(key, "ecs-svc/0000000000000000001")
	return &state.Task{Key: taskKey(n), Service: key, Deployment: deployment, TaskDefinition: placedDefinition().Key,
		CreatedAt: time.Unix(1_790_000_000, int64(n)*1000), Version: 1, LaunchType: state.LaunchEC2,
		Group: "service:" + service, StartedBy: deployment.ID(), Need: state.Need{CPU: 10, Memory: 20},
		Desired: state.Running, Last: state.Provisioning, Health: state.HealthUnknown,
		Containers: []state.TaskContainer{{ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(scatter(n)), n), Name: "web",
			Image: "registry.example/web:1", Last: state.Pending, Health: state.HealthUnknown, CPU: 10, Memory: 20}}}
}

// zonesShape is the default: services spread over the zones. One task in twenty has a memberOf constraint,
// one in twenty is of a service that wants every task on another instance.
func zonesShape() shape {
	return shape{name: "spread by zone", instance: plainInstance, task: func(n, nodes int) *state.Task {
		switch n % 20 {
		case 3:
			t := plainTask(n, fmt.Sprint("racks-", n/20%10))
			t.Constraints = []state.PlacementConstraint{{Type: "memberOf", Expression: "attribute:rack in [1,2,3]"}}
			return t
		case 13:
			t := plainTask(n, fmt.Sprint("apart-", n/20/(nodes/2))) // each on half of the instances
			t.Constraints = []state.PlacementConstraint{{Type: "distinctInstance"}}
			return t
		}
		return plainTask(n, fmt.Sprint("service-", n/10%100))
	}}
}

func strategyShape(name string, strategy ...state.PlacementStrategy) shape {
	return shape{name: name, instance: plainInstance, task: func(n, _ int) *state.Task {
		t := plainTask(n, fmt.Sprint("service-", n%20))
		t.Strategy = strategy
		return t
	}}
}

// binpackShape has tasks of many sizes on instances that twenty or so of them fill.
func binpackShape() shape {
	s := strategyShape("binpack by memory", state.PlacementStrategy{Type: "binpack", Field: "memory"})
	s.packs = true
	s.instance = func(i int) *state.Instance {
		x := plainInstance(i)
		x.CPU, x.Memory = 1<<20, 16<<10
		return x
	}
	plain := s.task
	s.task = func(n, nodes int) *state.Task {
		t := plain(n, nodes)
		t.Need.Memory = 32 + int(scatter(n)%1200)
		return t
	}
	return s
}

func hostShape() shape {
	return strategyShape("spread by instance", state.PlacementStrategy{Type: "spread", Field: "instanceId"})
}

// daemonShape is twenty DAEMON services: one task of each on every instance, as control/rollout asks for it.
func daemonShape() shape {
	return shape{name: "DAEMON", instance: plainInstance, task: func(n, nodes int) *state.Task {
		t := plainTask(n, fmt.Sprint("daemon-", n/nodes))
		t.Constraints = []state.PlacementConstraint{{Type: "distinctInstance"}}
		return t
	}}
}

// portsShape has twenty services that each want a host port of their own.
func portsShape() shape {
	s := strategyShape("fixed host ports")
	plain := s.task
	s.task = func(n, nodes int) *state.Task {
		t := plain(n, nodes)
		t.Need.TCP = []int{8000 + n%20}
		return t
	}
	return s
}

// gpusShape has tasks that want one or two of each instance's GPUs, and none that stays free in the end.
func gpusShape() shape {
	s := strategyShape("GPUs")
	s.instance = func(i int) *state.Instance {
		x := plainInstance(i)
		for n := range 32 {
			x.GPUs = append(x.GPUs, fmt.Sprint("gpu-", n))
		}
		return x
	}
	plain := s.task
	s.task = func(n, nodes int) *state.Task {
		t := plain(n, nodes)
		t.Need.GPUs = 1 + n%2
		return t
	}
	return s
}

// placedSums is what the tasks of one instance take.
type placedSums struct {
	cpu, memory, gpus int
	ports             map[int]bool
	groups            map[string]bool
}

// verify holds the outcome against the rules: nothing overcommitted, no port given twice, no two tasks of a
// service that wants them apart on one instance, memberOf kept.
func (w *placing) verify() error {
	v := w.st.View()
	on := map[state.InstanceKey]*placedSums{}
	for t := range v.Tasks().OfCluster(placedCluster()) {
		i, ok := v.Instances().Get(t.Instance)
		if !ok || t.Last != state.Pending || t.Zone != i.Zone() {
			return fmt.Errorf("task %s is %s on %q in %q", t.Key.ID(), t.Last, t.Instance, t.Zone)
		}
		s := on[t.Instance]
		if s == nil {
			s = &placedSums{ports: map[int]bool{}, groups: map[string]bool{}}
			on[t.Instance] = s
		}
		s.cpu, s.memory, s.gpus = s.cpu+t.Need.CPU, s.memory+t.Need.Memory, s.gpus+t.Need.GPUs
		for _, p := range t.Need.TCP {
			if s.ports[p] {
				return fmt.Errorf("port %d of %s is given twice", p, t.Instance)
			}
			s.ports[p] = true
		}
		err := s.constraints(t, i)
		if err != nil {
			return err
		}
		if s.cpu > i.CPU || s.memory > i.Memory || s.gpus > len(i.GPUs) {
			return fmt.Errorf("%s is overcommitted: %+v", t.Instance, *s)
		}
	}
	return nil
}

func (s *placedSums) constraints(t *state.Task, i *state.Instance) error {
	for _, c := range t.Constraints {
		switch {
		case c.Type == "memberOf" && !slices.Contains([]string{"1", "2", "3"}, i.Attribute("rack")):
			return fmt.Errorf("%s of %s is on rack %s", t.Key.ID(), t.Group, i.Attribute("rack"))
		case c.Type == "distinctInstance" && s.groups[t.Group]:
			return fmt.Errorf("two tasks of %s are on %s", t.Group, t.Instance)
		case c.Type == "distinctInstance":
			s.groups[t.Group] = true
		}
	}
	return nil
}

// skew is the largest difference between the zones of a service that is spread over them.
func (w *placing) skew() int {
	counts := map[string]map[string]int{}
	for t := range w.st.View().Tasks().OfCluster(placedCluster()) {
		if counts[t.Group] == nil {
			counts[t.Group] = map[string]int{}
		}
		counts[t.Group][t.Zone]++
	}
	most := 0
	for _, zones := range counts {
		a, b, c := zones["us-east-1a"], zones["us-east-1b"], zones["us-east-1c"]
		most = max(most, max(a, b, c)-min(a, b, c))
	}
	return most
}

// used counts the instances with a task.
func (w *placing) used() int {
	n := 0
	v := w.st.View()
	for i := range v.Instances().OfCluster(placedCluster()) {
		for range v.Tasks().OfInstance(i.Key) {
			n++
			break
		}
	}
	return n
}
