package ecs

import (
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func TestAClusterIsDeletedOnlyWhenItIsEmpty(t *testing.T) {
	r := newRig(t)
	instance := state.NewInstanceKey(r.cluster(), r.id())
	service := state.NewServiceKey(r.cluster(), "s")
	task := state.NewTaskKey(r.cluster(), r.id())
	r.put(func(tx *store.Tx) {
		tx.Instances().Put(&state.Instance{Key: instance, Status: state.StatusDraining})
		tx.Services().Put(&state.Service{Key: service, Status: state.StatusDraining})
		tx.Tasks().Put(&state.Task{Key: task, Last: state.Deprovisioning, TaskDefinition: "a/b/web/0000000001"})
	})
	del := &ecswire.DeleteClusterRequest{Cluster: ptr("default")}
	refused(r, r.api.DeleteCluster, del, "ClusterContainsContainerInstancesException: The Cluster cannot be deleted "+
		"while Container Instances are active or draining.")
	r.put(func(tx *store.Tx) { tx.Instances().Delete(instance) })
	refused(r, r.api.DeleteCluster, del, "ClusterContainsServicesException: The Cluster cannot be deleted while "+
		"Services are active.")
	r.put(func(tx *store.Tx) { tx.Services().Put(&state.Service{Key: service, Status: state.StatusInactive}) })
	refused(r, r.api.DeleteCluster, del, "ClusterContainsTasksException: The Cluster cannot be deleted while Tasks "+
		"are active.")
	r.put(func(tx *store.Tx) {
		tx.Tasks().Put(&state.Task{Key: task, Last: state.Stopped, TaskDefinition: "a/b/web/0000000001"})
	})
	call(r, r.api.DeleteCluster, del)

	// The name starts afresh: nothing of the old cluster is seen again.
	call(r, r.api.CreateCluster, &ecswire.CreateClusterRequest{})
	v := r.api.Store.View()
	_, hasTask := v.Tasks().Get(task)
	_, hasService := v.Services().Get(service)
	if hasTask || hasService {
		t.Errorf("of the old cluster the task (%v) or service (%v) is left", hasTask, hasService)
	}
}

func TestTheBuiltInInstanceLeavesWithItsCluster(t *testing.T) {
	r := newRig(t)
	key := state.NewInstanceKey(r.cluster(), r.id())
	r.put(func(tx *store.Tx) {
		tx.Instances().Put(&state.Instance{Key: key, Status: state.StatusActive, Managed: true})
	})
	call(r, r.api.DeleteCluster, &ecswire.DeleteClusterRequest{Cluster: ptr("default")})
	i, ok := r.api.Store.View().Instances().Get(key)
	if !ok || i.Status != state.StatusInactive {
		t.Errorf("the built-in instance is %+v", i)
	}
}

func TestClustersCountWhatRunsInThem(t *testing.T) {
	r := newRig(t)
	r.put(func(tx *store.Tx) {
		for i, last := range []state.Status{state.Running, state.Running, state.Pending, state.Provisioning,
			state.Stopping, state.Stopped} {
			launch := []string{state.LaunchFargate, state.LaunchEC2}[i%2]
			tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(r.cluster(), r.id()), Last: last, LaunchType: launch,
				TaskDefinition: "a/b/web/0000000001"})
		}
		for i, status := range []string{state.StatusActive, state.StatusDraining, state.StatusInactive} {
			tx.Services().Put(&state.Service{Key: state.NewServiceKey(r.cluster(), string(rune('a'+i))),
				Status: status, LaunchType: state.LaunchExternal})
			tx.Instances().Put(&state.Instance{Key: state.NewInstanceKey(r.cluster(), r.id()), Status: status})
		}
	})
	c := call(r, r.api.DescribeClusters, &ecswire.DescribeClustersRequest{Include: []string{"STATISTICS"}}).Clusters[0]
	got := []int32{*c.RunningTasksCount, *c.PendingTasksCount, *c.ActiveServicesCount,
		*c.RegisteredContainerInstancesCount}
	for i, want := range []int32{2, 2, 1, 2} {
		if got[i] != want {
			t.Errorf("counters are %v", got)
		}
	}
	statistics := map[string]string{}
	for _, s := range c.Statistics {
		statistics[*s.Name] = *s.Value
	}
	for name, want := range map[string]string{"runningFargateTasksCount": "1", "runningEC2TasksCount": "1",
		"pendingFargateTasksCount": "1", "pendingEC2TasksCount": "1", "activeExternalServiceCount": "1",
		"drainingExternalServiceCount": "1", "activeEC2ServiceCount": "0"} {
		if statistics[name] != want {
			t.Errorf("%s is %s, want %s", name, statistics[name], want)
		}
	}
}

func TestAProviderInUseStaysWithItsCluster(t *testing.T) {
	r := newRig(t)
	r.put(func(tx *store.Tx) {
		tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(r.cluster(), r.id()), Last: state.Running,
			CapacityProvider: providerFargate, TaskDefinition: "a/b/web/0000000001"})
	})
	refused(r, r.api.PutClusterCapacityProviders, &ecswire.PutClusterCapacityProvidersRequest{
		Cluster: ptr("default"), CapacityProviders: []string{"asg"}},
		"ResourceInUseException: The specified capacity provider is in use and cannot be removed.")
}

func TestTagsAreHeldByEveryKindOfResource(t *testing.T) {
	r := newRig(t)
	task, instance := state.NewTaskKey(r.cluster(), r.id()), state.NewInstanceKey(r.cluster(), r.id())
	service := state.NewServiceKey(r.cluster(), "s")
	r.put(func(tx *store.Tx) {
		tx.Tasks().Put(&state.Task{Key: task, Last: state.Running, TaskDefinition: "a/b/web/0000000001"})
		tx.Instances().Put(&state.Instance{Key: instance, Status: state.StatusActive})
		tx.Services().Put(&state.Service{Key: service, Status: state.StatusActive})
	})
	for _, arn := range []string{r.cluster().ARN(), task.ARN(), instance.ARN(), service.ARN(),
		state.NewProviderKey(testScope, "asg").ARN(), state.NewFamilyKey(testScope, "net").Revision(1).ARN()} {
		call(r, r.api.TagResource, &ecswire.TagResourceRequest{ResourceArn: ptr(arn),
			Tags: []ecswire.Tag{{Key: ptr("k"), Value: ptr("v")}, {Key: ptr("from"), Value: ptr("here")}}})
		call(r, r.api.UntagResource, &ecswire.UntagResourceRequest{ResourceArn: ptr(arn), TagKeys: []string{"k"}})
		tags := call(r, r.api.ListTagsForResource, &ecswire.ListTagsForResourceRequest{ResourceArn: ptr(arn)}).Tags
		if len(tags) != 1 || *tags[0].Key != "from" || *tags[0].Value != "here" {
			t.Errorf("%s has %d tags", arn, len(tags))
		}
	}
	many := []ecswire.Tag{}
	for range 50 {
		many = append(many, ecswire.Tag{Key: ptr("t" + r.id()[28:])})
	}
	refused(r, r.api.TagResource, &ecswire.TagResourceRequest{ResourceArn: ptr(r.cluster().ARN()), Tags: many},
		"InvalidParameterException: The maximum number of tags is 50.")
}

func TestAttributesAreThoseOfActiveInstances(t *testing.T) {
	r := newRig(t)
	key := state.NewInstanceKey(r.cluster(), r.id())
	r.put(func(tx *store.Tx) {
		tx.Instances().Put(&state.Instance{Key: key, Status: state.StatusActive,
			Attributes: []state.Attribute{{Name: "ecs.os-type", Value: "linux"}}})
	})
	give := func(name, value string) []ecswire.Attribute {
		return []ecswire.Attribute{{Name: ptr(name), Value: ptr(value), TargetId: ptr(key.ARN())}}
	}
	call(r, r.api.PutAttributes, &ecswire.PutAttributesRequest{Attributes: give("stack", "prod")})
	call(r, r.api.PutAttributes, &ecswire.PutAttributesRequest{Attributes: give("stack", "test")})
	list := &ecswire.ListAttributesRequest{TargetType: ptr("container-instance")}
	found := call(r, r.api.ListAttributes, list).Attributes
	if len(found) != 2 || *found[1].Name != "stack" || *found[1].Value != "test" || *found[1].TargetId != key.ARN() {
		t.Errorf("attributes are %v", found)
	}
	list.AttributeName, list.AttributeValue = ptr("stack"), ptr("prod")
	if found := call(r, r.api.ListAttributes, list).Attributes; len(found) != 0 {
		t.Errorf("the old value is still found: %v", found)
	}
	for i := range 9 {
		call(r, r.api.PutAttributes, &ecswire.PutAttributesRequest{Attributes: give("a"+string(rune('0'+i)), "")})
	}
	refused(r, r.api.PutAttributes, &ecswire.PutAttributesRequest{Attributes: give("eleventh", "")},
		"AttributeLimitExceededException: You have reached the maximum number of custom attributes for the resource "+
			key.ARN()+".")
	call(r, r.api.DeleteAttributes, &ecswire.DeleteAttributesRequest{Attributes: give("stack", "")})
	call(r, r.api.PutAttributes, &ecswire.PutAttributesRequest{Attributes: give("eleventh", "")})
}
