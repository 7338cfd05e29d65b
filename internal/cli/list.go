package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"longshore/internal/gen/ecswire"
)

func listClusters(ctx context.Context, api *client) ([]string, error) {
	var all []string
	in := ecswire.ListClustersRequest{}
	for {
		var res ecswire.ListClustersResponse
		err := api.ecs(ctx, "ListClusters", in, &res)
		if err != nil {
			return nil, err
		}
		all = append(all, res.ClusterArns...)
		if val(res.NextToken) == "" {
			return all, nil
		}
		in.NextToken = res.NextToken
	}
}

func listServices(ctx context.Context, api *client, cluster string) ([]string, error) {
	var all []string
	in := ecswire.ListServicesRequest{Cluster: &cluster, MaxResults: ptr(int32(100))}
	for {
		var res ecswire.ListServicesResponse
		err := api.ecs(ctx, "ListServices", in, &res)
		if err != nil {
			return nil, err
		}
		all = append(all, res.ServiceArns...)
		if val(res.NextToken) == "" {
			return all, nil
		}
		in.NextToken = res.NextToken
	}
}

// listTasks describes what ListTasks names, oldest first.
func listTasks(ctx context.Context, api *client, in ecswire.ListTasksRequest) ([]ecswire.Task, error) {
	var all []ecswire.Task
	for {
		var res ecswire.ListTasksResponse
		err := api.ecs(ctx, "ListTasks", in, &res)
		if err != nil {
			return nil, err
		}
		for part := range slices.Chunk(res.TaskArns, describeTasks) {
			var found ecswire.DescribeTasksResponse
			err = api.ecs(ctx, "DescribeTasks", ecswire.DescribeTasksRequest{Cluster: in.Cluster, Tasks: part}, &found)
			if err != nil {
				return nil, err
			}
			all = append(all, found.Tasks...)
		}
		if val(res.NextToken) == "" {
			slices.SortFunc(all, byAge)
			return all, nil
		}
		in.NextToken = res.NextToken
	}
}

// countAway counts the instances of a cluster whose agent is not connected.
func countAway(ctx context.Context, api *client, cluster string) (int32, error) {
	n := int32(0)
	in := ecswire.ListContainerInstancesRequest{Cluster: &cluster}
	for {
		var res ecswire.ListContainerInstancesResponse
		err := api.ecs(ctx, "ListContainerInstances", in, &res)
		if err != nil || len(res.ContainerInstanceArns) == 0 {
			return n, err
		}
		var found ecswire.DescribeContainerInstancesResponse
		err = api.ecs(ctx, "DescribeContainerInstances", ecswire.DescribeContainerInstancesRequest{
			Cluster: &cluster, ContainerInstances: res.ContainerInstanceArns}, &found)
		if err != nil {
			return n, err
		}
		for _, i := range found.ContainerInstances {
			if !val(i.AgentConnected) {
				n++
			}
		}
		if val(res.NextToken) == "" {
			return n, nil
		}
		in.NextToken = res.NextToken
	}
}

// byAge puts the oldest first; the ARN decides between those of one moment, so that lines never swap.
func byAge(a, b ecswire.Task) int {
	if a.CreatedAt != nil && b.CreatedAt != nil {
		c := a.CreatedAt.Compare(b.CreatedAt.Time)
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(val(a.TaskArn), val(b.TaskArn))
}

// last is the part of an ARN after its last slash.
func last(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// steady says that a service is what it should be: one deployment, completed, and every task running.
func steady(s ecswire.Service) bool {
	return len(s.Deployments) == 1 && val(s.RunningCount) == val(s.DesiredCount) && val(s.PendingCount) == 0 &&
		val(s.Deployments[0].RolloutState) != "IN_PROGRESS" && val(s.Deployments[0].RolloutState) != "FAILED"
}

// failed is the reason why the newest deployment of a service was given up, or "".
func failed(s ecswire.Service) string {
	for _, d := range s.Deployments {
		if val(d.Status) == "PRIMARY" && val(d.RolloutState) == "FAILED" {
			return cmp.Or(val(d.RolloutStateReason), "its tasks failed to start")
		}
	}
	return ""
}
