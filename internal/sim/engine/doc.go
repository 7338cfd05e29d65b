// Package engine is a simulated Docker Engine, and promises that node/docker cannot tell it from a real one by what
// it answers: the part of the Engine API that package speaks, over records instead of processes, with its status
// codes, its streams and its words. One conformance test holds both to the same script.
//
// What a container does is told by its image: sim/KIND:SETTINGS, with or without a registry before it. Settings are
// words of the form key-value, joined by _, as in sim/job:run-30s_exit-3. The container's command may add more, one
// to a word, as key=value; they win. A tag without a dash, such as latest or v2, sets nothing.
//
//	sim/web       runs until it is stopped
//	sim/job       ends by itself: run (30 s), exit (0)
//	sim/slow      takes long to start: start (4 s)
//	sim/stubborn  ignores its stop signal, until killed
//	sim/crash     ends at once with exit (1)
//	sim/healthy   with a health check, is healthy after (10 s)
//	sim/sick      with a health check, is unhealthy after (10 s)
//	sim/oom       is killed for its memory after (10 s)
//
// Every kind takes every setting: run, exit, start, after; stop is how long it takes to leave when told to (0 s) and
// left its exit code then (0). Any other image, such as one that was loaded, is like sim/web.
//
// Concurrency: an Engine is safe for concurrent use. It blocks on channels, mutexes and timers alone, so it lives in
// a testing/synctest bubble.
//
// Not promised: networks other than bridge, host, none and container:ID, links, resource limits, exec, build, swarm.
package engine
