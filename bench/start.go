package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

func quantile(d []time.Duration, q float64) float64 {
	s := slices.Clone(d)
	slices.Sort(s)
	return float64(s[min(int(q*float64(len(s))), len(s)-1)].Microseconds()) / 1000
}

// boot measures a start on an empty store, and the memory of a daemon that has nothing to do.
func boot(b *bench) error {
	var took []time.Duration
	var last *installation
	for n := range 7 {
		i, err := b.up()
		if err != nil {
			return err
		}
		began := time.Now()
		res, err := http.Get(i.url + "/_longshore/health")
		if err != nil {
			return err
		}
		_ = res.Body.Close() // only the status counts
		took = append(took, i.ready+time.Since(began))
		if n < 6 {
			err = i.down()
			if err != nil {
				return err
			}
			continue
		}
		last = i
	}
	b.add(figure{Name: "boot to first answered request, empty store", Value: quantile(took, 0.5), Unit: "ms", Target: "≤ 100 ms"})
	time.Sleep(5 * time.Second) // idle: the pool is full and the agents have reported
	rss, err := last.rss()
	if err != nil {
		return err
	}
	b.add(figure{Name: "idle memory (RSS)", Value: rss, Unit: "MB", Target: "≤ 50 MB"})
	return last.down()
}

const samples = 60

// bridgeStart compares RunTask → RUNNING in bridge mode with the raw engine's create and start, turn by turn.
func bridgeStart(b *bench) error {
	i, err := b.up()
	if err != nil {
		return err
	}
	t := i.target()
	err = t.prepare(b, "bench", m{"family": "bridge", "containerDefinitions": []m{{
		"name": "main", "image": b.image, "command": []string{"wait"}, "memory": 64}}})
	if err != nil {
		return err
	}
	ours, raw, err := turns(b, t, m{"cluster": "bench", "taskDefinition": "bridge"})
	if err != nil {
		return err
	}
	b.add(figure{Name: "RunTask → RUNNING, bridge, p50", Value: quantile(ours, 0.5), Unit: "ms",
		Peer: "raw create+start", PeerValue: quantile(raw, 0.5)})
	b.add(figure{Name: "overhead of RunTask → RUNNING, bridge, p50", Value: quantile(ours, 0.5) - quantile(raw, 0.5), Unit: "ms", Target: "≤ 10 ms"})
	b.add(figure{Name: "overhead of RunTask → RUNNING, bridge, p99", Value: quantile(ours, 0.99) - quantile(raw, 0.99), Unit: "ms", Target: "≤ 25 ms"})
	return i.down()
}

func awsvpcStart(b *bench) error {
	i, err := b.up()
	if err != nil {
		return err
	}
	t := i.target()
	network, err := i.fargate(b, t)
	if err != nil {
		return err
	}
	ours, raw, err := turns(b, t, m{"cluster": "bench", "taskDefinition": "fargate", "launchType": "FARGATE",
		"networkConfiguration": network})
	if err != nil {
		return err
	}
	b.add(figure{Name: "RunTask → RUNNING, awsvpc, p50", Value: quantile(ours, 0.5), Unit: "ms",
		Peer: "raw create+start on Docker's bridge", PeerValue: quantile(raw, 0.5), Target: "≤ 0.5×"})
	return i.down()
}

// turns measures ours and the engine's alternately, so that both see the same machine.
func turns(b *bench, t target, in m) (ours, raw []time.Duration, err error) {
	e := newEngine()
	for n := range samples + 5 {
		id, rawTook, err := e.start(b, b.image)
		if err != nil {
			return nil, nil, err
		}
		err = e.remove(b, id)
		if err != nil {
			return nil, nil, err
		}
		time.Sleep(300 * time.Millisecond) // let the engine finish its clean-up before the other's turn
		arn, took, err := t.runToRunning(b, in)
		if err != nil {
			return nil, nil, err
		}
		err = t.stop(b, "bench", arn)
		if err != nil {
			return nil, nil, err
		}
		time.Sleep(300 * time.Millisecond)
		if n >= 5 { // the first are warm-up
			ours, raw = append(ours, took), append(raw, rawTook)
		}
	}
	return ours, raw, nil
}

// service50 compares a service of 50 with 50 raw containers, four at a time.
func service50(b *bench) error {
	var ours, raw []float64
	for range 3 {
		r, err := rawRate(b)
		if err != nil {
			return err
		}
		o, err := serviceRate(b)
		if err != nil {
			return err
		}
		ours, raw = append(ours, o), append(raw, r)
	}
	slices.Sort(ours)
	slices.Sort(raw)
	b.add(figure{Name: "50-task service to all RUNNING, bridge", Value: ours[1], Unit: "tasks/s",
		Peer: "raw Docker, concurrency 4", PeerValue: raw[1], Target: "≥ 0.97×"})
	return nil
}

func rawRate(b *bench) (float64, error) {
	e := newEngine()
	ids := make([]string, 50)
	errs := make([]error, 4)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := w; n < 50; n += 4 {
				ids[n], _, errs[w] = e.start(b, b.image)
				if errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	for _, id := range ids {
		err := e.remove(b, id)
		if err != nil {
			return 0, err
		}
	}
	return 50 / took.Seconds(), nil
}

func serviceRate(b *bench) (float64, error) {
	i, err := b.up()
	if err != nil {
		return 0, err
	}
	t := i.target()
	err = t.prepare(b, "bench", m{"family": "many", "containerDefinitions": []m{{
		"name": "main", "image": b.image, "command": []string{"wait"}, "memory": 64}}})
	if err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second) // the pool of namespaces fills off the path
	began := time.Now()
	err = t.call(b, "CreateService", m{"cluster": "bench", "serviceName": "many", "taskDefinition": "many", "desiredCount": 50}, nil)
	if err != nil {
		return 0, err
	}
	for {
		var a struct {
			Services []struct{ RunningCount int }
		}
		err = t.call(b, "DescribeServices", m{"cluster": "bench", "services": []string{"many"}}, &a)
		if err != nil {
			return 0, err
		}
		if a.Services[0].RunningCount == 50 {
			break
		}
		if time.Since(began) > 3*time.Minute {
			return 0, fmt.Errorf("only %d of 50 tasks run after 3 minutes", a.Services[0].RunningCount)
		}
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(began)
	return 50 / took.Seconds(), i.down()
}
