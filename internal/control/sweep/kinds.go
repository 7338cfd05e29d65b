package sweep

import (
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

func (s *Sweep) findTasks(v store.View, now time.Time) []string {
	return pick(v.Tasks().All(), s.Limit, func(t *state.Task) bool { return s.Ages.task(t, now) },
		func(t *state.Task) string { return string(t.Key) })
}

func (s *Sweep) dropTask(tx *store.Tx, key string, now time.Time) {
	t, ok := tx.Tasks().Get(state.TaskKey(key))
	if ok && s.Ages.task(t, now) {
		tx.Tasks().Delete(t.Key)
	}
}

func (s *Sweep) findServices(v store.View, now time.Time) []string {
	return pick(v.Services().All(), s.Limit, func(x *state.Service) bool { return s.Ages.service(x, now) },
		func(x *state.Service) string { return string(x.Key) })
}

// dropService forgets the service and its deployments; its events, service deployments and revisions follow
// as their own kinds.
func (s *Sweep) dropService(tx *store.Tx, key string, now time.Time) {
	x, ok := tx.Services().Get(state.ServiceKey(key))
	if !ok || !s.Ages.service(x, now) {
		return
	}
	for d := range tx.Deployments().OfService(x.Key) {
		tx.Deployments().Delete(d.Key)
	}
	tx.Services().Delete(x.Key)
}

func (s *Sweep) findDefinitions(v store.View, _ time.Time) []string {
	return pick(v.TaskDefinitions().All(), s.Limit, func(d *state.TaskDefinition) bool { return definition(v, d) },
		func(d *state.TaskDefinition) string { return string(d.Key) })
}

func (s *Sweep) dropDefinition(tx *store.Tx, key string, _ time.Time) {
	d, ok := tx.TaskDefinitions().Get(state.TaskDefinitionKey(key))
	if ok && definition(tx.View(), d) {
		tx.TaskDefinitions().Delete(d.Key)
	}
}

func (s *Sweep) findInstances(v store.View, now time.Time) []string {
	return pick(v.Instances().All(), s.Limit, func(i *state.Instance) bool {
		return s.Ages.instance(i, now) && !hasTasks(v, i.Key)
	}, func(i *state.Instance) string { return string(i.Key) })
}

func (s *Sweep) dropInstance(tx *store.Tx, key string, now time.Time) {
	i, ok := tx.Instances().Get(state.InstanceKey(key))
	if ok && s.Ages.instance(i, now) && !hasTasks(tx.View(), i.Key) {
		tx.Instances().Delete(i.Key)
	}
}

func hasTasks(v store.View, k state.InstanceKey) bool {
	for range v.Tasks().OfInstance(k) {
		return true
	}
	return false
}

func (s *Sweep) findClusters(v store.View, now time.Time) []string {
	return pick(v.Clusters().All(), s.Limit, func(c *state.Cluster) bool {
		return s.Ages.cluster(c, now) && empty(v, c.Key)
	}, func(c *state.Cluster) string { return string(c.Key) })
}

func (s *Sweep) dropCluster(tx *store.Tx, key string, now time.Time) {
	c, ok := tx.Clusters().Get(state.ClusterKey(key))
	if ok && s.Ages.cluster(c, now) && empty(tx.View(), c.Key) {
		tx.Clusters().Delete(c.Key)
	}
}

// empty says whether all that was in the cluster is forgotten.
func empty(v store.View, k state.ClusterKey) bool {
	for range v.Services().OfCluster(k) {
		return false
	}
	for range v.Tasks().OfCluster(k) {
		return false
	}
	for range v.Instances().OfCluster(k) {
		return false
	}
	return true
}

func (s *Sweep) findTokens(v store.View, now time.Time) []string {
	return pick(v.ClientTokens().All(), s.Limit, func(t *state.ClientToken) bool { return s.Ages.token(t, now) },
		func(t *state.ClientToken) string { return t.Key })
}

func (s *Sweep) dropToken(tx *store.Tx, key string, now time.Time) {
	t, ok := tx.ClientTokens().Get(key)
	if ok && s.Ages.token(t, now) {
		tx.ClientTokens().Delete(key)
	}
}
