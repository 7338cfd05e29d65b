package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"longshore/internal/gen/logswire"
)

type logsCommand struct {
	installation
	Group  string `arg:"" optional:"" help:"Log group; without one, those that there are."`
	Follow bool   `short:"f" help:"Wait for further lines."`
	Stream string `help:"Only streams whose name begins with this." placeholder:"PREFIX"`
	Since  string `help:"How far back: 90s, 10m, 2h, 1d, or a time like 2026-01-02T15:04:05Z." default:"10m"`
	Filter string `help:"Only lines that match this CloudWatch Logs filter pattern." placeholder:"PATTERN"`
}

// Run prints the lines of a group as they were written, oldest first.
func (c *logsCommand) Run(r *run) error {
	since, err := parseSince(c.Since, r.Now())
	if err != nil {
		return err
	}
	api, err := c.connect(r)
	if err != nil {
		return err
	}
	screen := newScreen(r)
	if c.Group == "" {
		return listGroups(r, api, screen)
	}
	t := &tail{api: api, screen: screen, since: since.UnixMilli(), seen: map[string]int64{}, in: c.request()}
	n, err := t.more(r)
	if refusedWith(err, "ResourceNotFoundException") {
		return noGroup(r, api, c.Group)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintf(r.Notes, "longshore: no lines in %s since %s; look further back with --since 1d\n",
			c.Group, since.Format(time.DateTime))
	}
	if !c.Follow {
		return nil
	}
	return t.follow(r)
}

func (c *logsCommand) request() logswire.FilterLogEventsRequest {
	in := logswire.FilterLogEventsRequest{LogGroupName: &c.Group}
	if c.Stream != "" {
		in.LogStreamNamePrefix = &c.Stream
	}
	if c.Filter != "" {
		in.FilterPattern = &c.Filter
	}
	return in
}

// parseSince reads a duration before now, or a time.
func parseSince(s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err == nil {
		return at, nil
	}
	days, ok := strings.CutSuffix(s, "d")
	n, err := strconv.Atoi(days)
	if ok && err == nil && n >= 0 && n < 100*366 {
		return now.AddDate(0, 0, -n), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return now, fmt.Errorf("--since %q is neither a duration like 10m, 2h or 1d nor a time like 2026-01-02T15:04:05Z", s)
	}
	return now.Add(-d), nil
}

// tail reads a group from a moment on, and tells each line once.
type tail struct {
	api    *client
	screen *screen
	in     logswire.FilterLogEventsRequest
	since  int64            // milliseconds since 1970; what is older has been told
	seen   map[string]int64 // time by event id, for events that the next look answers again
}

// overlap is how much older than the newest line a line may still arrive: streams are written by different hands.
const overlap = 10 * time.Second

// more prints what has come since the last look.
func (t *tail) more(ctx context.Context) (int, error) {
	n := 0
	t.in.StartTime, t.in.NextToken = ptr(t.since), nil
	newest := t.since + overlap.Milliseconds()
	for {
		var res logswire.FilterLogEventsResponse
		err := t.api.logs(ctx, "FilterLogEvents", t.in, &res)
		if err != nil {
			return n, err
		}
		var lines []string
		for _, e := range res.Events {
			_, told := t.seen[val(e.EventId)]
			if told {
				continue
			}
			t.seen[val(e.EventId)] = val(e.Timestamp)
			newest = max(newest, val(e.Timestamp))
			lines = append(lines, t.line(e))
		}
		n += len(lines)
		err = t.screen.print(lines...)
		if err != nil {
			return n, err
		}
		if val(res.NextToken) == "" {
			break
		}
		t.in.NextToken = res.NextToken
	}
	t.since = newest - overlap.Milliseconds()
	for id, at := range t.seen {
		if at < t.since {
			delete(t.seen, id)
		}
	}
	return n, nil
}

func (t *tail) follow(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	calm := patience{now: t.api.now}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err := t.more(ctx)
		if err != nil && !calm.forgives(err) {
			return err
		}
		if err == nil {
			calm.since = time.Time{}
		}
	}
}

// line puts the time and the stream before a message; a terminal gets them short.
func (t *tail) line(e logswire.FilteredLogEvent) string {
	at := time.UnixMilli(val(e.Timestamp))
	message := strings.TrimRight(val(e.Message), "\r\n")
	if !t.screen.live {
		return at.UTC().Format("2006-01-02T15:04:05.000Z") + " " + val(e.LogStreamName) + " " + message
	}
	stream := val(e.LogStreamName)
	if i := strings.LastIndexByte(stream, '/'); i >= 0 {
		stream = stream[:i+1] + short(stream[i+1:])
	}
	return t.screen.ink.paint(faint, at.Format("15:04:05.000")) + " " + t.screen.ink.paint(cyan, stream) + " " + clean(message)
}

func describeGroups(ctx context.Context, api *client) ([]logswire.LogGroup, error) {
	var all []logswire.LogGroup
	in := logswire.DescribeLogGroupsRequest{}
	for {
		var res logswire.DescribeLogGroupsResponse
		err := api.logs(ctx, "DescribeLogGroups", in, &res)
		if err != nil {
			return nil, err
		}
		all = append(all, res.LogGroups...)
		if val(res.NextToken) == "" {
			return all, nil
		}
		in.NextToken = res.NextToken
	}
}

func listGroups(ctx context.Context, api *client, s *screen) error {
	groups, err := describeGroups(ctx, api)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return s.print("no log groups yet: aws logs create-log-group --log-group-name NAME makes one")
	}
	var lines []string
	for _, g := range groups {
		lines = append(lines, val(g.LogGroupName))
	}
	return s.print(lines...)
}

// noGroup says which groups there are.
func noGroup(ctx context.Context, api *client, name string) error {
	groups, err := describeGroups(ctx, api)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return fmt.Errorf("there is no log group %s, nor any other: aws logs create-log-group makes one", name)
	}
	var names []string
	for _, g := range groups[:min(len(groups), 10)] {
		names = append(names, val(g.LogGroupName))
	}
	slices.Sort(names)
	return errors.New("there is no log group " + name + "; there are: " + strings.Join(names, ", "))
}
