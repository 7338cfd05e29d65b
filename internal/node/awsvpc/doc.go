// Package awsvpc gives every awsvpc task its own network namespace with the task's own address, and takes
// all of it away again.
//
// A namespace is held by a paused container (the pause container); the task's containers join it with
// `--network container:<pause id>`. Starting it is most of a task's start time, so a small pool is kept ready
// and refilled off the hot path. Its program leaves the host's network namespace by itself, which takes half the
// time Docker needs to make one; no namespace is used before it is seen to differ from the host's.
//
// Networks are routed, not bridged:
//
//	namespace: eth0  A/32, the task's MAC, default via 169.254.1.1 onlink, permanent neighbour = host end
//	host:      lsIIIIITTTTTTTT, /32 route to A, permanent neighbour A = task's MAC, proxy ARP
//
// The link's name is made of a hash of the installation and one of the task; its alias spells out installation,
// task, pause container and address. So the kernel itself remembers what belongs to whom, a restarted agent
// adopts what it finds, and nothing without our exact alias is ever touched.
//
// # Rules
//
// One nftables table per installation (longshore_<hash>) drops forged source addresses, masquerades what
// leaves the VPC and, where port 80 of 169.254.170.2 is somebody else's, redirects our tasks to our own port.
// Two iptables rules in DOCKER-USER, with the installation in their comment, accept forwarding from and to our
// links, because Docker sets FORWARD to drop; being first, they also open the way between tasks and containers
// on Docker's bridges.
//
// # Files
//
// Containers that join a pause container share its resolv.conf, hosts and hostname files, which Docker made
// before the task was known. Attach writes them anew, before any container of the task exists: name servers
// from Request.DNS, or else the host's that are not on its loopback interface; the task's address and name.
// The kernel's host name in the containers stays the pause container's, which is why hosts names that too.
//
// # Concurrency
//
// A Manager may be used from any number of goroutines; calls for the same task wait for each other.
// Run owns the only goroutine.
//
// # Not promised
//
// Addresses are chosen by the control plane; two installations on one host that choose the same one get
// ErrAddressTaken for the later. Security groups and the overlay between hosts are not here yet.
package awsvpc
