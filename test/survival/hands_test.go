//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// Other hands do things to containers of services. What has ended is told within seconds and replaced; what has not
// ended goes on.
func TestWhatOtherHandsDoToContainersIsSeenAndMended(t *testing.T) {
	rig.RootOnly(t)
	d := start(t)
	d.Cluster("hands")
	d.Serve("hands", "bridge", d.Register(rig.Definition("bridge", rig.Web())), 2, nil)
	d.Serve("hands", "vpc", d.Register(rig.Fargate(rig.Definition("vpc", rig.Web()))), 2, d.Network())
	d.Stable("hands", "bridge", 40*time.Second)
	d.Stable("hands", "vpc", 40*time.Second)
	for _, service := range []string{"bridge", "vpc"} {
		for _, act := range []struct {
			name, method, path string
			ends               bool
			body               string
		}{
			{"docker stop", http.MethodPost, "/stop?t=1", true, ""},
			{"docker kill", http.MethodPost, "/kill?signal=KILL", true, ""},
			{"docker rm -f", http.MethodDelete, "?force=1&v=1", true, ""},
			{"docker rename", http.MethodPost, "/rename?name=by-hand-" + service + d.ID, false, ""},
			{"docker update", http.MethodPost, "/update", false, `{"CpuShares":77}`},
			{"docker pause", http.MethodPost, "/pause", false, ""},
		} {
			t.Run(act.name+" in "+service, func(t *testing.T) {
				d.disturb(t, service, act.method, act.path, act.body, act.ends)
			})
		}
	}
	// Whatever was done to them, all can be stopped.
	for _, service := range []string{"bridge", "vpc"} {
		_, err := d.Client.UpdateService(t.Context(), &ecs.UpdateServiceInput{
			Cluster: aws.String("hands"), Service: &service, DesiredCount: aws.Int32(0)})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.Quiet()
}

func (d *daemon) disturb(t *testing.T, service, method, path, body string, ends bool) {
	d.Stable("hands", service, 30*time.Second)
	untouched := d.Births("hands", "bridge", "vpc")
	tasks, err := d.Tasks(t.Context(), "hands", service, types.DesiredStatusRunning)
	if err != nil {
		t.Fatal(err)
	}
	victim := tasks[0]
	id := *victim.Containers[0].RuntimeId
	err = d.Engine.Say(t.Context(), method, "/containers/"+id+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if ends {
		delete(untouched, id)
		rig.Eventually(t, 10*time.Second, "the truth about the victim", func(ctx context.Context) error {
			task, err := d.Task(ctx, "hands", *victim.TaskArn)
			if err == nil && *task.LastStatus != "STOPPED" {
				err = fmt.Errorf("it is %s", *task.LastStatus)
			}
			return err
		})
	}
	rig.Eventually(t, 30*time.Second, "the service to be whole", func(ctx context.Context) error {
		s, err := d.Service(ctx, "hands", service)
		if err == nil {
			err = rig.Steady(s)
		}
		if err != nil {
			return err
		}
		return d.Agree(ctx, "hands")
	})
	err = d.Unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
}

// `docker container prune` takes what has ended, the proof of it too: what was told stays told, and a task whose
// container went away unseen is told as ended, with the right exit code or none.
func TestWhatIsPrunedIsToldTruly(t *testing.T) {
	d := start(t)
	d.Cluster("pruned")
	d.Serve("pruned", "web", d.Register(rig.Definition("web", rig.Web())), 2, nil)
	over := d.Run(&ecs.RunTaskInput{Cluster: aws.String("pruned"), LaunchType: types.LaunchTypeEc2,
		TaskDefinition: aws.String(d.Register(rig.Definition("over", rig.Probe("main", "exit", "7"))))})
	d.exit("pruned", over, 7, 20*time.Second)
	d.Stable("pruned", "web", 40*time.Second)
	untouched := d.Births("pruned", "web")
	err := d.Engine.Prune(t.Context(), d.Ours())
	if err != nil {
		t.Fatal(err)
	}
	err = d.Unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
	d.exit("pruned", over, 7, time.Second)
	tasks, err := d.Tasks(t.Context(), "pruned", "web", types.DesiredStatusRunning)
	if err != nil {
		t.Fatal(err)
	}
	victim := tasks[0]
	delete(untouched, *victim.Containers[0].RuntimeId)
	d.Stop()
	d.must(*victim.Containers[0].RuntimeId, "kill?signal=KILL")
	rig.Eventually(t, 10*time.Second, "the container to be pruned", func(ctx context.Context) error {
		err := d.Engine.Prune(ctx, d.Ours())
		if err == nil {
			_, err = d.Engine.Inspect(ctx, *victim.Containers[0].RuntimeId)
			if err == nil {
				return errors.New("it is there")
			}
		}
		return nil
	})
	d.Start()
	task := d.Until("pruned", *victim.TaskArn, "STOPPED", 30*time.Second)
	code := task.Containers[0].ExitCode // the engine's old events may tell it
	if code != nil && *code != 137 || aws.ToString(task.StoppedReason) == "" {
		t.Errorf("its process ended with 137: %s", rig.Show(task))
	}
	d.Stable("pruned", "web", 40*time.Second)
	rig.Eventually(t, settlesWithin, "one story of all", func(ctx context.Context) error { return d.Agree(ctx, "pruned") })
	err = d.Unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
}
