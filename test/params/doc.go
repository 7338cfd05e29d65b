// Package params promises that every container parameter of a task definition that Docker can honour reaches the
// container: each test registers a definition through the AWS API, runs it, and compares it with what the engine was
// told and with what the process in the container sees.
//
// The tests need Docker Engine and root; they carry the build tag e2e.
package params
