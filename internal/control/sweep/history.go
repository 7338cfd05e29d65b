package sweep

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// events to forget: those beyond the newest of their service, the old, and those of services that are gone.
// Keys put the events of one service together, oldest first.
func (a Ages) events(v store.View, now time.Time, limit int) []string {
	var out, newest []string
	var of state.ServiceKey
	var known bool
	for e := range v.Events().All() {
		if len(out) >= limit {
			break
		}
		if e.Service != of {
			of, newest = e.Service, newest[:0]
			_, known = v.Services().Get(of)
		}
		switch {
		case !known || older(e.At, a.Events, now):
			out = append(out, e.Key)
		case len(newest) == keptOf:
			out = append(out, newest[0])
			newest = append(newest[1:], e.Key)
		default:
			newest = append(newest, e.Key)
		}
	}
	return out
}

// deployments to forget: finished ones that are old or beyond the newest of their service, unless a
// deployment of today came of them.
func (a Ages) deployments(v store.View, now time.Time, limit int) []string {
	var out []string
	var group []*state.ServiceDeployment
	flush := func() {
		out = append(out, a.pastOf(v, group, now)...)
		group = group[:0]
	}
	for d := range v.ServiceDeployments().All() {
		if len(out) >= limit {
			break
		}
		if len(group) > 0 && group[0].Service != d.Service {
			flush()
		}
		group = append(group, d)
	}
	flush()
	return out[:min(limit, len(out))]
}

// pastOf the service deployments of one service.
func (a Ages) pastOf(v store.View, all []*state.ServiceDeployment, now time.Time) []string {
	if len(all) == 0 {
		return nil
	}
	used := map[state.ServiceDeploymentKey]bool{}
	for d := range v.Deployments().OfService(all[0].Service) {
		used[d.ServiceDeployment] = true
	}
	_, known := v.Services().Get(all[0].Service)
	slices.SortFunc(all, func(x, y *state.ServiceDeployment) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), strings.Compare(string(y.Key), string(x.Key)))
	})
	var out []string
	for i, d := range all {
		at, over := finished(d)
		if !known || over && !used[d.Key] && (i >= keptOf || older(at, a.Deployments, now)) {
			out = append(out, string(d.Key))
		}
	}
	return out
}

// revisions to forget: those that no deployment and no service deployment speaks of.
func revisions(v store.View, limit int) []string {
	used := map[state.RevisionKey]bool{}
	for d := range v.Deployments().All() {
		used[d.Revision] = true
	}
	for d := range v.ServiceDeployments().All() {
		used[d.Target], used[d.RollbackTo] = true, true
		for _, s := range d.Sources {
			used[s] = true
		}
	}
	var out []string
	for r := range v.ServiceRevisions().All() {
		if len(out) >= limit {
			break
		}
		if !used[r.Key] {
			out = append(out, string(r.Key))
		}
	}
	return out
}
