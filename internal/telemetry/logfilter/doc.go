// Package logfilter is CloudWatch Logs' filter pattern language: which events a pattern keeps, and the values
// that it names.
//
// Three kinds: terms (`ERROR -"health check" ?a ?b %4\d\d%`), JSON (`{ $.a.b = "x*" && $.n > 3 }`) and
// space-delimited fields (`[ip, ..., status=4*, bytes>1000]`). Terms are matched at word boundaries, so that
// `ERROR` is not found in `ERRORS`; regular expressions are RE2 and find anywhere.
//
// Parsing takes one pass; patterns longer than 1,024 characters or nested deeper than 64 are refused. Matching
// costs time linear in the event for a given pattern.
//
// A Pattern is immutable and safe for use by many goroutines.
package logfilter
