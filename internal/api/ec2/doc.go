// Package ec2 shows the networks that tasks live in, as far as clients of ECS ask for them: the default VPC of each
// account and region with its subnets, its default security group, and the interfaces of running tasks.
//
// The default VPC is made when somebody first asks. Nothing can be created or changed through this API yet; what
// it does not answer is refused.
//
// # Concurrency
//
// An API holds no state of its own; its operations may be called by any number of goroutines.
package ec2
