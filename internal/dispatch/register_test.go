package dispatch

import (
	"testing"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
)

func TestAnInstanceShowsTheVersionsItRegistersWith(t *testing.T) {
	d := &Dispatch{Config: Config{
		Now:   func() time.Time { return time.Unix(0, 0) },
		NewID: func() string { return "0123456789abcdef0123456789abcdef" },
		Zones: func(region string) []string { return []string{region + "a"} },
	}}
	text := func(s string) *string { return &s }
	i := d.instance(front.Caller{Account: "111122223333", Region: "us-east-1"},
		&ecswire.RegisterContainerInstanceRequest{VersionInfo: &ecswire.VersionInfo{
			AgentVersion: text("1.99.0"), AgentHash: text("abc"), DockerVersion: text("DockerVersion: 20.10")}})
	if i.AgentVersion != "1.99.0" || i.AgentHash != "abc" || i.DockerVersion != "DockerVersion: 20.10" {
		t.Errorf("versions are %q %q %q", i.AgentVersion, i.AgentHash, i.DockerVersion)
	}
}
