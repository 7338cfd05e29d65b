// Package logstore keeps log events: appended, read back in order, followed live, and expired.
//
// An append is answered when its events are on disk; concurrent appends share one fsync. Events of a stream
// are kept in blocks, keyed group‖stream‖first time‖sequence, compressed with zstd when that pays. A block
// never spans more than maxSpan, so a read that starts at a time seeks once and skips at most that much.
//
// # Order
//
// Every event gets a sequence number that is never used again, not even after a crash. Reads are ordered by
// (time, sequence), within a stream as well as across the streams of a group, and a Position of that order is
// all that a page token needs to hold.
//
// # Concurrency
//
// A Store is safe for use by many goroutines. The database is opened at the first use, so a daemon that ships
// no logs pays neither the files nor the memory.
//
// # Not promised
//
// Existence of groups and streams is the record store's knowledge: appending to a name brings it into being
// here, and deleting it forgets its events.
package logstore
