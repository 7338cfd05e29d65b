package etcd

import (
	"testing"

	"longshore/internal/store"
	"longshore/internal/store/storetest"
)

func TestEtcdKeepsThePromisesOfAStore(t *testing.T) {
	s := newServer(t)
	storetest.Run(t, func(t *testing.T) store.Engine { return connect(t, s.addr, freshPrefix()) })
}

func TestEtcdKeepsRecordsOverARestart(t *testing.T) {
	s := newServer(t)
	storetest.RunDurable(t, func(t *testing.T) func() store.Engine {
		prefix := freshPrefix()
		return func() store.Engine { return connect(t, s.addr, prefix) }
	})
}

func TestEtcdKeepsRecordsOverARestartWhenEveryCommitIsStagedAndFolded(t *testing.T) {
	s := newServer(t)
	storetest.RunDurable(t, func(t *testing.T) func() store.Engine {
		prefix := freshPrefix()
		return func() store.Engine {
			return connect(t, s.addr, prefix, func(c *Config) { c.MaxInline, c.FoldAt, c.Keep = 40, 1, 1 })
		}
	})
}
