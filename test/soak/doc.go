// Command soak runs a real daemon over a real Docker Engine for as long as it is told, with everything a busy
// cluster does going on at once, and judges whether the daemon stays as it was: memory, descriptors and
// goroutines flat, its log bounded, no warning twice.
//
// Churn: tasks run and stopped (bridge and awsvpc, with awslogs and without), services scaled up and down, rolling
// updates, a crash loop, services and log streams created and deleted, everything listed and described. The past is
// forgotten after a few minutes (`--forget-after`), so that what the daemon holds is the same at the end as after the
// warm-up and any growth is a leak.
//
// The last line of its output is one JSON object; the exit status is 0 only without violations and with enough load.
// It needs root, a Docker Engine and bin/longshore.
package main
