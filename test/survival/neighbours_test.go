//go:build e2e

package survival

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestDaemonsOnOneMachineLeaveEachOtherAlone(t *testing.T) {
	rootOnly(t)
	leaves, stays := startDaemon(t), startDaemon(t)
	taken := map[string]string{}
	for _, d := range []*daemon{leaves, stays} {
		d.cluster("twin")
		d.serve("twin", "vpc", d.register(fargate(definition("vpc", web()))), 2, d.network())
		d.serve("twin", "disk", d.register(withVolume(definition("disk", web()))), 1, nil)
	}
	for _, d := range []*daemon{leaves, stays} {
		d.stable("twin", "vpc", 40*time.Second)
		d.stable("twin", "disk", 40*time.Second)
		for _, address := range d.addresses("twin", "vpc") {
			if taken[address] != "" {
				t.Errorf("%s belongs to tasks of both daemons", address)
			}
			taken[address] = d.id
			err := answers(t.Context(), "http://"+address+"/")
			if err != nil {
				t.Errorf("a task of %s: %v", d.id, err)
			}
		}
	}
	untouched := stays.births("twin", "vpc", "disk")
	before := stays.footprint()
	if f := leaves.footprint(); f == before || !strings.Contains(f, "volume") || !strings.Contains(f, "claim") {
		t.Errorf("the daemon that leaves has taken nothing: %s", f)
	}
	said, err := leaves.longshore("down")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(said)
	if f := leaves.footprint(); f != "" {
		t.Errorf("longshore down left:\n%s", f)
	}
	leaves.searchHost(t.Context())
	if f := stays.footprint(); f != before {
		t.Errorf("longshore down of one daemon changed what another has:\n%s\nbefore:\n%s", f, before)
	}
	err = stays.unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
	for _, address := range stays.addresses("twin", "vpc") {
		err := answers(t.Context(), "http://"+address+"/")
		if err != nil {
			t.Errorf("after its neighbour left: %v", err)
		}
	}
	err = stays.agree(t.Context(), "twin")
	if err != nil {
		t.Error(err)
	}
}

// addresses of a service's tasks.
func (d *daemon) addresses(cluster, service string) []string {
	d.t.Helper()
	tasks, err := d.tasks(d.t.Context(), cluster, service, types.DesiredStatusRunning)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, task := range tasks {
		out = append(out, ip(task))
	}
	return out
}

// withVolume gives the first container a volume that ends with its task.
func withVolume(in *ecs.RegisterTaskDefinitionInput) *ecs.RegisterTaskDefinitionInput {
	in.Volumes = []types.Volume{{Name: aws.String("scratch"), DockerVolumeConfiguration: &types.DockerVolumeConfiguration{
		Scope: types.ScopeTask, Driver: aws.String("local")}}}
	in.ContainerDefinitions[0].MountPoints = []types.MountPoint{{
		SourceVolume: aws.String("scratch"), ContainerPath: aws.String("/scratch")}}
	return in
}

// footprint is what of this host belongs to the installation, apart from the containers: "" is nothing.
func (d *daemon) footprint() string {
	d.t.Helper()
	var out []string
	volumes, err := d.engine.volumes(d.t.Context(), d.ours())
	if err != nil {
		d.t.Fatal(err)
	}
	for range volumes {
		out = append(out, "volume")
	}
	for _, l := range d.links() {
		out = append(out, "link "+l)
	}
	for _, search := range [][]string{{"nft", "list", "tables"}, {"iptables-save"}, {"ip", "route"}} {
		said, err := exec.CommandContext(d.t.Context(), search[0], search[1:]...).Output()
		if err != nil {
			d.t.Fatalf("%s: %v", strings.Join(search, " "), err)
		}
		for line := range strings.Lines(string(said)) {
			if strings.Contains(line, d.id) || strings.Contains(line, d.linkPrefix()[2:]) {
				out = append(out, search[0]+" "+strings.TrimSpace(line))
			}
		}
	}
	claims, _ := filepath.Glob("/run/longshore/networks/*")
	for _, c := range claims {
		b, err := os.ReadFile(c)
		if err == nil && strings.Contains(string(b), d.id) {
			out = append(out, "claim "+filepath.Base(c))
		}
	}
	return strings.Join(out, "\n")
}
