package state

import (
	"reflect"
	"testing"
)

func TestATaskNeedsItsOwnSizeOrTheSumOfItsContainers(t *testing.T) {
	host, dynamic, soft := 8080, 0, 64
	td := &TaskDefinition{Containers: []Container{
		{Name: "web", CPU: 100, Memory: 256, MemoryReservation: 128, PortMappings: []PortMapping{
			{ContainerPort: 80, HostPort: &host}, {ContainerPort: 53, HostPort: &host, Protocol: "udp"},
			{ContainerPort: 81, HostPort: &dynamic}, {ContainerPort: 82}}},
		{Name: "side", CPU: 28, Memory: 32, ResourceRequirements: []KeyValue{{"GPU", "2"}}},
	}}
	for _, c := range []struct {
		name string
		mode string
		cpu  int
		over Overrides
		want Need
	}{
		{"the sum takes the soft limit", "", 0, Overrides{}, Need{128, 160, []int{8080}, []int{8080}, 2}},
		{"the task's own size wins", NetworkAWSVPC, 512, Overrides{}, Need{512, 160, nil, nil, 2}},
		{"host mode takes every container port", NetworkHost, 0, Overrides{},
			Need{128, 160, []int{80, 81, 82}, []int{53}, 2}},
		{"overrides count", NetworkNone, 512, Overrides{CPU: "1 vCPU", Memory: ".5 GB",
			Containers: []ContainerOverride{{Name: "web", MemoryReservation: &soft}}},
			Need{1024, 512, nil, nil, 2}},
		{"a container's override counts in the sum", NetworkNone, 0,
			Overrides{Containers: []ContainerOverride{{Name: "web", MemoryReservation: &soft}}},
			Need{128, 96, nil, nil, 2}},
	} {
		td.NetworkMode, td.CPU = c.mode, c.cpu
		got := NeedOf(td, &c.over)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestContainersOfATaskFollowTheDefinition(t *testing.T) {
	td := &TaskDefinition{Containers: []Container{{Name: "a", Image: "i", CPU: 1}, {Name: "b", Memory: 7}}}
	n := 3
	got := NewContainers(td, &Overrides{Containers: []ContainerOverride{{Name: "b", Memory: &n}}},
		func() string { return "id" })
	want := []TaskContainer{{ID: "id", Name: "a", Image: "i", CPU: 1, Last: Pending, Health: HealthUnknown},
		{ID: "id", Name: "b", Memory: 3, Last: Pending, Health: HealthUnknown}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzParseSizeNeverGivesANegativeSize(f *testing.F) {
	for _, s := range []string{"1024", "1 vCPU", ".5GB", "NaN GB", "-1", "1e9GB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := ParseSize(s, "GB")
		if n < 0 && ok {
			t.Errorf("%q is %d", s, n)
		}
	})
}
