// Package daemon composes the roles of Longshore into one process: the control plane, the node and (later) the
// edge. It is the only package that imports everything, and holds no rule of its own: which part exists, what it
// is handed, and in which order the parts start and stop.
package daemon
