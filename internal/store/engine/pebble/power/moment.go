package power

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// moment takes the disk when the first table is created.
type moment struct {
	disk  *vfs.MemFS
	book  *book
	after atomic.Pointer[vfs.MemFS]
}

var _ errorfs.Injector = (*moment)(nil)

func (m *moment) String() string { return "moment" }

// MaybeError lets every operation pass.
func (m *moment) MaybeError(op errorfs.Op) error {
	if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") && m.book.acked.Load() > 0 && m.after.Load() == nil {
		m.after.Store(m.disk.CrashClone(vfs.CrashCloneCfg{}))
	}
	return nil
}
