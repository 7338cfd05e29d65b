package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// held is what a store holds before a daemon is started on it.
type held struct {
	services, perService int
	stopped              int // tasks of the past hour, without a service
}

const heldCluster = "held"

func heldKey() state.ClusterKey {
	return state.NewClusterKey(state.Scope{Account: daemon.DefaultAccount, Region: daemon.DefaultRegion}, heldCluster)
}

// heldTask is the key of a service's n-th task; ids are scattered as real ones are.
func heldTask(service, n int) state.TaskKey {
	i := service*100_000 + n
	return state.NewTaskKey(heldKey(), fmt.Sprintf("%016x%016x", scatter(2*i), scatter(2*i+1)))
}

// hold writes services that are steady, with all their tasks running, into a data directory.
func (b *bench) hold(dir string, h held) error {
	engine, err := pebble.Open(pebble.Config{Dir: filepath.Join(dir, "records")})
	if err != nil {
		return err
	}
	st, err := store.Open(b, engine)
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	at := time.Now().Add(-10 * time.Minute)
	td := state.NewFamilyKey(heldKey().Scope(), "held").Revision(1)
	err = st.Update(b, func(tx *store.Tx) error {
		tx.Clusters().Put(&state.Cluster{Key: heldKey(), Status: state.StatusActive, CreatedAt: at, ContainerInsights: "disabled"})
		tx.Families().Put(&state.Family{Key: td.Family(), Last: 1})
		tx.TaskDefinitions().Put(&state.TaskDefinition{Key: td, Status: state.StatusActive, RegisteredAt: at, NetworkMode: "bridge",
			Containers: []state.Container{{Name: "web", Image: "registry.example/web:1", Memory: 20, Essential: true}}})
		for i := range 100 {
			tx.Instances().Put(&state.Instance{Key: heldInstance(i), Kind: state.KindEC2, RegisteredAt: at, Status: state.StatusActive,
				CPU: 1 << 20, Memory: 1 << 20, AgentVersion: "1.0.0", DisconnectedAt: at, Version: 1})
		}
		return nil
	})
	for s := 0; err == nil && s < h.services; s++ {
		err = st.Update(b, func(tx *store.Tx) error {
			holdService(tx, s, h.perService, td, at)
			return nil
		})
	}
	if err == nil {
		err = st.Update(b, func(tx *store.Tx) error {
			for n := range h.stopped {
				t := heldTaskOf("", "", n, heldTask(1<<20, n), td, at)
				t.Desired, t.Last, t.StoppedAt, t.Released = state.Stopped, state.Stopped, time.Now(), time.Now()
				tx.Tasks().Put(t)
			}
			return nil
		})
	}
	return errors.Join(err, st.Close())
}

func heldInstance(i int) state.InstanceKey {
	return state.NewInstanceKey(heldKey(), fmt.Sprintf("%032x", i))
}

func heldService(n int) string { return fmt.Sprintf("service-%04d", n) }

func holdService(tx *store.Tx, n, tasks int, td state.TaskDefinitionKey, at time.Time) {
	key := state.NewServiceKey(heldKey(), heldService(n))
	number := fmt.Sprintf("%019d", 1_000_000_000_000_000_000+n)
	story := fmt.Sprintf("%021d", n)
	config := state.DeployConfig{Controller: "ECS", Strategy: "ROLLING", MaximumPercent: 200, MinimumHealthyPercent: 100}
	d := &state.Deployment{Key: state.NewDeploymentKey(key, number), Service: key, Revision: state.NewRevisionKey(key, number),
		ServiceDeployment: state.NewServiceDeploymentKey(key, story), CreatedAt: at, UpdatedAt: at, TaskDefinition: td,
		LaunchType: state.LaunchEC2, Status: state.DeploymentPrimary, Rollout: state.RolloutCompleted, DesiredCount: tasks,
		RolloutReason: "ECS deployment " + number + " completed.", Reached: true, Completed: true}
	tx.Services().Put(&state.Service{Key: key, Status: state.StatusActive, Generation: 1, CreatedAt: at,
		Scheduling: state.SchedulingReplica, DesiredCount: tasks, TaskDefinition: td, LaunchType: state.LaunchEC2, Deploy: config,
		AZRebalancing: "DISABLED", PropagateTags: "NONE", SteadyAt: at})
	tx.Deployments().Put(d)
	tx.ServiceRevisions().Put(&state.ServiceRevision{Key: d.Revision, Service: key, CreatedAt: at, TaskDefinition: td,
		LaunchType: state.LaunchEC2})
	tx.ServiceDeployments().Put(&state.ServiceDeployment{Key: d.ServiceDeployment, Service: key, CreatedAt: at, StartedAt: at,
		FinishedAt: at, UpdatedAt: at, Target: d.Revision, Config: config, Status: state.ServiceDeploymentSuccessful})
	for i := range tasks {
		tx.Tasks().Put(heldTaskOf(key, d.Key, i, heldTask(n, i), td, at))
	}
}

func heldTaskOf(s state.ServiceKey, d state.DeploymentKey, n int, key state.TaskKey, td state.TaskDefinitionKey, at time.Time) *state.Task {
	t := &state.Task{Key: key, Service: s, Deployment: d, TaskDefinition: td, CreatedAt: at, Version: 3,
		LaunchType: state.LaunchEC2, Group: "family:held", Need: state.Need{CPU: 0, Memory: 20}, Desired: state.Running,
		Instance: heldInstance(n % 100), Last: state.Running, Health: state.HealthUnknown, Connectivity: "CONNECTED",
		ConnectivityAt: at, PullStartedAt: at, PullStoppedAt: at, StartedAt: at, SeenHealthy: true,
		Containers: []state.TaskContainer{{ID: "00000000-0000-4000-8000-" + key.ID()[:12], Name: "web", Image: "registry.example/web:1",
			RuntimeID: key.ID() + key.ID(), Last: state.Running, Health: state.HealthUnknown, Memory: 20}}}
	if s != "" {
		t.Group, t.StartedBy = "service:"+s.Name(), d.ID()
	}
	return t
}
