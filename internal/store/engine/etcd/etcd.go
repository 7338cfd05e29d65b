package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"longshore/internal/store"
)

// Config of the engine.
type Config struct {
	// Endpoints are the HOST:PORT of etcd's members.
	Endpoints []string
	// Prefix of every key, without a slash at its end.
	Prefix string
	// TLS is how to reach etcd; nil is plain text.
	TLS *tls.Config
	// Username and Password, where etcd asks for them.
	Username, Password string
	// NewID gives 32 fresh hex digits; they tell commits and fences apart.
	NewID func() string
	Log   *slog.Logger
	// CommitTimeout bounds how long a commit waits for etcd before its outcome is left open; 0 = 3 s. As long as
	// etcd stays away later ones wait a sixth of it.
	CommitTimeout time.Duration
	// MaxInline is how many bytes of operations one request carries; 0 = 1 MiB. etcd's --max-request-bytes must
	// leave some KiB more.
	MaxInline int
	// FoldAt is the number of log entries that are worth folding; 0 = 4096. Keep is how many folded ones stay,
	// for servers that are a little behind; 0 = 512.
	FoldAt, Keep int
}

// Engine is an open connection to etcd.
type Engine struct {
	Config
	client *clientv3.Client
	lost   atomic.Bool // the last commit found nobody

	mu   sync.Mutex
	head head // newest known
}

// head is the newest commit and the etcd revision at which the key head was written.
type head struct {
	rev uint64
	mod int64
}

var _ store.Follower = (*Engine)(nil)

const (
	schemaVersion = "1"
	// callTimeout bounds one request of those that have no bound of their own.
	callTimeout = 10 * time.Second
	// reconnect is the longest pause between two attempts at a connection.
	reconnect = 300 * time.Millisecond
	keepAlive = 2 * time.Second
)

// Open connects to etcd and looks whether its records are ours to read.
func Open(ctx context.Context, c Config) (*Engine, error) {
	c.complete()
	pace := grpc.ConnectParams{MinConnectTimeout: time.Second, Backoff: backoff.Config{
		BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnect}}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: c.Endpoints, TLS: c.TLS, Username: c.Username, Password: c.Password, Logger: zap.NewNop(),
		DialTimeout: callTimeout, DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: keepAlive,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(pace)},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd at %s: %w", strings.Join(c.Endpoints, ","), err)
	}
	e := &Engine{Config: c, client: client}
	err = e.checkSchema(ctx)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return e, nil
}

func (c *Config) complete() {
	if c.CommitTimeout == 0 {
		c.CommitTimeout = 3 * time.Second
	}
	if c.MaxInline == 0 {
		c.MaxInline = 1 << 20
	}
	if c.FoldAt == 0 {
		c.FoldAt = 4096
	}
	if c.Keep == 0 {
		c.Keep = 512
	}
}

func (e *Engine) checkSchema(ctx context.Context) error {
	got, err := e.Once(ctx, "schema", []byte(schemaVersion))
	if err != nil {
		return fmt.Errorf("open records in etcd at %s: %w; start etcd, or correct --store",
			strings.Join(e.Endpoints, ","), err)
	}
	if string(got) != schemaVersion {
		return fmt.Errorf("records below %s in etcd have layout %q and this Longshore knows %q: "+
			"use the version of Longshore that wrote them, or another prefix", e.Prefix, got, schemaVersion)
	}
	return nil
}

// Once keeps value under a name of the installation unless something is there already, and answers what is there.
func (e *Engine) Once(ctx context.Context, name string, value []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	key := e.key(name)
	res, err := e.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, string(value))).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return nil, explain(err)
	}
	if res.Succeeded {
		return value, nil
	}
	return res.Responses[0].GetResponseRange().Kvs[0].Value, nil
}

// Latest implements store.Follower with one linearizable read.
func (e *Engine) Latest(ctx context.Context) (uint64, error) {
	res, err := e.client.Get(ctx, e.key("head"))
	if err != nil {
		return 0, explain(err)
	}
	h, err := e.know(res.Kvs)
	return h.rev, err
}

// know remembers the head that etcd answered, none for an empty one.
func (e *Engine) know(kvs []*mvccpb.KeyValue) (head, error) {
	var h head
	if len(kvs) > 0 {
		rev, _, err := parseHead(kvs[0].Value)
		if err != nil {
			return h, err
		}
		h = head{rev, kvs[0].ModRevision}
	}
	e.learn(h)
	return h, nil
}

func (e *Engine) learn(h head) {
	e.lost.Store(false)
	e.mu.Lock()
	defer e.mu.Unlock()
	if h.mod > e.head.mod {
		e.head = h
	}
}

// Follow implements store.Follower by watching the head.
func (e *Engine) Follow(ctx context.Context, told func(uint64)) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for res := range e.client.Watch(ctx, e.key("head"), clientv3.WithCreatedNotify()) {
		err := res.Err()
		if err != nil {
			return explain(err)
		}
		if res.Created {
			rev, err := e.Latest(ctx) // whatever came before the watch did
			if err != nil {
				return err
			}
			told(rev)
		}
		if len(res.Events) == 0 || res.Events[len(res.Events)-1].Type != mvccpb.PUT {
			continue
		}
		rev, _, err := parseHead(res.Events[len(res.Events)-1].Kv.Value)
		if err != nil {
			return err
		}
		told(rev)
	}
	return store.ErrUnavailable
}

// Close ends the connection.
func (e *Engine) Close() error { return e.client.Close() }

func (e *Engine) key(parts ...string) string { return e.Prefix + "/" + strings.Join(parts, "/") }

func (e *Engine) logKey(rev uint64) string { return e.key("log", fmt.Sprintf("%020d", rev)) }

// parseHead reads "REVISION WORD", as head and folded have it.
func parseHead(v []byte) (uint64, string, error) {
	number, word, _ := strings.Cut(string(v), " ")
	rev, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("read %q as a revision in etcd: %w", v, err)
	}
	return rev, word, nil
}

// explain says in the store's words what an error of etcd means for a request.
func explain(err error) error {
	if errors.Is(rpctypes.Error(err), rpctypes.ErrNoSpace) {
		return fmt.Errorf("%w: etcd's quota is used up; compact and defragment it, then disarm its alarm", store.ErrNoSpace)
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
