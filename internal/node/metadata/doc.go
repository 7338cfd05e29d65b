// Package metadata answers what containers ask of 169.254.170.2: their own metadata, statistics, role
// credentials and task protection, and never another task's.
//
//	/v2/metadata[/<docker id>]  /v2/stats[/<docker id>]  /v2/metadataWithTags[/<docker id>]     by source address
//	/v3/<endpoint id>…  /v4/<endpoint id>[/task|/taskWithTags|/tasks|/stats|/task/stats|/tasks/stats|/associations/…]
//	/v2/credentials/<credentials id>  /v1/credentials?id=<credentials id>
//	/api/<endpoint id>/task-protection/v1/state                                                 GET and PUT
//
// Who asks is decided by an unguessable id in the path, compared in constant time, and, where the task has
// addresses of its own, by the source address as well: an id that leaked into another task is unknown there.
// Requests for any other host name are refused, so that no web page reaches credentials by DNS rebinding.
// Ids and keys are never logged.
//
// Execution role credentials are never served. Fault injection is not served.
//
// # Concurrency
//
// A Server may be used from any number of goroutines. Serve owns the only ones.
package metadata
