package attach

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

var (
	scope   = state.Scope{Account: "123456789012", Region: "us-east-1"}
	cluster = state.NewClusterKey(scope, "c")
	web     = state.NewServiceKey(cluster, "web")
	host    = state.NewInstanceKey(cluster, "i1")
)

type rig struct {
	t  *testing.T
	st *store.Store
}

// run runs the promise on a memory store with a VPC of three small subnets.
func run(t *testing.T, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), memory.Engine{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		p := New(Config{Store: st, Now: time.Now, Batch: 4,
			NewID:  func() string { n++; return fmt.Sprint("id", n) },
			NewHex: func(digits int) string { n++; return fmt.Sprintf("%0*x", digits, n) }})
		go func() {
			_ = loop.Run(ctx, loop.Config{Store: st, Promise: p, Now: time.Now,
				Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		}()
		synctest.Wait()
		r := &rig{t, st}
		r.update(func(tx *store.Tx) {
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive})
			tx.VPCs().Put(&state.VPC{Key: state.NewResourceKey(scope, "vpc-1"), CIDR: netip.MustParsePrefix("10.0.0.0/16")})
			tx.SecurityGroups().Put(&state.SecurityGroup{Key: state.NewResourceKey(scope, "sg-1"), VPC: "vpc-1", Name: "default"})
			for i, z := range []string{"a", "b", "c"} {
				tx.Subnets().Put(&state.Subnet{Key: state.NewResourceKey(scope, fmt.Sprint("subnet-", i)), VPC: "vpc-1",
					CIDR: netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/28", i)), Zone: z})
			}
		})
		test(r)
		cancel()
		synctest.Wait()
	})
}

func (r *rig) update(fn func(tx *store.Tx)) {
	r.t.Helper()
	err := r.st.Update(r.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) task(n int) *state.Task {
	r.t.Helper()
	t, ok := r.st.View().Tasks().Get(placed(n, "").Key)
	if !ok {
		r.t.Fatalf("no task %d", n)
	}
	return t
}

// placed is an awsvpc task with an instance in a zone.
func placed(n int, zone string, subnets ...string) *state.Task {
	return &state.Task{Key: state.NewTaskKey(cluster, fmt.Sprintf("t%04d", n)), Service: web, Instance: host, Zone: zone,
		LaunchType: state.LaunchFargate, Desired: state.Running, Last: state.Provisioning, Version: 1,
		CreatedAt: time.Unix(int64(n), 0), Network: &state.NetworkConfig{Subnets: subnets}}
}

func TestATaskGetsAnAddressOfItsZoneAndBecomesPending(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { tx.Tasks().Put(placed(1, "b", "subnet-0", "subnet-1", "subnet-2")) })
		x := r.task(1)
		if x.Last != state.Pending || x.Version != 2 || x.Interface == nil {
			r.t.Fatalf("got %+v", x)
		}
		i := x.Interface
		if i.Subnet != "subnet-1" || i.VPC != "vpc-1" || i.Address.String() != "10.0.1.4" ||
			i.PrivateDNS != "ip-10-0-1-4.ec2.internal" || i.Groups[0] != "sg-1" || len(i.ID) != len("eni-")+17 ||
			len(i.MAC) != 17 || !strings.HasPrefix(i.MAC, "02:") || i.SubnetCIDR.Bits() != 28 || i.VPCCIDR.Bits() != 16 {
			r.t.Errorf("got %+v", i)
		}
	})
}

func TestATaskWithoutANetworkOfItsOwnIsPendingAtOnce(t *testing.T) {
	run(t, func(r *rig) {
		x := placed(1, "")
		x.Network = nil
		r.update(func(tx *store.Tx) { tx.Tasks().Put(x) })
		if r.task(1).Last != state.Pending || r.task(1).Interface != nil {
			r.t.Errorf("got %+v", r.task(1))
		}
	})
}

func TestAFullSubnetMakesTasksWaitUntilAnAddressIsGivenBack(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { // a /28 has 11 addresses for tasks
			for n := range 13 {
				tx.Tasks().Put(placed(n, "a", "subnet-0"))
			}
		})
		held := map[netip.Addr]bool{}
		for n := range 11 {
			held[r.task(n).Interface.Address] = true
		}
		if len(held) != 11 || held[netip.MustParseAddr("10.0.0.3")] || held[netip.MustParseAddr("10.0.0.15")] {
			r.t.Errorf("got %v", held)
		}
		for n := 11; n < 13; n++ {
			if w := r.task(n).Waiting; w == nil || w.Code != "RESOURCE:ENI" || !strings.Contains(w.Reason, "subnet-0") {
				r.t.Errorf("task %d: %v", n, w)
			}
		}
		if r.st.View().Events().Len() != 1 {
			r.t.Errorf("%d events", r.st.View().Events().Len())
		}
		r.update(func(tx *store.Tx) {
			x, _ := tx.Tasks().Get(placed(5, "").Key)
			x = x.Clone()
			x.Last, x.Desired, x.Released = state.Stopped, state.Stopped, time.Now()
			tx.Tasks().Put(x)
		})
		got := r.task(11)
		if got.Last != state.Pending || got.Interface.Address != r.task(5).Interface.Address || got.Waiting != nil {
			r.t.Errorf("got %+v", got)
		}
		if r.task(12).Last != state.Provisioning {
			r.t.Error("there was one address only")
		}
	})
}

func TestATaskStoppedBeforeItWasPendingEndsHere(t *testing.T) {
	run(t, func(r *rig) {
		x := placed(1, "a", "subnet-9") // a subnet that is gone
		x.Containers = []state.TaskContainer{{Name: "app"}}
		r.update(func(tx *store.Tx) { tx.Tasks().Put(x) })
		if r.task(1).Waiting == nil {
			r.t.Fatal("it should wait")
		}
		r.update(func(tx *store.Tx) {
			x := r.task(1).Clone()
			x.Stop(state.StopUserInitiated, "", time.Now())
			tx.Tasks().Put(x)
		})
		if got := r.task(1); got.Last != state.Stopped || got.Released.IsZero() || got.Containers[0].Last != state.Stopped {
			r.t.Errorf("got %+v", got)
		}
	})
}

func TestNoAddressIsEverHeldTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 60).Draw(rt, "steps")
		run(t, func(r *rig) {
			next := 0
			for _, s := range steps {
				r.update(func(tx *store.Tx) {
					if s > 2 || next == 0 {
						for range s {
							tx.Tasks().Put(placed(next, "abc"[next%3:next%3+1], "subnet-0", "subnet-1"))
							next++
						}
						return
					}
					x := r.task(next * s / 3).Clone()
					x.Stop(state.StopUserInitiated, "", time.Now())
					if x.Last == state.Pending {
						x.Last, x.Released = state.Stopped, time.Now()
					}
					tx.Tasks().Put(x)
				})
				held := map[netip.Addr]bool{}
				for x := range r.st.View().Tasks().All() {
					if x.Interface == nil || !x.Live() {
						continue
					}
					if held[x.Interface.Address] {
						rt.Fatalf("%s is held twice", x.Interface.Address)
					}
					held[x.Interface.Address] = true
				}
			}
		})
	})
}

func TestUsableAddressesLeaveOutWhatAWSKeeps(t *testing.T) {
	for text, want := range map[string]int{"10.0.0.0/28": 11, "172.31.0.0/20": 4091, "10.0.0.0/30": 0, "fd00::/64": 0} {
		if got := usable(netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
	if got := privateDNS(netip.MustParseAddr("10.1.2.3"), "eu-west-1"); got != "ip-10-1-2-3.eu-west-1.compute.internal" {
		t.Error(got)
	}
}
