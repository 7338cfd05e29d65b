package taskrun

import (
	"testing"

	"pgregory.net/rapid"

	"longshore/internal/acs"
)

func TestDynamicPortsNeverCollideAndAvoidWhatOthersHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		foreign := rapid.SliceOfDistinct(rapid.IntRange(100, 119), func(i int) int { return i }).Draw(rt, "foreign")
		p := NewPorts(100, 119, func(_ string, port int) bool {
			for _, f := range foreign {
				if f == port {
					return false
				}
			}
			return true
		})
		held := map[int]bool{}
		for range 30 {
			n := rapid.IntRange(1, 3).Draw(rt, "n")
			first, err := p.take("tcp", n)
			if err != nil {
				continue
			}
			for i := range n {
				port := first + i
				if held[port] || port < 100 || port > 119 || !p.probe("tcp", port) {
					rt.Fatalf("port %d is not free", port)
				}
				held[port] = true
			}
		}
	})
}

func TestBindingsAreWhatTheApiShows(t *testing.T) {
	p := NewPorts(50000, 50100, func(string, int) bool { return true })
	c := &acs.Container{PortMappings: []acs.PortMapping{
		{ContainerPort: 80}, {ContainerPort: 53, HostPort: 5353, Protocol: "udp"}, {ContainerPortRange: "7000-7002"},
	}}
	ports, err := p.choose(c.PortMappings)
	if err != nil {
		t.Fatal(err)
	}
	got := bindings(c, "bridge", ports)
	want := []Binding{
		{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 50000, Protocol: "tcp"},
		{BindIP: "0.0.0.0", ContainerPort: 53, HostPort: 5353, Protocol: "udp"},
		{BindIP: "0.0.0.0", ContainerPortRange: "7000-7002", HostPortRange: "50001-50003", Protocol: "tcp"},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v want %+v", got[i], want[i])
		}
	}
	p.release(ports)
	if len(p.used) != 0 {
		t.Fatalf("ports leak: %v", p.used)
	}
	host := bindings(&acs.Container{PortMappings: []acs.PortMapping{{ContainerPort: 80}}}, "host", nil)
	if len(host) != 1 || host[0].HostPort != 80 {
		t.Fatalf("host mode %+v", host)
	}
}

func FuzzSpanNeverPanics(f *testing.F) {
	f.Add("1-2")
	f.Fuzz(func(t *testing.T, text string) {
		first, last, err := span(acs.PortMapping{ContainerPortRange: text})
		if err == nil && text != "" && (first < 1 || last > 65535 || first >= last) {
			t.Fatalf("%q → %d-%d", text, first, last)
		}
	})
}
