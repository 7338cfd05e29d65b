package ecs

import (
	"context"
	"regexp"
	"strings"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// startedByForm is what users may write; deployments of services write "ecs-svc/…".
var startedByForm = regexp.MustCompile(`^[A-Za-z0-9_/-]+$`)

// ask is what RunTask and StartTask requests have in common, unread.
type ask struct {
	cluster, definition         *string
	capacity                    askedCapacity
	network                     *ecswire.NetworkConfiguration
	overrides                   *ecswire.TaskOverride
	group, startedBy, propagate *string
	managedTags                 bool
	tags                        []ecswire.Tag
}

// order is a checked ask: the tasks of it are copies of the model.
type order struct {
	cluster    state.ClusterKey
	definition *state.TaskDefinition
	capacity   capacity
	model      state.Task
}

func (a *API) newOrder(ctx context.Context, c front.Caller, in ask) (order, error) {
	if in.network != nil {
		err := a.ensureNetwork(ctx, scopeOf(c))
		if err != nil {
			return order{}, err
		}
	}
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.cluster)
	if err != nil {
		return order{}, err
	}
	o := order{cluster: cluster.Key}
	o.definition, err = runnableDefinition(v, c, deref(in.definition))
	if err != nil {
		return o, err
	}
	o.capacity, err = parseCapacity(v, cluster, o.definition, in.capacity)
	if err != nil {
		return o, err
	}
	o.model, err = taskModel(o.definition, in, a.Now())
	if err != nil {
		return o, err
	}
	o.model.LaunchType, o.model.PlatformVersion = o.capacity.launch, platformOf(o.capacity.platform)
	o.model.Network, err = resolveNetwork(v, scopeOf(c), o.definition.NetworkMode, o.capacity.launch, in.network)
	if err != nil {
		return o, err
	}
	o.model.Tags, err = taskTags(cluster.Key, o.definition, in)
	return o, err
}

// taskModel is everything that the definition and the request say of each task.
func taskModel(td *state.TaskDefinition, in ask, now time.Time) (state.Task, error) {
	overrides, err := parseOverrides(td, in.overrides)
	if err != nil {
		return state.Task{}, err
	}
	group, err := taskGroup(td, deref(in.group))
	if err != nil {
		return state.Task{}, err
	}
	by := deref(in.startedBy)
	if by != "" && (len(by) > maxStartedBy || !startedByForm.MatchString(by)) {
		return state.Task{}, invalid("startedBy may hold up to %d letters, digits, hyphens, underscores and slashes.",
			maxStartedBy)
	}
	t := state.Task{
		TaskDefinition: td.Key, CreatedAt: now, Version: 1, Group: group, StartedBy: by,
		Overrides: overrides, Need: state.NeedOf(td, &overrides), EphemeralStorageGiB: td.EphemeralStorageGiB,
		TaskRoleARN: td.TaskRoleARN, ExecutionRoleARN: td.ExecutionRoleARN,
		Desired: state.Running, Last: state.Provisioning, Health: state.HealthUnknown,
	}
	t.CPU, t.Memory = state.TaskSize(td, &overrides)
	if overrides.TaskRoleARN != "" {
		t.TaskRoleARN = overrides.TaskRoleARN
	}
	if overrides.ExecutionRoleARN != "" {
		t.ExecutionRoleARN = overrides.ExecutionRoleARN
	}
	if overrides.EphemeralStorageGiB > 0 {
		t.EphemeralStorageGiB = overrides.EphemeralStorageGiB
	}
	return t, nil
}

// taskGroup is the group for spread and distinctInstance; the prefixes of the groups that ECS makes are its own.
func taskGroup(td *state.TaskDefinition, given string) (string, error) {
	if given == "" {
		return "family:" + td.Key.Family().Name(), nil
	}
	if strings.HasPrefix(given, "family:") || strings.HasPrefix(given, "service:") {
		return "", invalid("Invalid namespace for group.")
	}
	if len(given) > 255 {
		return "", invalid("group can have at most 255 characters.")
	}
	return given, nil
}

// taskTags are the request's, over those of the definition where they are propagated, with the managed one.
func taskTags(cluster state.ClusterKey, td *state.TaskDefinition, in ask) (state.Tags, error) {
	own, err := parseTags(in.tags)
	if err != nil {
		return nil, err
	}
	tags := state.Tags{}
	switch deref(in.propagate) {
	case "SERVICE":
		return nil, invalid("The propagateTags value SERVICE is only valid for the tasks of a service.")
	case "TASK_DEFINITION":
		for k, v := range td.Tags {
			tags[k] = v
		}
	}
	if in.managedTags {
		tags["aws:ecs:clusterName"] = cluster.Name()
	}
	for k, v := range own {
		tags[k] = v
	}
	return tags, nil
}

// stillValid repeats, inside the Update, the checks whose answer another call may have changed.
func (o order) stillValid(v store.View) error {
	cluster, ok := v.Clusters().Get(o.cluster)
	if !ok {
		return clusterNotFound()
	}
	if cluster.Status != state.StatusActive {
		return clusterInactive()
	}
	td, ok := v.TaskDefinitions().Get(o.definition.Key)
	if !ok {
		return taskDefinitionNotFound()
	}
	if td.Status != state.StatusActive {
		return taskDefinitionInactive()
	}
	return nil
}

// newTasks copies the model, with ids drawn before the Update: its closure may run more than once.
func (a *API) newTasks(o order, count int) []*state.Task {
	out := make([]*state.Task, count)
	for i := range out {
		t := o.model.Clone()
		t.Key = state.NewTaskKey(o.cluster, a.NewID())
		t.Containers = state.NewContainers(o.definition, &t.Overrides, a.NewUUID)
		out[i] = t
	}
	return out
}

// refuseTaskFeatures names what AWS would do and Longshore does not, instead of doing without it.
func refuseTaskFeatures(exec *bool, volumes []ecswire.TaskVolumeConfiguration) error {
	if deref(exec) {
		return notServed("enableExecuteCommand")
	}
	if len(volumes) > 0 {
		return notServed("volumeConfigurations")
	}
	return nil
}

// notServed is the refusal of a parameter that would otherwise be accepted and ignored.
func notServed(what string) error { return unsupported("%s is not served by Longshore.", what) }

// runnableDefinition is an ACTIVE revision with nothing in it that tasks would have to do without.
func runnableDefinition(v store.View, c front.Caller, ref string) (*state.TaskDefinition, error) {
	td, err := usableTaskDefinition(v, c, ref)
	if err != nil {
		return nil, err
	}
	what := unserved(td)
	if what != "" {
		return nil, notServed(what)
	}
	return td, nil
}
