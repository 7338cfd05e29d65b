package taskrun

import (
	"context"
	"time"

	"longshore/internal/acs"
)

// logSource says where a container's output goes; false when it is not for us to ship.
func (r *runner) logSource(c *containerView, id string) (LogSource, bool) {
	x := c.Spec.Longshore
	if r.m.cfg.Logs == nil || x == nil || x.LogDriver != "awslogs" {
		return LogSource{}, false
	}
	return LogSource{
		ContainerID: id, TaskARN: r.arn, Name: c.Spec.Name, Driver: x.LogDriver, Options: x.LogOptions,
	}, true
}

// prepareWait bounds how long a start waits for CloudWatch Logs; after it the container starts all the same.
const prepareWait = 5 * time.Second

// prepareLogs makes the place of a container's output while the engine makes the container; the reason comes on the
// channel, "" when all is well. Without an id it is nil where the stream's name needs one.
func (r *runner) prepareLogs(ctx context.Context, c *containerView, id string) <-chan string {
	src, ours := r.logSource(c, id)
	if !ours || id == "" && src.Options["awslogs-stream-prefix"] == "" && src.Options["awslogs-stream"] == "" {
		return nil
	}
	out := make(chan string, 1)
	r.m.wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, prepareWait)
		defer cancel()
		err := r.m.cfg.Logs.Prepare(ctx, src)
		if err == nil || ctx.Err() != nil {
			out <- ""
			return
		}
		out <- truncate(logFailure(r.task(), err))
	})
	return out
}

// logsReady waits for prepareLogs, and calls it where that was not done yet.
func (r *runner) logsReady(ctx context.Context, c *containerView, logs <-chan string) string {
	if logs == nil {
		logs = r.prepareLogs(ctx, c, c.ID)
	}
	if logs == nil {
		return ""
	}
	select {
	case reason := <-logs:
		return reason
	case <-ctx.Done():
		return ""
	}
}

// logFailure has ECS's words: Fargate looks at the log's options before it makes the container, elsewhere it is the
// engine's driver that fails.
func logFailure(task *acs.Task, err error) string {
	if task.Longshore != nil && task.Longshore.Fargate {
		return "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: " +
			err.Error() + " : exit status 1"
	}
	return "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: " + err.Error()
}

// follow ships the output of a container that has just come up. r.mu is held.
func (r *runner) follow(ctx context.Context, c *containerView) {
	src, ours := r.logSource(c, c.ID)
	if !ours {
		return
	}
	r.following.Go(func() {
		err := r.m.cfg.Logs.Follow(ctx, src)
		if err != nil && ctx.Err() == nil {
			r.m.cfg.Log.Warn("log shipping ended early", "task", r.arn, "op", "follow", "err", err)
		}
	})
}
