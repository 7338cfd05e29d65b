// Package sts answers who the caller is.
//
// Served: GetCallerIdentity. It needs no permission, on AWS as here. Everything that would make or read credentials of
// roles and users waits for identities of that kind and is refused.
package sts
