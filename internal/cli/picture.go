package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"longshore/internal/gen/ecswire"
)

// picture is what the API said of some clusters at one moment.
type picture struct {
	clusters []clusterPicture
	of       definitions
}

// definitions is what a picture needs of task definitions, by ARN.
type definitions map[string]definition

type definition struct {
	ports   []int32 // that containers answer on
	checked bool    // a container has a health check
}

type clusterPicture struct {
	info     ecswire.Cluster
	services []servicePicture
	loose    []ecswire.Task // tasks of no service
	away     int32          // instances whose agent is not connected
}

type servicePicture struct {
	info   ecswire.Service
	tasks  []ecswire.Task
	failed []ecswire.Task // stopped on their own while the newest deployment was going on, newest first
}

// photographer takes pictures; what cannot change is asked for once.
type photographer struct {
	api      *client
	cluster  string   // "" is every cluster
	services []string // empty is every service, and tasks of none
	known    definitions
}

// Page sizes that the API allows.
const (
	describeServices = 10
	describeTasks    = 100
)

func (p *photographer) take(ctx context.Context) (picture, error) {
	clusters, err := p.describeClusters(ctx)
	if err != nil {
		return picture{}, err
	}
	out := picture{of: p.known}
	for _, c := range clusters {
		one, err := p.takeCluster(ctx, c)
		if err != nil {
			return picture{}, err
		}
		out.clusters = append(out.clusters, one)
	}
	return out, p.missing(out)
}

// missing refuses when a service that was named is in none of the clusters.
func (p *photographer) missing(out picture) error {
	for _, s := range p.services {
		found := slices.ContainsFunc(out.clusters, func(c clusterPicture) bool {
			return slices.ContainsFunc(c.services, func(k servicePicture) bool { return val(k.info.ServiceName) == s })
		})
		if !found && p.cluster != "" {
			return fmt.Errorf("there is no service %s in cluster %s: longshore status shows those that there are", s, p.cluster)
		}
		if !found {
			return fmt.Errorf("there is no service %s in any cluster: longshore status shows those that there are", s)
		}
	}
	return nil
}

func (p *photographer) describeClusters(ctx context.Context) ([]ecswire.Cluster, error) {
	names := []string{p.cluster}
	if p.cluster == "" {
		var err error
		names, err = listClusters(ctx, p.api)
		if err != nil || len(names) == 0 {
			return nil, err
		}
	}
	var all []ecswire.Cluster
	for part := range slices.Chunk(names, 100) {
		var res ecswire.DescribeClustersResponse
		err := p.api.ecs(ctx, "DescribeClusters", ecswire.DescribeClustersRequest{Clusters: part}, &res)
		if err != nil {
			return nil, err
		}
		all = append(all, res.Clusters...)
	}
	if p.cluster != "" && (len(all) == 0 || val(all[0].Status) == "INACTIVE") {
		return nil, fmt.Errorf("there is no cluster %s: longshore status shows those that there are", p.cluster)
	}
	slices.SortFunc(all, func(a, b ecswire.Cluster) int { return strings.Compare(val(a.ClusterName), val(b.ClusterName)) })
	return all, nil
}

func (p *photographer) takeCluster(ctx context.Context, c ecswire.Cluster) (clusterPicture, error) {
	out := clusterPicture{info: c}
	arn := val(c.ClusterArn)
	services, err := p.describeServices(ctx, arn)
	if err != nil {
		return out, err
	}
	tasks, err := listTasks(ctx, p.api, ecswire.ListTasksRequest{Cluster: &arn})
	if err != nil {
		return out, err
	}
	if val(c.RegisteredContainerInstancesCount) > 0 {
		out.away, err = countAway(ctx, p.api, arn)
		if err != nil {
			return out, err
		}
	}
	byGroup := map[string][]ecswire.Task{}
	for _, t := range tasks {
		byGroup[val(t.Group)] = append(byGroup[val(t.Group)], t)
	}
	for _, s := range services {
		group := "service:" + val(s.ServiceName)
		one := servicePicture{info: s, tasks: byGroup[group]}
		delete(byGroup, group)
		if !steady(s) {
			one.failed, err = p.failures(ctx, arn, s)
			if err != nil {
				return out, err
			}
		}
		out.services = append(out.services, one)
	}
	for group, of := range byGroup {
		if len(p.services) == 0 && !strings.HasPrefix(group, "service:") {
			out.loose = append(out.loose, of...)
		}
	}
	slices.SortFunc(out.loose, byAge)
	return out, p.learn(ctx, tasks)
}

func (p *photographer) describeServices(ctx context.Context, cluster string) ([]ecswire.Service, error) {
	names, err := listServices(ctx, p.api, cluster)
	if err != nil {
		return nil, err
	}
	if len(p.services) > 0 {
		names = slices.DeleteFunc(names, func(arn string) bool { return !slices.Contains(p.services, last(arn)) })
	}
	var all []ecswire.Service
	for part := range slices.Chunk(names, describeServices) {
		var res ecswire.DescribeServicesResponse
		err = p.api.ecs(ctx, "DescribeServices", ecswire.DescribeServicesRequest{Cluster: &cluster, Services: part}, &res)
		if err != nil {
			return nil, err
		}
		all = append(all, res.Services...)
	}
	slices.SortFunc(all, func(a, b ecswire.Service) int { return strings.Compare(val(a.ServiceName), val(b.ServiceName)) })
	return all, nil
}

// failures are the tasks that ended by themselves since the newest deployment began.
func (p *photographer) failures(ctx context.Context, cluster string, s ecswire.Service) ([]ecswire.Task, error) {
	tasks, err := listTasks(ctx, p.api, ecswire.ListTasksRequest{
		Cluster: &cluster, ServiceName: s.ServiceName, DesiredStatus: ptr("STOPPED")})
	if err != nil || len(s.Deployments) == 0 {
		return nil, err
	}
	since := s.Deployments[0].CreatedAt
	tasks = slices.DeleteFunc(tasks, func(t ecswire.Task) bool {
		own := val(t.StopCode) == "TaskFailedToStart" || val(t.StopCode) == "EssentialContainerExited"
		return !own || since == nil || t.CreatedAt == nil || t.CreatedAt.Before(since.Time)
	})
	slices.Reverse(tasks)
	return tasks, nil
}

// learn looks task definitions up, once each: awsvpc tasks name their address but not their ports.
func (p *photographer) learn(ctx context.Context, tasks []ecswire.Task) error {
	for _, t := range tasks {
		arn := val(t.TaskDefinitionArn)
		_, known := p.known[arn]
		if known || arn == "" {
			continue
		}
		var res ecswire.DescribeTaskDefinitionResponse
		err := p.api.ecs(ctx, "DescribeTaskDefinition", ecswire.DescribeTaskDefinitionRequest{TaskDefinition: &arn}, &res)
		if err != nil {
			return err
		}
		d := definition{}
		if res.TaskDefinition != nil {
			for _, c := range res.TaskDefinition.ContainerDefinitions {
				d.checked = d.checked || c.HealthCheck != nil
				for _, m := range c.PortMappings {
					d.ports = append(d.ports, val(m.ContainerPort))
				}
			}
		}
		p.known[arn] = d
	}
	return nil
}
