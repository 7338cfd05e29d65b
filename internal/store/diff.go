package store

// diff is what changed from t to now, table by table in the order of keys.
func (t *tables) diff(now *tables) []Change {
	var out []Change
	out = diffRows(out, t.clusters, now.clusters)
	out = diffRows(out, t.providers, now.providers)
	out = diffRows(out, t.families, now.families)
	out = diffRows(out, t.taskDefinitions, now.taskDefinitions)
	out = diffRows(out, t.accountSettings, now.accountSettings)
	out = diffRows(out, t.clientTokens, now.clientTokens)
	out = diffRows(out, t.tasks, now.tasks)
	out = diffRows(out, t.instances, now.instances)
	out = diffRows(out, t.services, now.services)
	out = diffRows(out, t.deployments, now.deployments)
	out = diffRows(out, t.serviceDeployments, now.serviceDeployments)
	out = diffRows(out, t.serviceRevisions, now.serviceRevisions)
	out = diffRows(out, t.events, now.events)
	out = diffRows(out, t.vpcs, now.vpcs)
	out = diffRows(out, t.subnets, now.subnets)
	out = diffRows(out, t.securityGroups, now.securityGroups)
	out = diffRows(out, t.logGroups, now.logGroups)
	out = diffRows(out, t.logStreams, now.logStreams)
	return out
}

// diffRows appends the changes of one table: first what was deleted, then what is new or different.
func diffRows[T any](out []Change, was, now *rows[T]) []Change {
	was.primary.Scan(func(key string, old *T) bool {
		_, ok := now.primary.Get(key)
		if !ok {
			out = append(out, Change{Table: was.schema.name, Key: key, Old: old})
		}
		return true
	})
	now.primary.Scan(func(key string, v *T) bool {
		old, ok := was.primary.Get(key)
		if !ok || !same(old, v) {
			out = append(out, Change{Table: now.schema.name, Key: key, Old: anyOf(old), New: v})
		}
		return true
	})
	return out
}
