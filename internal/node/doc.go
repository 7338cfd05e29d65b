// Package node is the agent: it joins a cluster as a container instance, runs the tasks it is given, and keeps
// telling the control plane what really happened until it is believed.
//
// It speaks the protocol of the official agent: registration and state changes over HTTP, work over the ACS
// websocket, metrics and health over the TCS websocket. Tasks belong to taskrun; nothing here touches a container.
//
// Concurrency: an Agent is run once. Several Agents share one engine by sharing what their Configs point to.
//
// Not promised: agent self-update (refused with a Nack) and instance-level network attachments.
package node
