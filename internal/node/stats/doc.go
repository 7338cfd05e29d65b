// Package stats samples running containers once a second and sums the samples up in the sets that the telemetry
// protocol carries: minimum, maximum, sum and count between two flushes.
//
// Concurrency: a Collector is safe for concurrent use. One stream per running container is open; a stream that hangs
// costs that container's metrics and nothing else.
package stats
