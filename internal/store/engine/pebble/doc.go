// Package pebble is the engine of a single machine: an embedded log-structured store whose commits survive a
// power loss once they are acknowledged.
//
// A directory holds the records, a lock against a second daemon and the file SCHEMA with the version of the
// layout. Open refuses with a remedy where going on could lose or misread a record: a directory in use, a
// newer schema, a corrupt log or table. The whole content is read, and its checksums verified, at every start.
//
// A log or manifest that cannot be written stops the engine, once and for all: no later Commit is acknowledged, and
// what was read stays readable. A full disk refuses a Commit before anything is written; one that fills up meanwhile
// makes it wait for room. Package power proves all of it.
//
// # Not promised
//
// A torn last write is told from a damaged one if something was written after it, or if one bit is all that is
// wrong: otherwise a damaged end of the log, after a crash, is taken for commits that were never acknowledged.
package pebble
