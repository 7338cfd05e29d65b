//go:build docker

package logship

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
)

func TestARealContainersOutputArrivesWholeAndOnce(t *testing.T) {
	e := dockertest.Engine(t)
	own := dockertest.Installation(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	long := "BIG=" + strings.Repeat("0123456789", 10_000) // more than six parts
	for name, config := range map[string]string{"plain": "", "terminal": `{"Tty":true}`} {
		made, err := e.Create(ctx, docker.Spec{
			Name: own + "-" + name, Image: dockertest.Image, Command: []string{"env"}, Env: []string{long, "SMALL=1"},
			RawConfig: config, Labels: map[string]string{
				docker.LabelInstallation: own, docker.LabelInstance: "i", docker.LabelTask: "t", docker.LabelContainer: name,
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		err = e.Start(ctx, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		sink, marks := newSink("g"), newMarks()
		s := New(Config{
			Reader: e, Sink: sink, Marks: marks, Gone: func(err error) bool { return errors.Is(err, docker.ErrNotFound) },
		})
		src := source()
		src.ContainerID = made.ID
		for range 2 { // the second time nothing is new
			err = s.Follow(ctx, src)
			if err != nil {
				t.Fatal(err)
			}
		}
		got := sink.messages()
		count := func(m string) int {
			n := 0
			for _, g := range got {
				if g == m {
					n++
				}
			}
			return n
		}
		if count(long) != 1 || count("SMALL=1") != 1 || slices.Contains(got, "") {
			t.Errorf("%s: %d messages, %d long, %d small", name, len(got), count(long), count("SMALL=1"))
		}
	}
	src := source()
	src.ContainerID = "0000000000000000000000000000000000000000000000000000000000000000"
	s := New(Config{Reader: e, Sink: newSink("g"), Gone: func(err error) bool { return errors.Is(err, docker.ErrNotFound) }})
	err := s.Follow(ctx, src)
	if err != nil {
		t.Error(err)
	}
}
