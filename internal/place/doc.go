// Package place finds the container instance for a task: what fits, what the constraints allow, what the
// strategies prefer, and why nothing did.
//
// A Board remembers, cluster by cluster, what every instance has left. It is told of every committed change
// (Note), and it is asked inside a transaction (Begin … Choose … End), whose truth about the chosen instance
// is compared before the choice stands: a lagging Board can never overcommit. Before it refuses, it compares the
// instances that came closest; room that was freed a moment ago elsewhere it may miss, so who was told of such
// room waits for the Board to catch up first (Await).
//
// # Cost
//
// Instances that a kind of request may use are kept in trees ordered by what its strategies prefer, so a
// decision costs the logarithm of the number of instances. Trees are made when first asked for and replay
// what changed since they were last used. Linear in the instances are only: the first decision of a kind, a
// refusal (it must name the closest instance), and chains in which spread by an attribute follows another
// kind of strategy. Spread by an attribute is linear in the attribute's distinct values.
//
// # Concurrency
//
// A Board is shared by everyone who places tasks: it locks itself between Begin and End. Lock order: first
// the store's transaction, then the Board.
//
// # Rules
//
// FARGATE tasks go to FARGATE hosts, whatever room they show: the hosts' cgroups enforce the limits. Others
// go to ACTIVE, connected instances of their own kind in their cluster. Attributes that a task definition
// requires are held against an instance only if it registered any capability at all: an agent that reports
// none is trusted to have all. Tasks hold what they need until it is Released; strategies and
// distinctInstance count the tasks of the same service or group whose desired status is RUNNING.
package place
