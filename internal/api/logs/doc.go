// Package logs answers Amazon CloudWatch Logs: log groups and streams, events put into them, read, filtered and
// followed, retention and tags.
//
// Records of groups and streams are in the record store; events, and what is known of a stream by its events
// (first and last time, bytes), are in telemetry/logstore, so that PutLogEvents writes no record. An event is
// acknowledged when it is on disk. Events older than a group's retention are never shown, and removed by Run.
//
// # Concurrency
//
// An API is safe for use by many goroutines. Deleting a group or a stream waits for the PutLogEvents under way,
// so that no event of a deleted stream comes back under a new one of the same name.
//
// # Not promised
//
// Only the STANDARD class, no keys of one's own, no metric or subscription filters, no live tail, no queries:
// refused.go has the list.
package logs
