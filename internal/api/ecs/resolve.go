package ecs

import (
	"regexp"
	"strconv"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/state"
	"longshore/internal/store"
)

// defaultCluster is what every call means that names no cluster.
const defaultCluster = "default"

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// reference is an ARN of this service taken apart.
type reference struct {
	scope state.Scope
	kind  string   // "cluster", "task", …
	path  []string // what follows the kind
}

// parseARN takes an ECS ARN apart; the second result is false for anything that is not written like an ARN.
func parseARN(s string) (reference, bool, error) {
	if !strings.HasPrefix(s, "arn:") {
		return reference{}, false, nil
	}
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[2] != "ecs" {
		return reference{}, true, malformedARN()
	}
	path := strings.Split(f[5], "/")
	if len(path) < 2 {
		return reference{}, true, malformedARN()
	}
	return reference{scope: state.Scope{Account: f[4], Region: f[3]}, kind: path[0], path: path[1:]}, true, nil
}

// own refuses what lies in another account or region.
func (r reference) own(s state.Scope) error {
	if r.scope.Account != s.Account {
		return foreign(r.scope.Account, s.Account)
	}
	if r.scope.Region != s.Region {
		return invalid("Identifier is for region %s. The region of this call is %s", r.scope.Region, s.Region)
	}
	return nil
}

// clusterKey reads a cluster's short name or ARN, nil and "" meaning "default". The cluster may not exist.
func clusterKey(c front.Caller, ref *string) (state.ClusterKey, error) {
	name := deref(ref)
	if name == "" {
		name = defaultCluster
	}
	arn, isARN, err := parseARN(name)
	if err != nil {
		return "", err
	}
	if isARN {
		err := arn.own(scopeOf(c))
		if err != nil {
			return "", err
		}
		if arn.kind != "cluster" || len(arn.path) != 1 {
			return "", malformedARN()
		}
		name = arn.path[0]
	}
	if !nameForm.MatchString(name) {
		return "", invalid("Identifier is not valid: %s", name)
	}
	return state.NewClusterKey(scopeOf(c), name), nil
}

// activeCluster finds the cluster of a call; an INACTIVE one takes no calls.
func activeCluster(v store.View, c front.Caller, ref *string) (*state.Cluster, error) {
	key, err := clusterKey(c, ref)
	if err != nil {
		return nil, err
	}
	cluster, ok := v.Clusters().Get(key)
	if !ok {
		return nil, clusterNotFound()
	}
	if cluster.Status != state.StatusActive {
		return nil, clusterInactive()
	}
	return cluster, nil
}

// findTaskDefinition reads family (its latest ACTIVE revision), family:revision or ARN, in any status. It answers
// nil without an error when the reference is well written and nothing is there.
func findTaskDefinition(v store.View, c front.Caller, ref string) (*state.TaskDefinition, error) {
	name := ref
	arn, isARN, err := parseARN(ref)
	if err != nil {
		return nil, err
	}
	if isARN {
		err := arn.own(scopeOf(c))
		if err != nil {
			return nil, err
		}
		if arn.kind != "task-definition" || len(arn.path) != 1 {
			return nil, malformedARN()
		}
		name = arn.path[0]
	}
	family, revision, exact := strings.Cut(name, ":")
	if !nameForm.MatchString(family) {
		return nil, invalid("Invalid task definition identifier: %s", ref)
	}
	key := state.NewFamilyKey(scopeOf(c), family)
	if !exact {
		return latestRevision(v, key), nil
	}
	n, err := strconv.ParseInt(revision, 10, 32)
	if err != nil || n < 1 {
		return nil, invalid("Invalid revision number. Number: %s", revision)
	}
	td, _ := v.TaskDefinitions().Get(key.Revision(int(n)))
	return td, nil
}

func latestRevision(v store.View, family state.FamilyKey) *state.TaskDefinition {
	for td := range v.TaskDefinitions().Backward(string(family) + "/") {
		if td.Status == state.StatusActive {
			return td
		}
	}
	return nil
}

// usableTaskDefinition is the definition that new tasks or deployments may start from: it must be ACTIVE.
func usableTaskDefinition(v store.View, c front.Caller, ref string) (*state.TaskDefinition, error) {
	td, err := findTaskDefinition(v, c, ref)
	if err != nil {
		return nil, err
	}
	if td == nil || td.Status == state.StatusDeleteInProgress {
		return nil, taskDefinitionNotFound()
	}
	if td.Status != state.StatusActive {
		return nil, taskDefinitionInactive()
	}
	return td, nil
}

// serviceKey reads a service's name or ARN. An ARN of another cluster is a service that this one does not have.
func serviceKey(cluster state.ClusterKey, ref string) (state.ServiceKey, error) {
	arn, isARN, err := parseARN(ref)
	if err != nil {
		return "", err
	}
	if !isARN {
		if !nameForm.MatchString(ref) {
			return "", invalid("Invalid service name: %s", ref)
		}
		return state.NewServiceKey(cluster, ref), nil
	}
	if arn.kind != "service" || len(arn.path) > 2 {
		return "", malformedARN()
	}
	in, name := arn.within(cluster)
	return state.NewServiceKey(in, name), nil
}

// taskKey reads a task's id or ARN.
func taskKey(cluster state.ClusterKey, ref string) (state.TaskKey, error) {
	in, id, err := memberKey(cluster, ref, "task", "taskId")
	return state.NewTaskKey(in, id), err
}

// instanceKey reads a container instance's id or ARN.
func instanceKey(cluster state.ClusterKey, ref string) (state.InstanceKey, error) {
	in, id, err := memberKey(cluster, ref, "container-instance", "instanceId")
	return state.NewInstanceKey(in, id), err
}

// memberKey reads an id or ARN of something that lives in a cluster under an id of 32 hex digits. Ids of 36
// characters are the old form: well written, and never found here.
func memberKey(cluster state.ClusterKey, ref, kind, what string) (state.ClusterKey, string, error) {
	arn, isARN, err := parseARN(ref)
	if err != nil {
		return "", "", err
	}
	in, id := cluster, ref
	if isARN {
		if arn.kind != kind || len(arn.path) > 2 {
			return "", "", malformedARN()
		}
		in, id = arn.within(cluster)
	}
	if strings.Contains(id, "/") {
		return "", "", malformedARN()
	}
	if len(id) != 32 && len(id) != 36 {
		return "", "", invalid("%s length should be one of [32,36]", what)
	}
	return in, id, nil
}

// within is the cluster and name that kind/cluster/name or the old kind/name point to.
func (r reference) within(cluster state.ClusterKey) (state.ClusterKey, string) {
	if len(r.path) == 1 {
		return state.NewClusterKey(r.scope, cluster.Name()), r.path[0]
	}
	return state.NewClusterKey(r.scope, r.path[0]), r.path[1]
}

// deref is the value behind p, or the zero value.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// ptr is a pointer to a value, for wire members that are given.
func ptr[T any](v T) *T { return &v }

// opt is a pointer to a value, or nil for the zero value: a member that is left out.
func opt[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
