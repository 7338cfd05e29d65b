package etcd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"longshore/internal/store"
)

const (
	recordsPage = 1000
	logPage     = 64 // entries may have a MiB each
)

// logged is an entry of the log with its operations.
type logged struct {
	rev, base uint64
	ops       []store.Op
}

// Load implements store.Engine: records, overlaid by what is not folded into them yet, in the order of keys.
func (e *Engine) Load(ctx context.Context, yield func(table, key string, value []byte) error) (uint64, error) {
	at, h, err := e.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	folded, err := e.foldedRevision(ctx, at)
	if err != nil {
		return 0, err
	}
	over, err := e.overlay(ctx, folded, at)
	if err != nil {
		return 0, err
	}
	m := merge{over: over, keys: slices.Sorted(maps.Keys(over)), yield: yield}
	root := e.key("records") + "/"
	err = e.pages(ctx, root, clientv3.GetPrefixRangeEnd(root), recordsPage, at, func(kv *mvccpb.KeyValue) error {
		return m.record(string(kv.Key[len(root):]), kv.Value)
	})
	if err == nil {
		err = m.upTo("")
	}
	return h.rev, err
}

// snapshot answers the etcd revision to read at, and the head there.
func (e *Engine) snapshot(ctx context.Context) (int64, head, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := e.client.Get(ctx, e.key("head"))
	if err != nil {
		return 0, head{}, explain(err)
	}
	h, err := e.know(res.Kvs)
	return res.Header.Revision, h, err
}

func (e *Engine) foldedRevision(ctx context.Context, at int64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := e.client.Get(ctx, e.key("folded"), clientv3.WithRev(at))
	if err != nil {
		return 0, explain(err)
	}
	if len(res.Kvs) == 0 {
		return 0, nil
	}
	rev, _, err := parseHead(res.Kvs[0].Value)
	return rev, err
}

// overlay is the last word of the log after a revision on every record that it names.
func (e *Engine) overlay(ctx context.Context, after uint64, at int64) (map[string]store.Op, error) {
	out := map[string]store.Op{}
	err := e.pages(ctx, e.logKey(after+1), e.logEnd(), logPage, at, func(kv *mvccpb.KeyValue) error {
		x, err := e.open(ctx, kv, at)
		for _, op := range x.ops {
			out[op.Table+"/"+op.Key] = op
		}
		return err
	})
	return out, err
}

func (e *Engine) logEnd() string { return clientv3.GetPrefixRangeEnd(e.key("log") + "/") }

// pages reads a range at an etcd revision, 0 for now, in pieces.
func (e *Engine) pages(ctx context.Context, from, end string, page int64, at int64,
	see func(*mvccpb.KeyValue) error) error {
	for {
		kvs, more, err := e.page(ctx, from, end, page, at)
		if err != nil {
			return err
		}
		for _, kv := range kvs {
			err = see(kv)
			if err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		from = string(kvs[len(kvs)-1].Key) + "\x00"
	}
}

func (e *Engine) page(ctx context.Context, from, end string, page, at int64) ([]*mvccpb.KeyValue, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := e.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(page), clientv3.WithRev(at))
	if err != nil {
		return nil, false, explain(err)
	}
	return res.Kvs, res.More && len(res.Kvs) > 0, nil
}

// open reads an entry of the log, and its pieces where they are staged.
func (e *Engine) open(ctx context.Context, kv *mvccpb.KeyValue, at int64) (logged, error) {
	var out logged
	name := string(kv.Key)
	rev, err := strconv.ParseUint(name[strings.LastIndexByte(name, '/')+1:], 10, 64)
	if err != nil {
		return out, fmt.Errorf("read %s in etcd: %w", name, err)
	}
	x, err := decodeEntry(kv.Value)
	if err != nil {
		return out, fmt.Errorf("read %s in etcd: %w", name, err)
	}
	var staged uint64
	if x.pieces > 0 {
		root := strings.TrimSuffix(e.stagedKey(rev, x.id, 0), fmt.Sprintf("%06d", 0))
		err = e.pages(ctx, root, clientv3.GetPrefixRangeEnd(root), 1, at, func(kv *mvccpb.KeyValue) error {
			x.ops = append(x.ops, kv.Value...)
			staged++
			return nil
		})
	}
	if err == nil && staged != x.pieces {
		return out, store.ErrGap // folded away in between
	}
	if err != nil {
		return out, err
	}
	out = logged{rev: rev, base: x.base}
	out.ops, err = unpackOps(x.ops)
	if err != nil {
		err = fmt.Errorf("read %s in etcd: %w", name, err)
	}
	return out, err
}

// Since implements store.Follower.
func (e *Engine) Since(ctx context.Context, revision uint64) ([]store.Batch, error) {
	kvs, _, err := e.page(ctx, e.logKey(revision+1), e.logEnd(), logPage, 0)
	if err != nil {
		return nil, err
	}
	var out []store.Batch
	for _, kv := range kvs {
		x, err := e.open(ctx, kv, 0)
		if err != nil {
			return nil, err
		}
		if x.base != revision {
			return nil, store.ErrGap
		}
		out = append(out, store.Batch{Base: x.base, Revision: x.rev, Ops: x.ops})
		revision = x.rev
	}
	return out, nil
}

// merge yields records and overlay together, in the order of keys.
type merge struct {
	over  map[string]store.Op
	keys  []string // of over, those that were not reached yet
	yield func(table, key string, value []byte) error
}

// record yields what is below name in the overlay, then the record, unless the overlay knows better.
func (m *merge) record(name string, value []byte) error {
	err := m.upTo(name)
	if err != nil {
		return err
	}
	if _, ok := m.over[name]; ok {
		return nil
	}
	table, key, _ := strings.Cut(name, "/")
	return m.yield(table, key, value)
}

// upTo yields the overlay up to name, all of it if name is empty.
func (m *merge) upTo(name string) error {
	for len(m.keys) > 0 && (name == "" || m.keys[0] <= name) {
		op := m.over[m.keys[0]]
		m.keys = m.keys[1:]
		if op.Value == nil {
			continue
		}
		err := m.yield(op.Table, op.Key, op.Value)
		if err != nil {
			return err
		}
	}
	return nil
}
