// Package e2e promises that unmodified AWS clients run real tasks and services: it builds the longshore binary, starts
// it as a user would, drives it with the AWS CLI, boto3, the Go SDK and Terraform, and believes nothing but Docker.
//
// The suite is the table in suite_test.go, read top to bottom. Each scenario has an installation of its own; when it
// ends, `longshore down` runs and the host is searched for what it left. Build tag: e2e.
package e2e
