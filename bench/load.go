package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

var definition = m{"family": "load", "containerDefinitions": []m{{
	"name": "main", "image": "load:1", "memory": 64, "command": []string{"wait"},
	"environment":  []m{{"name": "A", "value": "1"}, {"name": "B", "value": "2"}},
	"portMappings": []m{{"containerPort": 80}}}}}

// services makes ten services that want no task: what is measured is the API.
func (t target) services(b *bench) ([]byte, error) {
	err := t.call(b, "CreateCluster", m{"clusterName": "load"}, nil)
	if err != nil {
		return nil, err
	}
	err = t.call(b, "RegisterTaskDefinition", definition, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for n := range 10 {
		name := fmt.Sprintf("service-%d", n)
		err = t.call(b, "CreateService", m{"cluster": "load", "serviceName": name, "taskDefinition": "load", "desiredCount": 0}, nil)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return json.Marshal(m{"cluster": "load", "services": names})
}

func describeServices(b *bench) error {
	return b.against("DescribeServices of 10, SigV4, 8 connections", "≥ 100×", "DescribeServices",
		func(t target) ([]byte, error) { return t.services(b) })
}

func registerTaskDefinition(b *bench) error {
	return b.against("RegisterTaskDefinition, durable, SigV4, 8 connections", "≥ 25×", "RegisterTaskDefinition",
		func(target) ([]byte, error) { return json.Marshal(definition) })
}

// against measures a call here and on moto in turns, three times each, and takes the medians.
func (b *bench) against(name, goal, op string, prepare func(target) ([]byte, error)) error {
	i, err := b.up()
	if err != nil {
		return err
	}
	ours := i.target()
	ourBody, err := prepare(ours)
	if err != nil {
		return err
	}
	peer, stop, peerErr := b.moto()
	var peerBody []byte
	if peerErr == nil {
		defer stop()
		peerBody, err = prepare(peer)
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintln(os.Stderr, "  no peer:", peerErr)
	}
	var a, p []float64
	for range 3 {
		r, err := ours.rate(b, op, ourBody)
		if err != nil {
			return err
		}
		a = append(a, r)
		if peerErr != nil {
			continue
		}
		r, err = peer.rate(b, op, peerBody)
		if err != nil {
			return err
		}
		p = append(p, r)
	}
	slices.Sort(a)
	slices.Sort(p)
	f := figure{Name: name, Value: a[1], Unit: "calls/s", Target: goal}
	if len(p) > 0 {
		f.Peer, f.PeerValue = "moto server", p[1]
	}
	b.add(f)
	return i.down()
}
