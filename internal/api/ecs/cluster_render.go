package ecs

import (
	"strconv"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// renderWholeCluster is what the calls that change a cluster answer.
func (a *API) renderWholeCluster(c *state.Cluster) *ecswire.Cluster {
	return renderCluster(a.tally.counts(a.Store.View(), c.Key), c, []string{"CONFIGURATIONS", "SETTINGS", "TAGS"})
}

// renderCluster leaves settings, tags and statistics empty and the configuration away unless they are included.
func renderCluster(n clusterCounts, c *state.Cluster, include []string) *ecswire.Cluster {
	w := &ecswire.Cluster{
		ClusterArn: ptr(c.Key.ARN()), ClusterName: ptr(c.Key.Name()), Status: ptr(c.Status),
		RegisteredContainerInstancesCount: ptr(int32(n.instances)),
		RunningTasksCount:                 ptr(int32(n.running.sum())),
		PendingTasksCount:                 ptr(int32(n.pending.sum())),
		ActiveServicesCount:               ptr(int32(n.active.sum())),
		Statistics:                        []ecswire.KeyValuePair{},
		Tags:                              []ecswire.Tag{},
		Settings:                          []ecswire.ClusterSetting{},
		CapacityProviders:                 append([]string{}, c.CapacityProviders...),
		DefaultCapacityProviderStrategy:   renderStrategy(c.DefaultStrategy),
	}
	if c.ServiceConnectNamespace != "" {
		w.ServiceConnectDefaults = &ecswire.ClusterServiceConnectDefaults{Namespace: ptr(c.ServiceConnectNamespace)}
	}
	for _, part := range include {
		switch part {
		case "SETTINGS":
			w.Settings = append(w.Settings, ecswire.ClusterSetting{
				Name: ptr("containerInsights"), Value: ptr(c.ContainerInsights)})
		case "TAGS":
			w.Tags = renderTags(c.Tags)
		case "STATISTICS":
			w.Statistics = n.render()
		case "CONFIGURATIONS":
			w.Configuration = renderConfiguration(c)
		case "ATTACHMENTS":
			w.Attachments = []ecswire.Attachment{}
			w.AttachmentsStatus = ptr("UPDATE_COMPLETE")
		}
	}
	return w
}

func renderConfiguration(c *state.Cluster) *ecswire.ClusterConfiguration {
	if c.ExecuteCommand == nil && c.ManagedStorage == nil {
		return nil
	}
	w := &ecswire.ClusterConfiguration{}
	if m := c.ManagedStorage; m != nil {
		w.ManagedStorageConfiguration = &ecswire.ManagedStorageConfiguration{
			KmsKeyId: opt(m.KMSKeyID), FargateEphemeralStorageKmsKeyId: opt(m.FargateKMSKeyID)}
	}
	e := c.ExecuteCommand
	if e == nil {
		return w
	}
	x := &ecswire.ExecuteCommandConfiguration{KmsKeyId: opt(e.KMSKeyID), Logging: opt(e.Logging)}
	if e.CloudWatchLogGroup != "" || e.S3Bucket != "" {
		x.LogConfiguration = &ecswire.ExecuteCommandLogConfiguration{
			CloudWatchLogGroupName: opt(e.CloudWatchLogGroup), S3BucketName: opt(e.S3Bucket),
			S3KeyPrefix:                 opt(e.S3Prefix),
			CloudWatchEncryptionEnabled: ptr(e.CloudWatchEncryption), S3EncryptionEnabled: ptr(e.S3Encryption),
		}
	}
	w.ExecuteCommandConfiguration = x
	return w
}

// perLaunch counts by launch type.
type perLaunch struct{ ec2, fargate, external int }

func (p *perLaunch) add(launch string, n int) {
	switch launch {
	case state.LaunchFargate:
		p.fargate += n
	case state.LaunchExternal:
		p.external += n
	default:
		p.ec2 += n
	}
}

func (p perLaunch) of(launch string) int {
	switch launch {
	case state.LaunchFargate:
		return p.fargate
	case state.LaunchExternal:
		return p.external
	}
	return p.ec2
}

func (p perLaunch) sum() int { return p.ec2 + p.fargate + p.external }

// clusterCounts are the counters and statistics of DescribeClusters.
type clusterCounts struct {
	instances                          int
	running, pending, active, draining perLaunch
}

func countCluster(v store.View, k state.ClusterKey) clusterCounts {
	n := clusterCounts{}
	for i := range v.Instances().OfCluster(k) {
		n.instance(i, 1)
	}
	for t := range v.Tasks().OfCluster(k) {
		n.task(t, 1)
	}
	for s := range v.Services().OfCluster(k) {
		n.service(s, 1)
	}
	return n
}

func (n *clusterCounts) instance(i *state.Instance, by int) {
	if i.Status == state.StatusActive || i.Status == state.StatusDraining {
		n.instances += by
	}
}

func (n *clusterCounts) task(t *state.Task, by int) {
	switch t.Last {
	case state.Running:
		n.running.add(t.LaunchType, by)
	case state.Provisioning, state.Pending, state.Activating:
		n.pending.add(t.LaunchType, by)
	}
}

func (n *clusterCounts) service(s *state.Service, by int) {
	switch s.Status {
	case state.StatusActive:
		n.active.add(tasksLaunch(s), by)
	case state.StatusDraining:
		n.draining.add(tasksLaunch(s), by)
	}
}

func (n clusterCounts) render() []ecswire.KeyValuePair {
	out := []ecswire.KeyValuePair{}
	for _, row := range []struct {
		prefix, suffix string
		count          perLaunch
	}{
		{"running", "TasksCount", n.running}, {"pending", "TasksCount", n.pending},
		{"active", "ServiceCount", n.active}, {"draining", "ServiceCount", n.draining},
	} {
		out = append(out,
			pair(row.prefix+"EC2"+row.suffix, strconv.Itoa(row.count.ec2)),
			pair(row.prefix+"Fargate"+row.suffix, strconv.Itoa(row.count.fargate)),
			pair(row.prefix+"External"+row.suffix, strconv.Itoa(row.count.external)))
	}
	return out
}
