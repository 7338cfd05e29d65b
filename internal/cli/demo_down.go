package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
	"longshore/internal/node/docker"
)

// down removes what up has made, and nothing that somebody else has put beside it.
func (d *demo) down(ctx context.Context) error {
	found, err := d.removeService(ctx)
	if err != nil {
		return err
	}
	revisions, images, err := d.removeDefinitions(ctx)
	if err != nil {
		return err
	}
	err = d.api.logs(ctx, "DeleteLogGroup", logswire.DeleteLogGroupRequest{LogGroupName: ptr(demoGroup)}, nil)
	if err != nil && !refusedWith(err, "ResourceNotFoundException") {
		return err
	}
	err = d.removeImages(ctx, images)
	if err != nil {
		return err
	}
	if !found && revisions == 0 {
		return d.screen.print("there is no demo: nothing to remove")
	}
	return d.screen.print("the demo is gone")
}

// removeService deletes the service, waits until its tasks have stopped, and deletes the cluster if it is empty.
func (d *demo) removeService(ctx context.Context) (bool, error) {
	err := d.api.ecs(ctx, "DeleteService", ecswire.DeleteServiceRequest{
		Cluster: ptr(demoCluster), Service: ptr(demoService), Force: ptr(true)}, nil)
	if refusedWith(err, "ClusterNotFoundException") {
		return false, nil
	}
	found := err == nil
	if err != nil && !refusedWith(err, "ServiceNotFoundException") && !refusedWith(err, "ServiceNotActiveException") {
		return false, err
	}
	err = d.waitUntilStopped(ctx)
	if err != nil {
		return found, err
	}
	err = d.api.ecs(ctx, "DeleteCluster", ecswire.DeleteClusterRequest{Cluster: ptr(demoCluster)}, nil)
	switch {
	case err == nil, refusedWith(err, "ClusterNotFoundException"):
		return found, nil
	case refusedWith(err, "ClusterContainsServicesException"), refusedWith(err, "ClusterContainsTasksException"),
		refusedWith(err, "ClusterContainsContainerInstancesException"):
		return found, d.screen.print(fmt.Sprintf("cluster %s stays: it holds more than the demo", demoCluster))
	}
	return found, err
}

// waitUntilStopped shows how many tasks of the service are left.
func (d *demo) waitUntilStopped(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := -1
	for {
		left, err := d.left(ctx)
		if err != nil || left == 0 {
			return err
		}
		if left != told {
			told = left
			err = d.screen.print(fmt.Sprintf("%s still stopping", count(int32(left), "task")))
			if err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// left counts the service's tasks that are not STOPPED yet, whatever is wanted of them.
func (d *demo) left(ctx context.Context) (int, error) {
	n := 0
	for _, desired := range []string{"RUNNING", "STOPPED"} {
		tasks, err := listTasks(ctx, d.api, ecswire.ListTasksRequest{Cluster: ptr(demoCluster), DesiredStatus: &desired})
		if err != nil {
			return 0, err
		}
		for _, t := range tasks {
			if val(t.Group) == "service:"+demoService && val(t.LastStatus) != "STOPPED" {
				n++
			}
		}
	}
	return n, nil
}

// removeDefinitions deregisters the demo's revisions; others of the same family stay.
func (d *demo) removeDefinitions(ctx context.Context) (int, []string, error) {
	var arns []string
	in := ecswire.ListTaskDefinitionsRequest{FamilyPrefix: ptr(demoFamily), Status: ptr("ACTIVE")}
	for {
		var out ecswire.ListTaskDefinitionsResponse
		err := d.api.ecs(ctx, "ListTaskDefinitions", in, &out)
		if err != nil {
			return 0, nil, err
		}
		arns = append(arns, out.TaskDefinitionArns...)
		if val(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	n := 0
	var images []string
	for _, arn := range arns {
		var out ecswire.DescribeTaskDefinitionResponse
		err := d.api.ecs(ctx, "DescribeTaskDefinition", ecswire.DescribeTaskDefinitionRequest{TaskDefinition: &arn}, &out)
		if err != nil {
			return n, images, err
		}
		if !ours(out.TaskDefinition) {
			continue
		}
		images = append(images, val(out.TaskDefinition.ContainerDefinitions[0].Image))
		err = d.api.ecs(ctx, "DeregisterTaskDefinition", ecswire.DeregisterTaskDefinitionRequest{TaskDefinition: &arn}, nil)
		if err != nil {
			return n, images, err
		}
		n++
	}
	return n, unique(images), nil
}

// removeImages untags what the demo has loaded. An image that containers still refer to stays: stopped ones are kept
// for a while, and another installation's demo may run the same.
func (d *demo) removeImages(ctx context.Context, images []string) error {
	for _, ref := range images {
		err := d.engine.RemoveImage(ctx, ref)
		if errors.Is(err, docker.ErrConflict) {
			err = d.screen.print(fmt.Sprintf("image %s stays while containers refer to it; docker rmi -f %s removes it", ref, ref))
		}
		if err != nil {
			return fmt.Errorf("remove image %s: %w; docker rmi %s does it by hand", ref, err, ref)
		}
	}
	return nil
}
