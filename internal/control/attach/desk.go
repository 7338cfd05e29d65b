package attach

import (
	"net/netip"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// desk hands out addresses within one Update. It writes at the end only: a transaction that reads and writes
// by turns copies more.
type desk struct {
	a       *Attach
	tx      *store.Tx
	changed []*state.Task
	blocked []state.TaskKey // still without an address
	events  []*state.Event
	full    map[state.ResourceKey]bool // subnets without a free address
	taken   map[string]bool            // addresses given in this Update
	groups  map[string]string          // default security groups by VPC
	said    map[state.ServiceKey]bool  // services whose wait was told
}

// serve moves some tasks on.
func (d *desk) serve(tasks []*state.Task) {
	now := d.a.Now()
	for _, t := range tasks {
		t, ok := d.tx.Tasks().Get(t.Key)
		if !ok || !detached(t) {
			continue
		}
		t = t.Clone()
		switch {
		case t.Desired == state.Stopped:
			ended(t, now)
		case t.Network == nil || t.Interface != nil || d.connect(t, now):
			pending(t)
		default:
			d.blocked = append(d.blocked, t.Key)
			d.wait(t, now)
			continue
		}
		d.changed = append(d.changed, t)
	}
	for _, t := range d.changed {
		d.tx.Tasks().Put(t)
	}
	for _, e := range d.events {
		d.tx.Tell(e.Service, e.At, e.ID, e.Message)
	}
}

// connect gives the task an interface in one of its subnets; false when none has an address.
func (d *desk) connect(t *state.Task, now time.Time) bool {
	scope := t.Key.Cluster().Scope()
	var subnets []*state.Subnet
	for _, id := range t.Network.Subnets {
		s, ok := d.tx.Subnets().Get(state.NewResourceKey(scope, id))
		if ok && !d.full[s.Key] {
			subnets = append(subnets, s)
		}
	}
	for _, s := range prefer(subnets, t.Zone, d.a.nextTurn()) {
		address, ok := d.free(s)
		if !ok {
			d.full[s.Key] = true
			continue
		}
		d.taken[address.String()+" "+string(s.Key)] = true
		t.Interface = d.build(t, s, address, now)
		if t.LaunchType == state.LaunchFargate || t.Zone == "" {
			t.Zone = s.Zone
		}
		return true
	}
	return false
}

// free is the next address of the subnet that no live task holds, going round from where the last search
// ended, so that an address rests before it is used again.
func (d *desk) free(s *state.Subnet) (netip.Addr, bool) {
	n := usable(s.CIDR)
	from := d.a.from(s.Key)
	for i := range n {
		at := (from + i) % n
		address := nth(s.CIDR, at)
		if d.taken[address.String()+" "+string(s.Key)] ||
			d.tx.Tasks().AddressTaken(s.Key.Scope(), s.Key.ID(), address.String()) {
			continue
		}
		d.a.goOn(s.Key, at+1)
		return address, true
	}
	return netip.Addr{}, false
}

func (d *desk) build(t *state.Task, s *state.Subnet, address netip.Addr, now time.Time) *state.Interface {
	scope := s.Key.Scope()
	i := &state.Interface{
		ID:           "eni-" + d.a.NewHex(17),
		AttachmentID: d.a.NewID(),
		Subnet:       s.Key.ID(),
		VPC:          s.VPC,
		Groups:       t.Network.SecurityGroups,
		Address:      address,
		SubnetCIDR:   s.CIDR,
		MAC:          mac(d.a.NewHex(10)),
		PrivateDNS:   privateDNS(address, scope.Region),
		Status:       "PRECREATED",
		CreatedAt:    now,
	}
	v, ok := d.tx.VPCs().Get(state.NewResourceKey(scope, s.VPC))
	if ok {
		i.VPCCIDR = v.CIDR
	}
	if len(i.Groups) == 0 {
		i.Groups = []string{d.defaultGroup(scope, s.VPC)}
	}
	return i
}

// defaultGroup of a VPC: tasks that name no security group are in it.
func (d *desk) defaultGroup(scope state.Scope, vpc string) string {
	id, ok := d.groups[scope.String()+vpc]
	if ok {
		return id
	}
	for g := range d.tx.SecurityGroups().Prefix(scope.String() + "/") {
		if g.VPC == vpc && g.Name == "default" {
			id = g.Key.ID()
		}
	}
	d.groups[scope.String()+vpc] = id
	return id
}

// wait writes down that the task found no address, and tells its service once.
func (d *desk) wait(t *state.Task, now time.Time) {
	if !waits(t, now) {
		d.said[t.Service] = true
		return
	}
	d.changed = append(d.changed, t)
	s, ok := d.tx.Services().Get(t.Service)
	if ok && !d.said[t.Service] {
		d.said[t.Service] = true
		d.events = append(d.events, notice(s, t.Waiting.Reason, d.a.NewID(), now))
	}
}

func (a *Attach) nextTurn() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn++
	return a.turn
}

func (a *Attach) from(k state.ResourceKey) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cursor[string(k)]
}

func (a *Attach) goOn(k state.ResourceKey, at int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cursor[string(k)] = at
}
