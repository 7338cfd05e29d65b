// Package hugepage lets the heap grow into huge pages. Where a page fault is dear, as in virtual machines, to get fresh
// memory of the kernel 4 KiB at a time is most of the work of filling a large heap.
package hugepage

import (
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ask for huge pages where the heap will grow by so many bytes next. The block that is allocated for this is not
// touched, so it takes no memory, and it is given back to the heap at once. A kernel without huge pages does as before.
func Ask(bytes int) {
	ask(bytes)
	runtime.GC()
}

func ask(bytes int) {
	// make would write zeros into memory that the heap has had before, and so take all of it. A Builder promises nothing
	// about the room in which nothing is written yet.
	var room strings.Builder
	room.Grow(bytes)
	room.WriteByte(0) // what is empty has no address
	block := unsafe.Slice(unsafe.StringData(room.String()), bytes)
	_ = unix.Madvise(block, unix.MADV_HUGEPAGE) // best effort
}
