package ecs

import (
	"context"
	"fmt"
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// BenchmarkDescribeServicesOfTen is the hot path of every waiter: ten services of five tasks with a full story each.
func BenchmarkDescribeServicesOfTen(b *testing.B) {
	r := newRig(b)
	names := []string{}
	for i := range 10 {
		in := webService()
		in.ServiceName = ptr(fmt.Sprint("s", i))
		names = append(names, *in.ServiceName)
		call(r, r.api.CreateService, in)
		d := r.deployments(*in.ServiceName)[0]
		for range 5 {
			r.serviceTask(d, state.Running)
		}
		r.put(func(tx *store.Tx) {
			for range maxEvents {
				tx.Tell(d.Service, r.now, r.id(), "(service s) has reached a steady state.")
			}
		})
	}
	in := &ecswire.DescribeServicesRequest{Services: names}
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.api.DescribeServices(context.Background(), r.caller, in)
		if err != nil {
			b.Fatal(err)
		}
	}
}
