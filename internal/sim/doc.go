// Package sim runs a whole installation in one process and one synctest bubble, and promises that a seed decides
// everything in it: a control plane on a disk that tears, agents and Docker Engines that die, clients, and the
// network between them. The code under test is the shipped one; simulated are the disk, the wire, the engine, the
// clock and the dice. The oracle watches every commit and every process.
//
// A run has two times. At first faults happen: processes are killed at any await, machines lose power, links are
// cut, messages and answers get lost, doubled and late, disks fill and break, engines lie, clocks jump. Then they
// stop, and within a bound everything must be as it was asked for.
//
// # Concurrency
//
// A World lives in one bubble. Only one Run is possible in a process whose runtime is to be controlled; Fleet starts
// one process a seed.
//
// # Not promised
//
// Tasks in network mode awsvpc, logs and the metadata address are not simulated.
package sim
