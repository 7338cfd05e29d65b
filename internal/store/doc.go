// Package store is the memory of Longshore: typed tables of state's nouns, read as immutable snapshots,
// changed by closures, and acknowledged only when they are durable.
//
// # Concurrency
//
// View never blocks and never sees half of an Update. Updates run one after the other on the newest state,
// their writes are committed to the engine in groups with one fsync each, and they become visible to View
// and to watchers only then: nothing that could still be lost is ever seen. A closure may be run again when
// an engine reports a conflict, so it must depend on nothing but its transaction and its captured inputs,
// and must not keep what it computed in a failed run.
//
// # Not promised
//
// Records are shared by pointer: a reader must not change one. The store reads no clock and draws no random
// numbers; callers bring both.
package store
