//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// startStops runs tasks and stops each in the very next call, eight at a time. Every one ends STOPPED and stays so,
// none leaves a container.
func (b *battle) startStops(count int) {
	began := time.Now()
	for done := 0; done < count && time.Now().Before(b.v.deadline); done += briefly {
		b.batch(done, min(count, done+briefly))
	}
	b.t.Logf("%d tasks started and stopped in %s", b.v.StartStops, time.Since(began))
}

// briefly is how many tasks are under way at a time, at most: each waits for the engine.
const briefly = 100

func (b *battle) batch(from, to int) {
	const lanes = 8
	var mu sync.Mutex
	ranks := map[string]int{}
	errs := make([]error, lanes)
	var wg sync.WaitGroup
	for i := range lanes {
		wg.Go(func() {
			for n := from + i; n < to && errs[i] == nil; n += lanes {
				arn := ""
				arn, errs[i] = b.startStop(b.t.Context(), n)
				mu.Lock()
				ranks[arn] = 0
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		err = b.allStopped(ranks)
	}
	if err != nil {
		b.v.broken(b.t, "started and stopped", err)
	}
	if len(ranks) != to-from {
		b.v.broken(b.t, "started and stopped", doubled("%d tasks of %d calls", len(ranks), to-from))
	}
	b.v.add(func(v *verdict) { v.StartStops += len(ranks) })
}

func (b *battle) startStop(ctx context.Context, n int) (string, error) {
	w := b.writers[n%len(b.writers)]
	var arn *string
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := rig.Poll(ctx, func(ctx context.Context) error { // until there is room
		in := w.runTask(fmt.Sprintf("brief-%d", n), run{count: 1})
		in.ClientToken = nil
		out, err := b.Client.RunTask(ctx, in)
		if err != nil {
			return err
		}
		if len(out.Tasks) != 1 {
			return fmt.Errorf("run-task: %s", rig.Show(out.Failures))
		}
		arn = out.Tasks[0].TaskArn
		return nil
	})
	if err != nil {
		return "", err
	}
	_, err = b.Client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(home), Task: arn})
	return *arn, err
}

// allStopped reads every task until all are STOPPED, and once more: no status ever goes back.
func (b *battle) allStopped(ranks map[string]int) error {
	ctx, cancel := context.WithTimeout(b.t.Context(), settlesWithin)
	defer cancel()
	var broken error
	look := func(ctx context.Context) error {
		waits, err := b.ranked(ctx, ranks)
		if _, ok := err.(violation); ok {
			broken = err
			return nil
		}
		if err == nil && waits != "" {
			err = errors.New(waits)
		}
		return err
	}
	err := rig.Poll(ctx, look)
	if err != nil || broken != nil {
		return errors.Join(err, broken)
	}
	err = rig.Poll(ctx, func(ctx context.Context) error {
		live, err := b.Live(ctx, b.labels...)
		for _, what := range live {
			task, _, _ := strings.Cut(what, " ")
			if _, ours := ranks[task]; ours && err == nil {
				err = violation{"orphan", fmt.Errorf("%s still runs", what)}
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(look(ctx), broken)
}

// ranked reads the status of every task; it answers with one that has not stopped.
func (b *battle) ranked(ctx context.Context, ranks map[string]int) (string, error) {
	waits := ""
	var arns []string
	for arn := range ranks {
		arns = append(arns, arn)
	}
	for some := range slices.Chunk(arns, 100) {
		out, err := b.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(home), Tasks: some})
		if err != nil {
			return "", err
		}
		if len(out.Failures) > 0 {
			return "", lost("acknowledged tasks are gone: %s", rig.Show(out.Failures))
		}
		for _, task := range out.Tasks {
			rank := slices.Index(order, *task.LastStatus)
			switch {
			case rank < ranks[*task.TaskArn]:
				return "", untrue("%s went from %s to %s", *task.TaskArn, order[ranks[*task.TaskArn]], *task.LastStatus)
			case *task.DesiredStatus != "STOPPED":
				return "", lost("the stop of %s was acknowledged and is forgotten", *task.TaskArn)
			case *task.LastStatus != "STOPPED":
				waits = fmt.Sprintf("%s is %s", *task.TaskArn, *task.LastStatus)
			case task.StopCode != types.TaskStopCodeUserInitiated:
				return "", untrue("the stop code of a task that was stopped: %s", rig.Show(task))
			}
			ranks[*task.TaskArn] = rank
		}
	}
	return waits, nil
}
