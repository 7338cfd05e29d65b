package etcd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"longshore/internal/store"
)

const (
	// foldLook is how often the length of the log is looked at.
	foldLook = 2 * time.Second
	// foldOps and foldBytes bound one transaction; etcd takes 128 operations and 1.5 MiB.
	foldOps   = 120
	foldBytes = 512 << 10
	// foldMemory bounds what one pass holds.
	foldMemory = 32 << 20
)

// errOvertaken: another server folds now.
var errOvertaken = errors.New("another server folds the log")

// Fold keeps the log short until ctx ends. One server should run it; a second one does no harm, since whoever
// begins a pass shuts the other out.
func (e *Engine) Fold(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(foldLook):
		}
		n, err := e.unfolded(ctx)
		for err == nil && n >= int64(e.FoldAt) {
			err = e.FoldOnce(ctx)
			n -= int64(e.FoldAt)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errOvertaken) {
			e.Log.Warn("cannot fold the log of records in etcd", "err", err)
		}
	}
}

func (e *Engine) unfolded(ctx context.Context) (int64, error) {
	folded, err := e.foldedRevision(ctx, 0)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := e.client.Get(ctx, e.logKey(folded+1), clientv3.WithRange(e.logEnd()), clientv3.WithCountOnly())
	if err != nil {
		return 0, explain(err)
	}
	return res.Count, nil
}

// pass is one walk of the log into the records.
type pass struct {
	e    *Engine
	mod  int64 // of the key folded, which is this pass's own: every write depends on it
	last map[string]store.Op
	revs []uint64
	size int
}

// errFull ends the reading of a pass.
var errFull = errors.New("enough for one pass")

// FoldOnce makes one pass.
func (e *Engine) FoldOnce(ctx context.Context) error {
	p := &pass{e: e, last: map[string]store.Op{}}
	folded, err := p.begin(ctx)
	if err != nil {
		return err
	}
	err = e.pages(ctx, e.logKey(folded+1), e.logEnd(), logPage, 0, func(kv *mvccpb.KeyValue) error {
		return p.take(ctx, kv)
	})
	if err != nil && !errors.Is(err, errFull) || len(p.revs) == 0 {
		return err
	}
	err = p.write(ctx)
	if err != nil {
		return err
	}
	return p.end(ctx)
}

// begin makes the pass the only one: from now on no other one's writes succeed.
func (p *pass) begin(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	key := p.e.key("folded")
	res, err := p.e.client.Get(ctx, key)
	if err != nil {
		return 0, explain(err)
	}
	var folded uint64
	var was int64
	if len(res.Kvs) > 0 {
		was = res.Kvs[0].ModRevision
		folded, _, err = parseHead(res.Kvs[0].Value)
		if err != nil {
			return 0, err
		}
	}
	p.mod = was
	done, err := p.commit(ctx, clientv3.OpPut(key, fmt.Sprintf("%d %s", folded, p.e.NewID())))
	p.mod = done
	return folded, err
}

// commit writes under the condition that this pass is still the only one, and answers the etcd revision.
func (p *pass) commit(ctx context.Context, ops ...clientv3.Op) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := p.e.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(p.e.key("folded")), "=", p.mod)).
		Then(ops...).Commit()
	if err != nil {
		return 0, explain(err)
	}
	if !res.Succeeded {
		return 0, errOvertaken
	}
	return res.Header.Revision, nil
}

func (p *pass) take(ctx context.Context, kv *mvccpb.KeyValue) error {
	if len(p.revs) >= p.e.FoldAt || p.size >= foldMemory {
		return errFull
	}
	x, err := p.e.open(ctx, kv, 0)
	if err != nil {
		return err
	}
	for _, op := range x.ops {
		p.last[op.Table+"/"+op.Key] = op
		p.size += len(op.Value)
	}
	p.revs = append(p.revs, x.rev)
	return nil
}

func (p *pass) write(ctx context.Context) error {
	var ops []clientv3.Op
	size := 0
	for _, name := range slices.Sorted(maps.Keys(p.last)) {
		op, key := p.last[name], p.e.key("records", name)
		if len(ops) >= foldOps || len(ops) > 0 && size+len(op.Value) > foldBytes {
			_, err := p.commit(ctx, ops...)
			if err != nil {
				return err
			}
			ops, size = nil, 0
		}
		size += len(key) + len(op.Value)
		if op.Value == nil {
			ops = append(ops, clientv3.OpDelete(key))
			continue
		}
		ops = append(ops, clientv3.OpPut(key, string(op.Value)))
	}
	if len(ops) == 0 {
		return nil
	}
	_, err := p.commit(ctx, ops...)
	return err
}

// end moves the border and forgets entries that nobody will ask for, with what failed commits left staged.
func (p *pass) end(ctx context.Context) error {
	folded := p.revs[len(p.revs)-1]
	kept := p.revs[max(0, len(p.revs)-p.e.Keep)]
	_, err := p.commit(ctx,
		clientv3.OpPut(p.e.key("folded"), fmt.Sprintf("%d %s", folded, p.e.NewID())),
		clientv3.OpDelete(p.e.logKey(0), clientv3.WithRange(p.e.logKey(kept))),
		clientv3.OpDelete(p.e.key("staged", fmt.Sprintf("%020d", 0)), clientv3.WithRange(p.e.key("staged", fmt.Sprintf("%020d", kept)))),
	)
	return err
}
