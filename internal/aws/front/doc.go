// Package front answers HTTP as AWS does: route, authenticate, authorize, decode, call, encode, in one literal chain.
//
// It knows the protocols (awsJson 1.0 and 1.1, awsQuery, ec2Query, Smithy RPC v2 CBOR) and no service: services are
// values, each a wire.Service with its bound operations. A request is refused before any service sees it when its Host
// is not ours, when a foreign web page sent it, when it is too large or nested too deep, when its signature does not
// hold, or when it breaks a constraint of the model. An operation that panics costs its caller a 500 and nobody else
// anything.
//
// Concurrency: a Front is immutable after New; ServeHTTP may be called by any number of goroutines.
package front
