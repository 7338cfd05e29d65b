//go:build e2e

package survival

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Other hands do things to containers of services. What has ended is told within seconds and replaced; what has not
// ended goes on.
func TestWhatOtherHandsDoToContainersIsSeenAndMended(t *testing.T) {
	rootOnly(t)
	d := startDaemon(t)
	d.cluster("hands")
	d.serve("hands", "bridge", d.register(definition("bridge", web())), 2, nil)
	d.serve("hands", "vpc", d.register(fargate(definition("vpc", web()))), 2, d.network())
	d.stable("hands", "bridge", 40*time.Second)
	d.stable("hands", "vpc", 40*time.Second)
	for _, service := range []string{"bridge", "vpc"} {
		for _, act := range []struct {
			name, method, path string
			ends               bool
		}{
			{"docker stop", http.MethodPost, "/stop?t=1", true},
			{"docker kill", http.MethodPost, "/kill?signal=KILL", true},
			{"docker rm -f", http.MethodDelete, "?force=1&v=1", true},
			{"docker rename", http.MethodPost, "/rename?name=by-hand-" + service + d.id, false},
			{"docker pause", http.MethodPost, "/pause", false},
		} {
			t.Run(act.name+" in "+service, func(t *testing.T) {
				d.disturb(t, service, act.method, act.path, act.ends)
			})
		}
	}
	// Whatever was done to them, all can be stopped.
	for _, service := range []string{"bridge", "vpc"} {
		_, err := d.client.UpdateService(t.Context(), &ecs.UpdateServiceInput{
			Cluster: aws.String("hands"), Service: &service, DesiredCount: aws.Int32(0)})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.quiet()
}

func (d *daemon) disturb(t *testing.T, service, method, path string, ends bool) {
	d.stable("hands", service, 30*time.Second)
	untouched := d.births("hands", "bridge", "vpc")
	tasks, err := d.tasks(t.Context(), "hands", service, types.DesiredStatusRunning)
	if err != nil {
		t.Fatal(err)
	}
	victim := tasks[0]
	id := *victim.Containers[0].RuntimeId
	err = d.engine.do(t.Context(), method, "/containers/"+id+path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ends {
		delete(untouched, id)
		eventually(t, 10*time.Second, "the truth about the victim", func(ctx context.Context) error {
			task, err := d.task(ctx, "hands", *victim.TaskArn)
			if err == nil && *task.LastStatus != "STOPPED" {
				err = fmt.Errorf("it is %s", *task.LastStatus)
			}
			return err
		})
	}
	eventually(t, 30*time.Second, "the service to be whole", func(ctx context.Context) error {
		s, err := d.service(ctx, "hands", service)
		if err == nil {
			err = steady(s)
		}
		if err != nil {
			return err
		}
		return d.agree(ctx, "hands")
	})
	err = d.unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
}
