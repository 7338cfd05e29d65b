// Command bench measures the figures of the README, each beside its peer in the same run, and prints them as a
// table with ratios; bench/last.json gets one object a figure. It passes no judgement: nothing here is a timed
// test.
//
// It needs bin/longshore (make build), root and a Docker Engine, and starts an installation of its own in a
// temporary directory, which it takes down again.
package main
