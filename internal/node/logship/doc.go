// Package logship ships what containers write to CloudWatch Logs, once, in order, and live.
//
// It is the agent's side of the awslogs driver. The engine keeps each container's output; Follow reads it with the
// engine's timestamps, joins partial lines, groups multi-line events and sends batches. The first line after a
// silence is sent at once, a steady stream at most every Linger. What the service has acknowledged is marked per
// container, so an agent that starts again goes on behind the mark.
//
// # Modes
//
// In non-blocking mode (the default, as on AWS since June 2025) lines that find max-buffer-size full are dropped,
// counted exactly and told once. In blocking mode reading stops instead; the container itself never stops, because
// it writes to the engine's own log.
//
// # Concurrency
//
// One Follow per container at a time: a second one waits for the first. Follow owns its goroutines and has ended
// them all when it returns.
//
// # Not promised
//
// A line may be shipped twice when the service's answer to a batch is lost on the way, when the agent dies between
// that answer and the mark, or while a partial line of the container's other stream is open.
package logship
