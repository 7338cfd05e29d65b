// Package ecs is the intent side of Amazon ECS: it validates what clients ask for, writes it to the store as records
// and answers from them. It starts nothing itself: the loops under internal/control read the records and act.
//
// Served: clusters, capacity providers (as records; FARGATE and FARGATE_SPOT are built in), task definitions, tasks,
// services with the rolling controller, container instances, attributes, tags and account settings. Everything else
// of the model is in the table of refused.go, with the reason that the caller reads.
//
// # Concurrency
//
// An API holds no state of its own; its operations may be called by any number of goroutines.
//
// # Not promised
//
// An acknowledged call means a durable record, not a running process: that is what the waiters are for.
package ecs
