// Package record is how one record is written as bytes: fields by number in the wire format of protocol buffers,
// what is zero left out, so that writing costs an append and an unknown field can be stepped over.
//
// The walk over each noun's fields is generated from package state by cmd/recordgen into internal/gen/records,
// where fields.txt keeps the number of every field that ever was. A list is one field: a count, then its items;
// so a list that is empty and one that was not given stay different.
//
// # Not promised
//
// A Reader gives an error for any bytes that no writer here wrote in full, and needs memory in proportion to their
// length; it does not tell damage that happens to be well formed. The engines' checksums do.
package record
