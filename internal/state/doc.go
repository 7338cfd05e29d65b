// Package state holds the nouns of Longshore: what the record store keeps and every part speaks of.
//
// The types are plain Go: no wire tags, no methods that reach the clock, the store or the network.
// Intent (what was asked) and observation (what is) are different fields with different, named writers;
// a comment on the field names the one package that writes it. A record handed out by the store is shared
// and must not be changed in place: copy it, replace the slices and maps that differ, put it back.
package state
