// Package workload is the load of a simulated world: clients that call the API as SDKs do, remember what was
// acknowledged, and call out every answer that cannot be true.
//
// Each client changes records that nobody else changes and reads everybody's. A call that got no answer may have
// happened, may not have happened, and may still happen within Config.Linger; a third thing is a violation:
//
//	D1 what was acknowledged is there, after whatever happened since
//	D2 what was not is there as a whole or not at all
//	D3 no answer is older than one that anybody had before the call
//	D5 a call repeated with its token answers what the first did
//	D6 a task definition's revision is never given twice
//
// # Concurrency
//
// Run has one goroutine for each client and returns when all of them have. Settle is called after it.
package workload
