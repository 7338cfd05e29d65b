// Package rig promises each end-to-end test an installation of its own, the questions that tell whether Longshore
// keeps its word, and a host that is as it was when the test ends. Build tag: e2e.
//
//   - Main builds the binary (or takes LONGSHORE_BIN) and loads the probe's image; a package's TestMain calls it.
//   - Start makes an installation: a data directory, a port, a client without retries. Daemon.Start, Stop and Kill
//     are for restarts; `longshore down` and a search of the host come by themselves when the test ends.
//   - Daemon.Join starts a `longshore agent` process, StartDockerd a Docker Engine of the test's own.
//   - Probe, Web, Definition, Fargate, WithVolume, Daemon.Cluster, Network, Register, Serve and Run make work;
//     Task, Tasks, Service, Until and Stable ask what became of it.
//   - Engine asks Docker itself, sharing no code with the product. Daemon.Live, Births, Unharmed, Agree, Single and
//     Orphans are the oracle: nothing lost, doubled, orphaned or restarted.
//   - Daemon.Marks is what of the host belongs to an installation, Quiet waits until no task has left anything.
//   - Setting reads the number that a run by hand gives, Report keeps the verdict that `make` prints last.
//
// Not promised: use by two goroutines of what fails a test. Checks that return an error may be called by many.
package rig
