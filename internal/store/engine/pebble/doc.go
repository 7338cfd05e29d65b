// Package pebble is the engine of a single machine: an embedded log-structured store whose commits survive a
// power loss once they are acknowledged.
//
// A directory holds the records, a lock against a second daemon and the file SCHEMA with the version of the
// layout. Open refuses with a remedy where going on could lose or misread a record: a directory in use, a
// newer schema, a corrupt log or table. The whole content is read, and its checksums verified, at every start.
//
// # Not promised
//
// A torn last write is told from a damaged one only if something was written after it: after a crash, a damaged
// very last commit is taken for one that was never acknowledged.
package pebble
