package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// heldRead is a read whose answer is the same however much else the store holds.
type heldRead struct {
	name string
	op   string
	body m
}

func heldReads() []heldRead {
	var services, tasks []string
	for n := range 10 {
		services = append(services, heldService(n))
	}
	for n := range 100 {
		tasks = append(tasks, heldTask(0, n).ID())
	}
	return []heldRead{
		{"DescribeServices of 10", "DescribeServices", m{"cluster": heldCluster, "services": services}},
		{"DescribeTasks of 100", "DescribeTasks", m{"cluster": heldCluster, "tasks": tasks}},
		{"DescribeClusters with statistics", "DescribeClusters", m{"clusters": []string{heldCluster}, "include": []string{"STATISTICS"}}},
		{"ListTasks, a page of 100", "ListTasks", m{"cluster": heldCluster}},
		{"ListTasks of a service", "ListTasks", m{"cluster": heldCluster, "serviceName": heldService(3)}},
		{"ListTasks of one startedBy", "ListTasks", m{"cluster": heldCluster, "startedBy": "ecs-svc/1000000000000000003"}},
		{"ListTasks with STOPPED, 100 of them", "ListTasks", m{"cluster": heldCluster, "desiredStatus": "STOPPED"}},
		{"ListTasks with no FARGATE among them", "ListTasks", m{"cluster": heldCluster, "launchType": "FARGATE"}},
		{"ListServices, a page of 10", "ListServices", m{"cluster": heldCluster}},
		{"ListContainerInstances", "ListContainerInstances", m{"cluster": heldCluster}},
	}
}

// Both stores hold what is asked for: ten services with a hundred tasks each, and a hundred that have stopped.
const (
	heldServices = 1000
	askedOf      = 11 // services; one more than are asked for, so that both have a next page
	tasksEach    = 100
	stoppedTasks = 100
)

// heldAPI compares reads against a store with 100,000 running tasks with the same reads against one that holds little
// more than what is asked for, in turns.
func heldAPI(b *bench) error {
	full, err := b.upHolding(held{heldServices, tasksEach, stoppedTasks})
	if err != nil {
		return err
	}
	empty, err := b.upHolding(held{askedOf, tasksEach, stoppedTasks})
	if err != nil {
		return err
	}
	worst := figure{Ratio: 1e9}
	for _, r := range heldReads() {
		f, err := b.compareRead(full, empty, r)
		if err != nil {
			return err
		}
		b.add(f)
		if f.Value/f.PeerValue < worst.Ratio {
			worst.Ratio = f.Value / f.PeerValue
			worst.Value, worst.PeerValue = f.Value, f.PeerValue
		}
	}
	b.add(figure{Name: "API reads with 100,000 tasks held, the slowest by ratio", Value: worst.Value, Unit: "calls per processor second",
		Peer: "a store that holds what is asked for", PeerValue: worst.PeerValue, Target: "≥ 0.9×"})
	err = b.pageThrough(full)
	if err != nil {
		return err
	}
	err = b.slowClients(full)
	if err != nil {
		return err
	}
	err = full.down()
	if err != nil {
		return err
	}
	return empty.down()
}

// pageThrough lists every running task, page by page, alone and with a filter that leaves out nothing.
func (b *bench) pageThrough(full *installation) error {
	for _, r := range []heldRead{
		{"ListTasks through 100,000 tasks", "ListTasks", m{"cluster": heldCluster}},
		{"ListTasks through 100,000 tasks of a family", "ListTasks", m{"cluster": heldCluster, "family": "held"}},
	} {
		listed, pages := map[string]bool{}, 0
		began := time.Now()
		cost, err := full.costOf(func() error {
			var err error
			listed, pages, err = full.target().listed(b, r.op, "taskArns", r.body)
			return err
		})
		if err != nil {
			return err
		}
		if len(listed) != heldServices*tasksEach {
			return fmt.Errorf("%s: %d of %d listed", r.name, len(listed), heldServices*tasksEach)
		}
		b.add(figure{Name: r.name + ", 100 a page", Value: cost * 1e6 / float64(pages), Unit: "µs of processor time a page"})
		b.add(figure{Name: r.name + ", one after the other", Value: time.Since(began).Seconds(), Unit: "s"})
	}
	return nil
}

func (b *bench) upHolding(h held) (*installation, error) {
	dir, err := os.MkdirTemp(b.dir, "held")
	if err != nil {
		return nil, err
	}
	err = b.hold(dir, h)
	if err != nil {
		return nil, fmt.Errorf("fill the store: %w", err)
	}
	i, err := b.upOn(dir, "--no-node")
	if err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second) // the loops have looked at everything once
	return i, nil
}

const (
	readTurns = 40
	turnFor   = 90 * time.Millisecond
)

// compareRead takes turns, and their mean: a large heap is collected rarely and at length, so that the best turn, or the
// one in the middle, has none of it. What is compared is calls for each second that the daemon had a processor, so
// that a busy machine does not decide; the turns are short and begin with the one and the other, because a processor
// that is shared is not the same from one second to the next.
func (b *bench) compareRead(full, empty *installation, r heldRead) (figure, error) {
	body, err := json.Marshal(r.body)
	if err != nil {
		return figure{}, err
	}
	sides := []*installation{full, empty}
	var rates [2][]float64
	for n := range 2 * readTurns {
		side := (n + n/2) % 2 // full, empty, empty, full
		rate, err := sides[side].readsOf(b, r.op, body)
		if err != nil {
			return figure{}, fmt.Errorf("%s: %w", r.name, err)
		}
		rates[side] = append(rates[side], rate)
	}
	return figure{Name: r.name + ", 100,000 tasks held", Value: meanRate(rates[0]), Unit: "calls per processor second",
		Target: "≥ 0.9×", Peer: "a store that holds what is asked for", PeerValue: meanRate(rates[1])}, nil
}

// meanRate is the rate at the mean cost of a call.
func meanRate(rates []float64) float64 {
	cost := 0.0
	for _, r := range rates {
		cost += 1 / r
	}
	return float64(len(rates)) / cost
}

// readsOf is how many calls the daemon answers with one second of processor time.
func (i *installation) readsOf(ctx context.Context, op string, body []byte) (float64, error) {
	rate := 0.0
	began := time.Now()
	cost, err := i.costOf(func() error {
		var err error
		rate, err = i.target().rateFor(ctx, op, body, turnFor)
		return err
	})
	if err != nil {
		return 0, err
	}
	if cost == 0 {
		return 0, errors.New("no processor time was measured")
	}
	return rate * time.Since(began).Seconds() / cost, nil
}
