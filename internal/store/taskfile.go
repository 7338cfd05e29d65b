package store

import (
	"iter"
	"strings"

	"longshore/internal/state"
)

// TaskFile is where an index files tasks of one cluster together. Live ones and stopped ones are filed apart.
type TaskFile struct{ index, name, prefix string }

// FileOfService are the tasks of a service.
func FileOfService(k state.ServiceKey) TaskFile { return TaskFile{index: taskService, name: string(k)} }

// FileOfInstance are the tasks that were placed on an instance.
func FileOfInstance(k state.InstanceKey) TaskFile {
	return TaskFile{index: taskInstance, name: string(k)}
}

// FileOfFamily are the tasks of a family in a cluster.
func FileOfFamily(c state.ClusterKey, family string) TaskFile {
	return TaskFile{taskFamily, string(state.NewFamilyKey(c.Scope(), family)), string(c) + "/"}
}

// FileStartedBy are the tasks of a cluster with that startedBy.
func FileStartedBy(c state.ClusterKey, by string) TaskFile {
	return TaskFile{taskStartedBy, by, string(c) + "/"}
}

// Live yields the keys of a file's live tasks behind after, in order. It reads no record: of a large table that is
// most of the cost, because keys lie together and records do not.
func (t Tasks) Live(f TaskFile, after state.TaskKey) iter.Seq[state.TaskKey] {
	return t.filed(f.index, f, after)
}

// Past yields the keys of a file's stopped tasks behind after, in order.
func (t Tasks) Past(f TaskFile, after state.TaskKey) iter.Seq[state.TaskKey] {
	return t.filed(f.index+past, f, after)
}

func (t Tasks) filed(index string, f TaskFile, after state.TaskKey) iter.Seq[state.TaskKey] {
	n := t.index(index)
	return func(yield func(state.TaskKey) bool) {
		r, was := t.share()
		defer t.unshare(r, was)
		g, ok := r.indexes[n].Get(f.name)
		if !ok {
			return
		}
		from := f.prefix
		if after != "" {
			from = max(from, string(after)+"\x00")
		}
		g.keys.Ascend(from, func(key string, _ struct{}) bool {
			return strings.HasPrefix(key, f.prefix) && yield(state.TaskKey(key))
		})
	}
}
