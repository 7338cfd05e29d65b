package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"longshore/internal/store"
)

// attempt is one commit on its way.
type attempt struct {
	entry
	rev   uint64
	mod   int64  // of the head that it is based on
	fence string // value of the head that shuts out a lost request; empty as long as there is none
}

// errOpen: etcd was asked, and nobody knows yet what became of it.
var errOpen = errors.New("no answer")

// pause lies between two questions to an etcd that does not answer.
const pause = 50 * time.Millisecond

// Commit implements store.Engine.
func (e *Engine) Commit(ctx context.Context, b store.Batch) error {
	e.mu.Lock()
	h := e.head
	e.mu.Unlock()
	if h.rev != b.Base {
		return store.ErrConflict
	}
	budget := e.CommitTimeout
	if e.lost.Load() {
		budget /= 6
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	a := &attempt{entry: entry{id: e.NewID(), base: b.Base, ops: packOps(b.Ops)}, rev: b.Revision, mod: h.mod}
	err := e.stage(ctx, a)
	if err == nil {
		err = e.send(ctx, a)
	}
	for errors.Is(err, errOpen) {
		err = e.settle(ctx, a)
		if err == nil && a.fence != "" {
			a.fence = ""
			err = e.send(ctx, a)
		}
	}
	if err == nil {
		e.lost.Store(false)
	}
	if errors.Is(err, store.ErrUnavailable) {
		e.lost.Store(true)
	}
	return err
}

// stage writes the operations of a large commit in pieces that nothing refers to yet.
func (e *Engine) stage(ctx context.Context, a *attempt) error {
	if len(a.ops) <= e.MaxInline {
		return nil
	}
	for rest := a.ops; len(rest) > 0; a.pieces++ {
		n := min(len(rest), e.MaxInline)
		_, err := e.client.Put(ctx, e.stagedKey(a.rev, a.id, a.pieces), string(rest[:n]))
		if err != nil {
			return explain(err) // nothing refers to it: the commit has certainly not happened
		}
		rest = rest[n:]
	}
	a.ops = nil
	return nil
}

func (e *Engine) stagedKey(rev uint64, id string, piece uint64) string {
	return e.key("staged", fmt.Sprintf("%020d", rev), id, fmt.Sprintf("%06d", piece))
}

// send writes entry and head if the head is still what it was.
func (e *Engine) send(ctx context.Context, a *attempt) error {
	headKey := e.key("head")
	res, err := e.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(headKey), "=", a.mod)).
		Then(clientv3.OpPut(e.logKey(a.rev), string(a.encode())),
			clientv3.OpPut(headKey, fmt.Sprintf("%d %s", a.rev, a.id))).
		Else(e.evidence(a)...).Commit()
	if err != nil {
		return lost(err)
	}
	if res.Succeeded {
		e.learn(head{a.rev, res.Header.Revision})
		return nil
	}
	return e.judge(a, res.Responses)
}

// lost tells refusals from requests whose outcome is open.
func lost(err error) error {
	var known rpctypes.EtcdError
	if errors.As(rpctypes.Error(err), &known) && !transient(known) {
		return explain(err)
	}
	return fmt.Errorf("%w: %w: %w", store.ErrUnavailable, errOpen, err)
}

// transient are the answers of etcd after which a request may have been carried out.
func transient(err rpctypes.EtcdError) bool {
	for _, t := range []error{rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToLeaderFail,
		rpctypes.ErrTimeoutDueToConnectionLost, rpctypes.ErrLeaderChanged, rpctypes.ErrNoLeader,
		rpctypes.ErrStopped, rpctypes.ErrNotLeader, rpctypes.ErrUnhealthy} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// evidence is what tells how a commit ended.
func (e *Engine) evidence(a *attempt) []clientv3.Op {
	return []clientv3.Op{clientv3.OpGet(e.key("head")), clientv3.OpGet(e.logKey(a.rev)), clientv3.OpGet(e.key("folded"))}
}

// judge decides from the evidence, after the head was found changed: nil for a commit that took place, or one
// that its fence shut out.
func (e *Engine) judge(a *attempt, evidence []*etcdserverpb.ResponseOp) error {
	kvs := evidence[0].GetResponseRange().Kvs
	h, err := e.know(kvs)
	if err != nil {
		return err
	}
	if len(kvs) > 0 && a.fence != "" && string(kvs[0].Value) == a.fence {
		a.mod = h.mod
		return nil
	}
	a.fence = ""
	found := evidence[1].GetResponseRange().Kvs
	if len(found) > 0 {
		x, err := decodeEntry(found[0].Value)
		if err == nil && x.id == a.id {
			return nil
		}
		return store.ErrConflict
	}
	folded := evidence[2].GetResponseRange().Kvs
	if len(folded) == 0 {
		return store.ErrConflict
	}
	rev, _, err := parseHead(folded[0].Value)
	if err == nil && rev >= a.rev {
		err = fmt.Errorf("%w: the log was folded before the outcome of a commit was known", store.ErrUnavailable)
	}
	if err != nil {
		return err
	}
	return store.ErrConflict
}

// settle asks until etcd answers what became of a lost request, and makes sure that it stays so: afterwards the
// commit took place, or never will, and then a.fence says that it may be sent again.
func (e *Engine) settle(ctx context.Context, a *attempt) error {
	headKey := e.key("head")
	if a.fence == "" {
		a.fence = fmt.Sprintf("%d %s", a.base, e.NewID())
	}
	for {
		res, err := e.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(headKey), "=", a.mod)).
			Then(clientv3.OpPut(headKey, a.fence)).Else(e.evidence(a)...).Commit()
		switch {
		case err == nil && res.Succeeded:
			a.mod = res.Header.Revision
			e.learn(head{a.base, a.mod})
			return nil
		case err == nil:
			return e.judge(a, res.Responses)
		case !errors.Is(lost(err), errOpen):
			return explain(err)
		}
		select {
		case <-ctx.Done():
			return explain(err)
		case <-time.After(pause):
		}
	}
}
