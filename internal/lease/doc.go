// Package lease lets one of several servers lead: work that should be done once is done where the lease is, and
// moves on within two seconds when that server dies.
//
// The lease is one small record that all servers can read, and change by comparing and swapping. Its holder
// rewrites it every Beat; who has seen it unchanged for Expire, by a clock of its own, takes it over. No clock is
// compared with another one's. A holder that could not rewrite it for Hold, which is less than Expire, stops its
// work before anybody else may begin; one that finds another's name there stops at once.
//
// # Not promised
//
// Work of two holders can overlap: a holder that was frozen notices the loss only after it wakes up. What the work
// writes must be safe all the same, as closures of the record store are.
package lease
