// Package network carries bytes between named hosts of one process as TCP would over a bad network: late, in both
// directions of their own, not at all while a link is cut, and up to any byte of a connection that ends.
//
// A host is one incarnation of a machine or process: Crash fences it, and whatever its goroutines still do reaches
// nobody. Websocket frames, which stand for messages, are lost, doubled and swapped whole; HTTP calls by Caller.
// All choices come from the seed, by link and direction.
//
// # Concurrency
//
// Everything is safe for concurrent use, and waits only in ways that testing/synctest understands.
package network
