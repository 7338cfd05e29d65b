package ecs

import (
	"iter"
	"slices"

	"longshore/internal/state"
	"longshore/internal/store"
)

// maxLeaving bounds what a listing of one file of tasks copies of the tally; above it the records are read.
const maxLeaving = 256

// search is one look for the tasks that ListTasks shows.
type search struct {
	taskFilter
	v       store.View
	cluster state.ClusterKey
	after   state.TaskKey
	// leaving are the live tasks whose desired status is STOPPED, sorted. known = false: nobody counted, so the records
	// must be read.
	leaving []state.TaskKey
	known   bool
}

// collect gives the keys that match, sorted, from the page's start to one behind its end.
func (a *API) collect(f taskFilter, v store.View, cluster state.ClusterKey, p paging) []state.TaskKey {
	s := search{taskFilter: f, v: v, cluster: cluster, after: state.TaskKey(p.after)}
	most := maxLeaving
	if f.wide() {
		most = v.Tasks().Len()
	}
	if f.within(cluster) && (!f.wide() || f.desired == state.Stopped) {
		s.leaving, s.known = a.tally.leaving(v, cluster, most)
	}
	if s.known {
		s.v = a.Store.View() // at least as new as what was said of the leaving: who has left since is past in it
	}
	out := make([]state.TaskKey, 0, p.limit+1)
	for _, run := range s.runs() {
		found := 0
		for k := range run {
			out = append(out, k)
			found++
			if found > p.limit {
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// within says that the filter names nothing of another cluster.
func (f taskFilter) within(cluster state.ClusterKey) bool {
	return (f.service == "" || f.service.Cluster() == cluster) && (f.instance == "" || f.instance.Cluster() == cluster)
}

// runs are sorted keys of tasks that match. What is past is filed by family, what leaves is known by name; looking
// through all tasks is left where that is the shorter way.
func (s search) runs() []iter.Seq[state.TaskKey] {
	file, ok := s.file()
	if ok {
		return append(s.live(file), s.past(file)...)
	}
	if s.desired != state.Stopped || !s.known || s.v.Families().Len() > s.v.Tasks().Len() {
		return []iter.Seq[state.TaskKey]{s.kept(s.v.Tasks().After(string(s.cluster)+"/", s.after))}
	}
	out := []iter.Seq[state.TaskKey]{s.read(slices.Values(s.leaving))}
	for f := range s.v.Families().Prefix(s.cluster.Scope().String() + "/") {
		out = append(out, s.past(store.FileOfFamily(s.cluster, f.Key.Name()))...)
	}
	return out
}

// file is the narrowest that the filter allows; false = none.
func (s search) file() (store.TaskFile, bool) {
	switch {
	case s.service != "":
		return store.FileOfService(s.service), true
	case s.instance != "":
		return store.FileOfInstance(s.instance), true
	case s.by != "":
		return store.FileStartedBy(s.cluster, s.by), true
	case s.family != "":
		return store.FileOfFamily(s.cluster, s.family), true
	}
	return store.TaskFile{}, false
}

// plain says that every task of the file matches but for its desired status.
func (s search) plain() bool {
	filters := 0
	for _, set := range []bool{s.service != "", s.instance != "", s.by != "", s.family != "", s.launch != ""} {
		if set {
			filters++
		}
	}
	return filters == 0 || filters == 1 && s.launch == ""
}

// live are those of a file's live tasks that match. Without a look at the record a task is RUNNING unless it leaves.
func (s search) live(f store.TaskFile) []iter.Seq[state.TaskKey] {
	all := s.v.Tasks().Live(f, s.after)
	switch {
	case s.known && s.desired == state.Stopped:
		return []iter.Seq[state.TaskKey]{s.read(slices.Values(s.leaving))}
	case !s.known || s.desired != state.Running || !s.plain():
		return []iter.Seq[state.TaskKey]{s.read(all)}
	case len(s.leaving) == 0:
		return []iter.Seq[state.TaskKey]{all}
	}
	return []iter.Seq[state.TaskKey]{func(yield func(state.TaskKey) bool) {
		for k := range all {
			_, leaves := slices.BinarySearch(s.leaving, k)
			if !leaves && !yield(k) {
				return
			}
		}
	}}
}

// past are those of a file's stopped tasks that match: only those whose desired status is STOPPED can be among them.
func (s search) past(f store.TaskFile) []iter.Seq[state.TaskKey] {
	if s.desired != state.Stopped {
		return nil
	}
	all := s.v.Tasks().Past(f, s.after)
	if !s.plain() {
		all = s.read(all)
	}
	return []iter.Seq[state.TaskKey]{all}
}

// read looks at the records of keys.
func (s search) read(keys iter.Seq[state.TaskKey]) iter.Seq[state.TaskKey] {
	return s.kept(func(yield func(*state.Task) bool) {
		for k := range keys {
			t, ok := s.v.Tasks().Get(k)
			if ok && !yield(t) {
				return
			}
		}
	})
}

// kept are the keys of the records that match.
func (s search) kept(tasks iter.Seq[*state.Task]) iter.Seq[state.TaskKey] {
	return func(yield func(state.TaskKey) bool) {
		for t := range tasks {
			if t.Key > s.after && s.keeps(t) && !yield(t.Key) {
				return
			}
		}
	}
}
