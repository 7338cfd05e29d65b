package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"longshore/internal/state"
	"longshore/internal/store"
)

// neverAgain are the tables whose keys are drawn or counted, so that none may come twice.
var neverAgain = map[string]string{
	"tasks": "D4", "instances": "D4", "deployments": "D4", "servicedeployments": "D4", "servicerevisions": "D4",
	"events": "D4", "taskdefinitions": "D6",
}

// unique expects a new record to have a new name.
func (o *Oracle) unique(c store.Change) {
	rule, ruled := neverAgain[c.Table]
	if !ruled || c.Old != nil || c.New == nil {
		return
	}
	name := c.Table + " " + c.Key
	if o.used[name] {
		o.violate(rule, "%s was made a second time", name)
	}
	o.used[name] = true
}

// familyChanged expects revision numbers to grow by one.
func (o *Oracle) familyChanged(old, now *state.Family) {
	last := 0
	if old != nil {
		last = old.Last
	}
	if now.Last != last && now.Last != last+1 {
		o.violate("D6", "family %s: revision %d follows %d", now.Key, now.Last, last)
	}
}

// eventTold expects the lines of a service's story to be told in the order of their keys.
func (o *Oracle) eventTold(e *state.Event) {
	rest, ok := strings.CutPrefix(e.Key, string(e.Service)+"/")
	if !ok {
		o.violate("D4", "event %s is filed away from its service %s", e.Key, e.Service)
		return
	}
	generation, _, _ := strings.Cut(rest, "/")
	story := string(e.Service) + "/" + generation
	if e.Key <= o.lastEvent[story] {
		o.violate("D4", "event %s was told after %s", e.Key, o.lastEvent[story])
	}
	o.lastEvent[story] = max(o.lastEvent[story], e.Key)
}

// EffectPrefix heads the startedBy of a RunTask whose count the oracle is to hold it to: "once-3-…" makes three tasks
// at the most, however often it is sent.
const EffectPrefix = "once-"

// effect counts the tasks that a call with a client token made.
func (o *Oracle) effect(old, now *state.Task) {
	rest, ok := strings.CutPrefix(now.StartedBy, EffectPrefix)
	if !ok || old != nil {
		return
	}
	count, _, _ := strings.Cut(rest, "-")
	limit, err := strconv.Atoi(count)
	if err != nil {
		return
	}
	o.effects[now.StartedBy]++
	if o.effects[now.StartedBy] > limit {
		o.violate("D5", "the call %s has started %d tasks", now.StartedBy, o.effects[now.StartedBy])
	}
}

// book takes a record into the books; nil takes it out.
func (o *Oracle) book(table, key string, record any) {
	rows := o.shadow[table]
	if rows == nil {
		rows = map[string]any{}
		o.shadow[table] = rows
	}
	if record == nil {
		o.unfile(rows[key])
		delete(rows, key)
		return
	}
	o.unfile(rows[key])
	rows[key] = record
	switch r := record.(type) {
	case *state.Task:
		o.fileTask(r)
	case *state.Service:
		o.services[r.Key] = r
	case *state.Deployment:
		o.deployments[r.Key] = r
	case *state.Instance:
		o.instances[r.Key] = r
		o.noteAway(r)
	case *state.TaskDefinition:
		o.definitions[r.Key] = r
	}
}

func (o *Oracle) fileTask(t *state.Task) {
	o.tasks[t.Key] = t
	o.note(t)
	if !t.Live() {
		return
	}
	file(o.byService, t.Service, t.Key)
	file(o.byInstance, t.Instance, t.Key)
}

func file[K ~string](index map[K]map[state.TaskKey]bool, k K, t state.TaskKey) {
	if k == "" {
		return
	}
	if index[k] == nil {
		index[k] = map[state.TaskKey]bool{}
	}
	index[k][t] = true
}

func (o *Oracle) unfile(record any) {
	switch r := record.(type) {
	case *state.Task:
		delete(o.tasks, r.Key) // its moments stay: a record is unfiled whenever it changes
		delete(o.byService[r.Service], r.Key)
		delete(o.byInstance[r.Instance], r.Key)
	case *state.Service:
		delete(o.services, r.Key)
	case *state.Deployment:
		delete(o.deployments, r.Key)
	case *state.Instance:
		delete(o.instances, r.Key)
	case *state.TaskDefinition:
		delete(o.definitions, r.Key)
	}
}

// Reopened judges what a control plane finds when it starts on the disk that the last one left: every published
// commit, and nothing of any other but whole ones that were on their way.
func (o *Oracle) Reopened(v store.View) {
	o.counts.Restarts++
	if v.Revision() < o.rev {
		o.violate("D1", "revision %d was published, the store opens at %d", o.rev, v.Revision())
	}
	found := records(v)
	var differ []string
	for table, rows := range found {
		for key, now := range rows {
			old := o.shadow[table][key]
			if !same(old, now) {
				differ = append(differ, o.difference(table, key, old, now))
			}
		}
	}
	for table, rows := range o.shadow {
		for key := range rows {
			_, ok := found[table][key]
			if !ok && listed(found, table) {
				differ = append(differ, fmt.Sprintf("%s %s is gone", table, key))
			}
		}
	}
	slices.Sort(differ)
	if v.Revision() == o.rev && len(differ) > 0 {
		o.violate("D1", "revision %d came back with %d records changed: %s", o.rev, len(differ),
			strings.Join(differ[:min(3, len(differ))], "; "))
	}
	o.takeOver(v.Revision(), found)
}

func listed(found map[string]map[string]any, table string) bool {
	_, ok := found[table]
	return ok
}

func (o *Oracle) difference(table, key string, old, now any) string {
	if old == nil {
		return fmt.Sprintf("%s %s is new", table, key)
	}
	return fmt.Sprintf("%s %s was %+v and is %+v", table, key, old, now)
}

// takeOver judges what landed unseen like a commit, and goes on from there.
func (o *Oracle) takeOver(revision uint64, found map[string]map[string]any) {
	before := o.shadow
	for _, table := range slices.Sorted(maps.Keys(found)) {
		for _, key := range slices.Sorted(maps.Keys(found[table])) {
			old, now := before[table][key], found[table][key]
			if same(old, now) {
				continue
			}
			o.unique(store.Change{Table: table, Key: key, Old: old, New: now})
			o.landed(old, now)
		}
	}
	o.forget()
	for table, rows := range found {
		for key, record := range rows {
			o.book(table, key, record)
		}
	}
	o.rev = max(o.rev, revision)
}

// landed judges a record that changed and was never told of.
func (o *Oracle) landed(old, now any) {
	switch now := now.(type) {
	case *state.Task:
		was, _ := old.(*state.Task)
		o.forward(was, now)
		o.effect(was, now)
		o.proved(was, now)
	case *state.Deployment:
		was, _ := old.(*state.Deployment)
		o.rolled(was, now)
	case *state.Instance:
		was, _ := old.(*state.Instance)
		o.drained(was, now)
	}
}
