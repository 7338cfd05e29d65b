// Package cql is the cluster query language: it reads the expressions that pick container instances
// (memberOf constraints, the filter of ListContainerInstances) and says which instances they pick.
//
// An expression is a chain of `subject operator argument`, joined by && || ! or and, or, not, grouped by
// parentheses (Amazon ECS Developer Guide, "Cluster query language"). Every operator has a word form.
//
// # Not promised
//
// Regular expressions are RE2, matched against the whole value: Java's look-around and back-references are
// refused when the expression is read, never run. The cost of an evaluation is linear in the expression.
package cql
