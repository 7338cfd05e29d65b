package etcd

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Cell is one small value on which servers agree by comparing and swapping.
type Cell struct {
	e   *Engine
	key string
}

// Cell of a name.
func (e *Engine) Cell(name string) Cell { return Cell{e, e.key(name)} }

// Read answers the value and its version, nothing and 0 if there is none.
func (c Cell) Read(ctx context.Context) ([]byte, int64, error) {
	res, err := c.e.client.Get(ctx, c.key)
	if err != nil {
		return nil, 0, explain(err)
	}
	if len(res.Kvs) == 0 {
		return nil, 0, nil
	}
	return res.Kvs[0].Value, res.Kvs[0].ModRevision, nil
}

// Swap writes value if the version is still the given one, and answers the new version, 0 if it was not.
func (c Cell) Swap(ctx context.Context, version int64, value []byte) (int64, error) {
	res, err := c.e.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(c.key), "=", version)).
		Then(clientv3.OpPut(c.key, string(value))).Commit()
	if err != nil {
		return 0, explain(err)
	}
	if !res.Succeeded {
		return 0, nil
	}
	return res.Header.Revision, nil
}

// presence is the seconds after which a server that died is not listed any more.
const presence = 5

// Announce lists this server, with a word about it, until ctx ends.
func (e *Engine) Announce(ctx context.Context, server, word string) error {
	for ctx.Err() == nil {
		_ = e.announce(ctx, server, word) // etcd is away or forgot us: once more
		select {
		case <-ctx.Done():
		case <-time.After(presence * time.Second / 10):
		}
	}
	return ctx.Err()
}

func (e *Engine) announce(ctx context.Context, server, word string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, err := e.client.Grant(ctx, presence)
	if err != nil {
		return explain(err)
	}
	_, err = e.client.Put(ctx, e.key("servers", server), word, clientv3.WithLease(lease.ID))
	if err != nil {
		return explain(err)
	}
	beats, err := e.client.KeepAlive(ctx, lease.ID)
	if err != nil {
		return explain(err)
	}
	for range beats { // closed when the lease is gone or ctx ends
	}
	return nil
}

// Servers lists who announced itself and did not die since, with its word.
func (e *Engine) Servers(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	root := e.key("servers") + "/"
	res, err := e.client.Get(ctx, root, clientv3.WithPrefix())
	if err != nil {
		return nil, explain(err)
	}
	out := map[string]string{}
	for _, kv := range res.Kvs {
		out[string(kv.Key[len(root):])] = string(kv.Value)
	}
	return out, nil
}
