// Package acs holds the messages and the framing of the ECS agent protocol, so that the server side and the node side
// cannot disagree about a byte.
//
// ACS frames ({"type":…,"message":…}) carry work to an agent and acknowledgements back; TCS frames carry metrics and
// health. Field names are those of the protocol. Fields named Longshore, and messages whose type begins with
// Longshore, are extensions: the official agent ignores both.
//
// Not promised: semantic validation. A decoded message is well formed, bounded in size and depth, and nothing more.
package acs
