package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"longshore/internal/lease"
	"longshore/internal/store/engine/etcd"
)

// common is what all servers on one etcd have in common, and each keeps in its data directory, too.
type common struct {
	Account         string `json:"account"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	MasterKey       []byte `json:"masterKey"`
}

func commonOf(i Installation) common {
	return common{i.Account, i.Region, i.AccessKeyID, i.SecretAccessKey, i.MasterKey}
}

// isShared says whether records are kept where other servers write them, too.
func isShared(c Config) bool { return strings.HasPrefix(c.Store, etcd.Scheme) }

func openEtcd(ctx context.Context, c Config) (*etcd.Engine, error) {
	a, err := etcd.Parse(c.Store)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	e, err := a.Config(os.ReadFile)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	e.NewID, e.Log = newID, c.Log
	return etcd.Open(ctx, e)
}

// lockDir keeps a second daemon out of a data directory that has no records to be locked.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s is in use by another daemon; "+
			"every server needs one of its own: --data-dir DIR", dir), f.Close())
	}
	return f, nil
}

// join makes this server one of those on an etcd: the first one's account, region and keys become everybody's. The
// id stays the server's own, because it labels what is on its host.
func join(ctx context.Context, e *etcd.Engine, dir string, mine Installation, made bool) (Installation, error) {
	value, err := json.Marshal(commonOf(mine))
	if err != nil {
		return mine, err
	}
	value, err = e.Once(ctx, "installation", value)
	if err != nil {
		return mine, fmt.Errorf("agree on keys with the other servers: %w", err)
	}
	var theirs common
	err = json.Unmarshal(value, &theirs)
	if err != nil || theirs.AccessKeyID == "" || len(theirs.MasterKey) != 32 {
		return mine, fmt.Errorf("the key installation below %s in etcd is damaged; restore etcd from a backup, "+
			"or choose another prefix", e.Prefix)
	}
	if reflect.DeepEqual(theirs, commonOf(mine)) {
		return mine, nil
	}
	if !made {
		return mine, fmt.Errorf("data directory %s belongs to another installation than the records below %s in etcd: "+
			"their access keys differ; start with an empty --data-dir, or with the prefix that it was used with", dir, e.Prefix)
	}
	mine.Account, mine.Region, mine.MasterKey = theirs.Account, theirs.Region, theirs.MasterKey
	mine.AccessKeyID, mine.SecretAccessKey = theirs.AccessKeyID, theirs.SecretAccessKey
	return mine, nil
}

// installation of the data directory, shared with the other servers if there are any.
func (d *Daemon) installation(ctx context.Context) (Installation, error) {
	i, err := LoadInstallation(d.DataDir)
	if err == nil && d.etcd == nil {
		return i, nil
	}
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		i, err = newInstallation(d.entropy)
	}
	if err != nil {
		return i, err
	}
	if d.etcd != nil {
		i, err = join(ctx, d.etcd, d.DataDir, i, made)
		if err != nil {
			return i, err
		}
	}
	if !made {
		return i, nil
	}
	return i, writeFile(d.DataDir, installationFile, i)
}

// lead runs what one server does for all wherever the lease is.
func (d *Daemon) lead(ctx context.Context, work func(context.Context) error) error {
	c := lease.Config{Cell: d.etcd.Cell("leader"), Holder: d.ID + "-" + newID(), Now: d.now, Log: d.Log,
		Changed: func(leads bool) { d.leads.Store(leads) }}
	return lease.Run(ctx, c, func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return work(ctx) })
		g.Go(func() error { return d.etcd.Fold(ctx) })
		g.Go(func() error { return d.plane.dispatch.Reap(ctx, d.etcd.Servers) })
		return g.Wait()
	})
}

// announce lists this server among the living ones, by the name that its agents' instances bear.
func (d *Daemon) announce(ctx context.Context) error { return d.etcd.Announce(ctx, d.ID, d.url) }
