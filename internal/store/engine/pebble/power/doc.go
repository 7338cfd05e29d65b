// Package power proves what internal/store/engine/pebble promises of a disk that loses power, tears its log, rots or
// fills up: after each accident the records are exactly an acknowledged prefix, with nothing more than the batch that
// was under way, or the engine refuses them and names file, offset and remedy.
//
// A crash drops everything that was not synced, or any part of it: blocks, names of files, directories. It comes at
// any operation of the file system, so also within recovery, flush, compaction and rotation. The order of those that
// run side by side is the scheduler's: a seed decides what is written and where the fuse burns, not every race.
package power
