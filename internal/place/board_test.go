package place

import (
	"context"
	"testing"

	"longshore/internal/state"
)

func TestRefusalsNameTheReasonAndTheClosestInstance(t *testing.T) {
	type change func(*state.Instance)
	none := func(*state.Instance) {}
	cases := []struct {
		name   string
		change change
		need   state.Need
		def    *state.TaskDefinition
		code   string
	}{
		{"cpu", none, state.Need{CPU: 1025}, nil, CodeCPU},
		{"memory", none, state.Need{Memory: 2049}, nil, CodeMemory},
		{"reserved port", none, state.Need{TCP: []int{22}}, nil, CodePorts},
		{"gpu", none, state.Need{GPUs: 2}, nil, CodeGPU},
		{"agent", func(i *state.Instance) { i.Connected = false }, state.Need{}, nil, CodeAgent},
		{"draining", func(i *state.Instance) { i.Status = state.StatusDraining }, state.Need{}, nil, CodeInactive},
		{"deregistered", func(i *state.Instance) { i.Status = state.StatusInactive }, state.Need{}, nil, CodeNone},
		{"kind", func(i *state.Instance) { i.Kind = state.KindExternal }, state.Need{}, nil, CodeNone},
		{"attribute", none, state.Need{}, &state.TaskDefinition{
			RequiresAttributes: []state.Attribute{{Name: "ecs.capability.task-eni"}}}, CodeAttribute},
		{"architecture", none, state.Need{}, &state.TaskDefinition{
			RuntimePlatform: &state.RuntimePlatform{CPUArchitecture: "ARM64"}}, CodeAttribute},
		{"memberOf", none, state.Need{}, &state.TaskDefinition{PlacementConstraints: []state.PlacementConstraint{
			{Type: "memberOf", Expression: "attribute:rack == r2"}}}, CodeMemberOf},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			i := w.add("i1", 1024, 2048, state.Attribute{Name: "rack", Value: "r1"},
				state.Attribute{Name: "ecs.cpu-architecture", Value: "x86_64"},
				state.Attribute{Name: "com.amazonaws.ecs.capability.privileged-container"})
			i.ReservedTCP, i.GPUs = []int{22}, []string{"g0"}
			c.change(i)
			task := w.task("family:f", 0, 0)
			task.Need = c.need
			s := w.begin(NewBoard(firstOf))
			defer s.End()
			why := s.Choose(Request{Task: task, Definition: c.def})
			if len(why) == 0 || why[0].Code != c.code {
				t.Fatalf("got %v, want %s", why, c.code)
			}
			if task.Instance != "" {
				t.Error("a refused task was changed")
			}
		})
	}
}

func TestExplainWritesWhatDeployToolsLookFor(t *testing.T) {
	k := state.NewInstanceKey(testCluster, "abc")
	got := Explain([]Refusal{{CodeMemory, k}})
	want := "no container instance met all of its requirements. The closest matching (container-instance abc) has " +
		"insufficient memory available. For more information, see the Troubleshooting section of the Amazon ECS " +
		"Developer Guide."
	if got != want {
		t.Errorf("got %q", got)
	}
	got = Explain([]Refusal{{Code: CodeNone}})
	want = "no container instance met all of its requirements. Reason: No Container Instances were found in your " +
		"cluster. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestATaskOnItsWayOutHoldsItsPortUntilItIsGone(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	w.add("i1", 1024, 2048)
	first := w.task("family:f", 0, 0)
	first.Need.TCP = []int{80}
	if why := w.run(b, first); why != nil {
		t.Fatal(why)
	}
	second := w.task("family:f", 0, 0)
	second.Need.TCP = []int{80}
	leaving := first.Clone()
	leaving.Desired = state.Stopped
	leaving.Version++
	w.keep(leaving)
	b.Note(first, leaving)
	why := w.run(b, second)
	if len(why) == 0 || why[0].Code != CodePorts {
		t.Fatalf("got %v", why)
	}
	w.stop(b, leaving)
	if why := w.run(b, second); why != nil {
		t.Fatalf("the port is free again, got %v", why)
	}
}

func TestDistinctInstanceLooksAtTheDesiredStatus(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	w.add("i1", 1024, 2048)
	distinct := []state.PlacementConstraint{{Type: "distinctInstance"}}
	first, second := w.task("family:f", 1, 1), w.task("family:f", 1, 1)
	first.Constraints, second.Constraints = distinct, distinct
	if why := w.run(b, first); why != nil {
		t.Fatal(why)
	}
	why := w.run(b, second)
	if len(why) == 0 || why[0].Code != CodeDistinct {
		t.Fatalf("got %v", why)
	}
	other := w.task("family:g", 1, 1)
	other.Constraints = distinct
	if why := w.run(b, other); why != nil {
		t.Fatalf("another group may share the instance, got %v", why)
	}
	leaving := first.Clone()
	leaving.Desired = state.Stopped
	leaving.Version++
	w.keep(leaving)
	b.Note(first, leaving)
	if why := w.run(b, second); why != nil {
		t.Fatalf("got %v", why)
	}
}

func TestWhatAFailedTransactionChoseIsGivenBack(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	w.add("i1", 1024, 2048)
	s := w.begin(b)
	if why := s.Choose(Request{Task: w.task("family:f", 1024, 0)}); why != nil {
		t.Fatal(why)
	}
	s.End() // the transaction failed: nothing was kept
	if why := w.run(b, w.task("family:f", 1024, 0)); why != nil {
		t.Fatalf("got %v", why)
	}
}

func TestALaggingBoardNeverOvercommits(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	w.add("i1", 1024, 2048)
	w.add("i2", 1024, 2048)
	if why := w.run(b, w.task("family:f", 1, 1)); why != nil {
		t.Fatal(why)
	}
	for _, k := range w.order { // placed elsewhere, and the board was not told
		t := w.task("family:g", 1020, 1)
		t.Instance = k
		w.keep(t)
	}
	why := w.run(b, w.task("family:f", 1000, 1))
	if len(why) == 0 || why[0].Code != CodeCPU {
		t.Fatalf("got %v", why)
	}
}

func TestFargateSpreadsOverTheZonesOfTheSubnets(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	k := state.NewInstanceKey(state.NewClusterKey(testCluster.Scope(), state.FargateCluster), "host")
	w.put(&state.Instance{Key: k, Kind: state.KindFargate, Status: state.StatusActive, Connected: true, CPU: 1})
	subnets := []*state.Subnet{{Zone: "a"}, {Zone: "b"}, {Zone: "c"}}
	for range 7 {
		task := w.task("service:s", 4096, 4096)
		task.LaunchType = state.LaunchFargate
		s := w.begin(b)
		why := s.Choose(Request{Task: task, Subnets: subnets})
		s.End()
		if why != nil {
			t.Fatal(why)
		}
		w.keep(task)
	}
	got := countBy(tasksOf{w}.OfInstance(k), func(t *state.Task) string { return t.Zone })
	if skew(got, []string{"a", "b", "c"}) > 1 {
		t.Errorf("got %v", got)
	}
}

func TestStartTaskIgnoresConstraintsButNotRoom(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	i := w.add("i1", 1024, 2048)
	i.Kind = state.KindExternal
	task := w.task("family:f", 512, 1)
	task.Constraints = []state.PlacementConstraint{{Type: "memberOf", Expression: "attribute:x == y"}}
	s := w.begin(b)
	defer s.End()
	if why := s.Start(Request{Task: task}, i.Key); why != nil {
		t.Fatal(why)
	}
	if why := s.Start(Request{Task: w.task("family:f", 600, 1)}, i.Key); why == nil || why.Code != CodeCPU {
		t.Errorf("got %v", why)
	}
	if why := s.Start(Request{Task: w.task("family:f", 1, 1)}, i.Key+"x"); why == nil || why.Code != CodeMissing {
		t.Errorf("got %v", why)
	}
}

func TestAwaitReturnsOnceTheRevisionWasNoted(t *testing.T) {
	b := NewBoard(firstOf)
	done := make(chan error)
	go func() { done <- b.Await(context.Background(), 7) }()
	b.Reached(6)
	b.Reached(7)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if b.Await(ctx, 8) == nil {
		t.Error("nobody noted revision 8")
	}
}

func TestALaggingBoardDoesNotRefuseWhatFits(t *testing.T) {
	w, b := newWorld(), NewBoard(firstOf)
	b.Sole()
	w.add("i1", 1024, 2048)
	first := w.task("family:f", 1024, 1)
	if why := w.run(b, first); why != nil {
		t.Fatal(why)
	}
	gone := first.Clone()
	gone.Last = state.Stopped
	w.keep(gone) // and the board was not told
	if why := w.run(b, w.task("family:f", 1024, 1)); why != nil {
		t.Fatalf("got %v", why)
	}
	w.add("i2", 1024, 2048)
	if why := w.run(b, w.task("family:f", 1024, 1)); why != nil {
		t.Fatalf("the new instance was not seen: %v", why)
	}
	why := w.run(b, w.task("family:f", 1024, 1))
	if len(why) != 2 {
		t.Fatalf("got %v", why)
	}
}
