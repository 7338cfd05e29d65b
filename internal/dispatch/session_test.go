package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/acs"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// line is an agent's end of a session, in memory.
type line struct {
	toAgent  chan acs.Message
	toServer chan acs.Message
}

func (w line) Send(ctx context.Context, m acs.Message) error {
	select {
	case w.toAgent <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w line) Receive(ctx context.Context) (acs.Message, error) {
	select {
	case m := <-w.toServer:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bench is a dispatcher with one instance, whose agent is the test.
type bench struct {
	*testing.T
	d     *Dispatch
	store *store.Store
	key   state.InstanceKey
	wire  line
	ended chan error
	stop  context.CancelFunc
}

type noKeys struct{}

func (noKeys) Mint(_, principal, _, _ string, ttl time.Duration) (Credentials, error) {
	return Credentials{AccessKeyID: "ASIA" + principal, Expires: time.Now().Add(ttl)}, nil
}

func newBench(t *testing.T, before ...func(*bench)) *bench {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	d := New(Config{
		Store: s, Minter: noKeys{}, Secret: []byte("secret"), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { n++; return fmt.Sprintf("%032x", n) },
		Zones: func(r string) []string { return []string{r + "a"} },
	})
	cluster := state.NewClusterKey(state.Scope{Account: "000000000000", Region: "us-east-1"}, "prod")
	b := &bench{T: t, d: d, store: s, key: state.NewInstanceKey(cluster, fmt.Sprintf("%032x", 0xabc)), ended: make(chan error, 1),
		wire: line{make(chan acs.Message, 100), make(chan acs.Message, 100)}}
	b.update(func(tx *store.Tx) {
		tx.Instances().Put(&state.Instance{Key: b.key, Status: state.StatusActive, Kind: state.KindEC2})
		family := state.NewFamilyKey(cluster.Scope(), "web")
		tx.TaskDefinitions().Put(&state.TaskDefinition{Key: family.Revision(1), Status: state.StatusActive,
			Containers: []state.Container{{Name: "web", Image: "web:1", Essential: true}}})
	})
	for _, f := range before {
		f(b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() { _ = d.Run(ctx) }()
	go func() { b.ended <- d.serve(ctx, b.wire, b.key, greeting{agentVersion: "1.0"}) }()
	return b
}

func (b *bench) update(fn func(*store.Tx)) {
	b.Helper()
	err := b.store.Update(b.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) place(id int) *state.Task {
	family := state.NewFamilyKey(b.key.Cluster().Scope(), "web")
	t := &state.Task{Key: state.NewTaskKey(b.key.Cluster(), fmt.Sprintf("%032x", id)), Instance: b.key,
		TaskDefinition: family.Revision(1), Last: state.Pending, Desired: state.Running, TaskRoleARN: "arn:aws:iam::1:role/r",
		Containers: []state.TaskContainer{{Name: "web"}}}
	b.update(func(tx *store.Tx) { tx.Tasks().Put(t) })
	return t
}

func next[M acs.Message](b *bench) M {
	b.Helper()
	select {
	case m := <-b.wire.toAgent:
		got, ok := m.(M)
		if !ok {
			b.Fatalf("got %T %+v", m, m)
		}
		return got
	case <-time.After(time.Minute):
		b.Fatal("nothing came within a minute")
		panic("unreachable")
	}
}

func (b *bench) quiet(d time.Duration) {
	b.Helper()
	select {
	case m := <-b.wire.toAgent:
		b.Fatalf("got %T %+v", m, m)
	case <-time.After(d):
	}
}

func (b *bench) ack(m *acs.PayloadMessage) {
	b.wire.toServer <- &acs.AckRequest{MessageID: m.MessageID}
}

// close ends the session, so that the bubble has no goroutine left.
func (b *bench) close() {
	b.stop()
	<-b.ended
	synctest.Wait()
}

func TestAConnectingAgentGetsItsTasksAndThenTheManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(b *bench) { b.place(1) })
		p := next[*acs.PayloadMessage](b)
		m := next[*acs.TaskManifestMessage](b)
		if p.Tasks[0].DesiredStatus != acs.StatusRunning || p.Tasks[0].RoleCredentials == nil {
			t.Errorf("payload: %+v", p.Tasks[0])
		}
		if m.Timeline <= p.SeqNum {
			t.Errorf("manifest has number %d after payload %d", m.Timeline, p.SeqNum)
		}
		b.ack(p)
		i, _ := b.store.View().Instances().Get(b.key)
		if !i.Connected || i.AgentVersion != "1.0" {
			t.Errorf("instance: %+v", i)
		}
		b.close()
		i, _ = b.store.View().Instances().Get(b.key)
		if i.Connected {
			t.Error("the instance is still written down as connected")
		}
	})
}

func TestAStopIsDeliveredAndAPayloadWithoutAnAckIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		next[*acs.TaskManifestMessage](b)
		task := b.place(1)
		first := next[*acs.PayloadMessage](b)
		again := next[*acs.PayloadMessage](b)
		if again.Tasks[0].ARN != first.Tasks[0].ARN || again.MessageID == first.MessageID {
			t.Errorf("first %+v, again %+v", first, again)
		}
		b.ack(again)
		b.quiet(20 * time.Second)
		b.update(func(tx *store.Tx) {
			c := task.Clone()
			c.Stop(state.StopUserInitiated, "enough", time.Now())
			tx.Tasks().Put(c)
		})
		stop := next[*acs.PayloadMessage](b)
		if stop.Tasks[0].DesiredStatus != acs.StatusStopped {
			t.Errorf("stop: %+v", stop.Tasks[0])
		}
		b.close()
	})
}

func TestAnAgentThatAnswersNoHeartbeatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		next[*acs.TaskManifestMessage](b)
		for range maxSilent {
			next[*acs.HeartbeatMessage](b)
		}
		err := <-b.ended
		if !errors.Is(err, errSilent) {
			t.Errorf("ended with %v", err)
		}
		b.stop()
		synctest.Wait()
	})
}

func TestOnlyTasksThatShouldNotRunAreConfirmedForStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		m := next[*acs.TaskManifestMessage](b)
		late := b.place(1) // placed after the manifest was written
		b.ack(next[*acs.PayloadMessage](b))
		orphan := late.Key.Cluster().ARN()[:len("arn:aws:ecs:us-east-1:000000000000:")] + "task/prod/ffffffffffffffffffffffffffffffff"
		b.wire.toServer <- &acs.TaskStopVerificationMessage{MessageID: m.MessageID, StopCandidates: []acs.TaskIdentifier{
			{TaskARN: late.Key.ARN(), DesiredStatus: "STOPPED"}, {TaskARN: orphan, DesiredStatus: "STOPPED"}}}
		a := next[*acs.TaskStopVerificationAck](b)
		if len(a.StopTasks) != 1 || a.StopTasks[0].TaskARN != orphan {
			t.Errorf("confirmed %+v", a.StopTasks)
		}
		b.close()
	})
}

func TestASecondSessionReplacesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		next[*acs.TaskManifestMessage](b)
		second := line{make(chan acs.Message, 10), make(chan acs.Message)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.d.serve(ctx, second, b.key, greeting{}) }()
		err := <-b.ended
		if !errors.Is(err, errReplaced) {
			t.Errorf("the first ended with %v", err)
		}
		synctest.Wait()
		i, _ := b.store.View().Instances().Get(b.key)
		if !i.Connected {
			t.Error("the end of the first session wrote the instance down as disconnected")
		}
		cancel()
		<-done
		b.stop()
		synctest.Wait()
	})
}
