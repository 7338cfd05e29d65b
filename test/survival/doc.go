// Package survival promises that Longshore outlives what happens to it: daemons killed under load, engines that go
// away, containers that other hands touch, neighbours on the same machine. Acknowledged writes stay, containers are
// neither doubled nor orphaned nor restarted, and what DescribeTasks says is what Docker says.
//
// Every test has an installation of its own; when it ends, `longshore down` runs and the host is searched for what
// it left. The test that stops Docker Engine starts an engine of its own first. Build tag: e2e.
package survival
