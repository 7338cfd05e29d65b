package etcd

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"longshore/internal/store"
)

// server is a real etcd in this process.
type server struct {
	dir  string
	addr string // HOST:PORT of clients
	peer string
	etcd *embed.Etcd
}

// newServer starts an etcd that ends with the test.
func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), addr: freePort(t), peer: freePort(t)}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *server) start(t testing.TB) {
	t.Helper()
	c := embed.NewConfig()
	c.Dir, c.Name, c.LogLevel = s.dir, "one", "panic"
	c.UnsafeNoFsync = true // these tests end processes, not machines
	c.ListenClientUrls, c.AdvertiseClientUrls = urls(s.addr), urls(s.addr)
	c.ListenPeerUrls, c.AdvertisePeerUrls = urls(s.peer), urls(s.peer)
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	e, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatalf("start etcd: %v", err)
	}
	s.etcd = e
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		t.Fatalf("start etcd: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("etcd is not ready after 20 s")
	}
}

func (s *server) stop() {
	if s.etcd != nil {
		s.etcd.Close()
		s.etcd = nil
	}
}

func urls(addr string) []url.URL { return []url.URL{{Scheme: "http", Host: addr}} }

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var lastID, lastPrefix atomic.Uint64

func freshID() string { return fmt.Sprintf("%032x", lastID.Add(1)) }

// freshPrefix is a place of its own in a shared etcd.
func freshPrefix() string { return fmt.Sprintf("/test%d", lastPrefix.Add(1)) }

// connect opens an engine; edit may change its settings.
func connect(t testing.TB, addr, prefix string, edit ...func(*Config)) *Engine {
	t.Helper()
	c := Config{Endpoints: []string{addr}, Prefix: prefix, NewID: freshID, Log: slog.New(slog.DiscardHandler)}
	for _, f := range edit {
		f(&c)
	}
	e, err := Open(t.Context(), c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return e
}

// openStore opens a store that ends with the test.
func openStore(t testing.TB, e store.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), e)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		err := s.Close()
		if err != nil && !strings.Contains(err.Error(), "canceled") {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}
