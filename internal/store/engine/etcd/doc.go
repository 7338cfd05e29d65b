// Package etcd keeps records in etcd, where several servers share them: what one acknowledged, every other one
// finds, and no write is lost between them.
//
// # Layout
//
// Below the prefix lie:
//
//	schema               the version of this layout
//	head                 "REVISION NONCE" of the newest commit
//	log/REVISION         a commit: who made it, what it is based on, its operations
//	staged/REVISION/…    the pieces of a commit that is too large for one request
//	records/TABLE/KEY    every record as of the revision in folded
//	folded               "REVISION FOLDER"
//	installation, leader, servers/…   what servers agree on beside records
//
// A commit of any size is one transaction of two puts, the log entry and the head, on condition that the head is
// still the one that the commit is based on. So etcd's limits (128 operations a transaction, 1.5 MiB a request)
// bound nothing: operations are packed in the entry, and what exceeds MaxInline is staged before, invisible until
// the entry names it. Fold moves old entries into records and forgets them; a state is records, overlaid by the
// entries after folded, all read at one revision of etcd.
//
// # Unknown outcomes
//
// A request that etcd did not answer may still be carried out. Commit then raises a fence: it rewrites the head
// with a nonce of its own, on condition that nothing changed, after which the lost request can never pass, and
// sends it again; or it finds its own id in the log, or another commit. If etcd cannot be asked in time the
// outcome stays open and the store is told that the engine is unavailable; nothing is acknowledged.
//
// # Not promised
//
// History is not compacted: etcd is asked to do so by its --auto-compaction-retention.
package etcd
