package store

import (
	"iter"

	"longshore/internal/gen/records"
	"longshore/internal/state"
)

const (
	instanceKind = "kind"
)

var instancesSchema = schema[state.Instance]{
	name:   "instances",
	key:    func(i *state.Instance) string { return string(i.Key) },
	setKey: func(i *state.Instance, k string) { i.Key = state.InstanceKey(k) },
	append: records.AppendInstance,
	read:   records.ReadInstance,
	indexes: []index[state.Instance]{
		{instanceKind, func(i *state.Instance) string { return i.Kind }, nil},
	},
}

// Instances reads container instances.
type Instances struct {
	Rows[state.InstanceKey, state.Instance]
}

// EditInstances reads and writes container instances.
type EditInstances struct{ Instances }

// Instances of the view.
func (v View) Instances() Instances {
	return Instances{Rows[state.InstanceKey, state.Instance]{slot: &v.t.instances}}
}

// Instances of the transaction.
func (tx *Tx) Instances() EditInstances {
	return EditInstances{Instances{
		Rows[state.InstanceKey, state.Instance]{slot: &tx.t.instances, tx: tx, bit: bitInstances}}}
}

// Put inserts or replaces an instance.
func (e EditInstances) Put(i *state.Instance) { put(e.Rows, i) }

// Delete forgets an instance.
func (e EditInstances) Delete(k state.InstanceKey) { remove(e.Rows, k) }

// OfCluster yields the instances of a cluster, INACTIVE ones too.
func (t Instances) OfCluster(k state.ClusterKey) iter.Seq[*state.Instance] {
	return t.Prefix(string(k) + "/")
}

// OfKind yields the instances of one kind in every cluster.
func (t Instances) OfKind(kind string) iter.Seq[*state.Instance] { return t.by(instanceKind, kind, "") }

var logStreamsSchema = schema[state.LogStream]{
	name:   "logstreams",
	key:    func(s *state.LogStream) string { return string(s.Key) },
	setKey: func(s *state.LogStream, k string) { s.Key = state.LogStreamKey(k) },
	append: records.AppendLogStream,
	read:   records.ReadLogStream,
}

// LogStreams reads log streams.
type LogStreams struct {
	Rows[state.LogStreamKey, state.LogStream]
}

// EditLogStreams reads and writes log streams.
type EditLogStreams struct{ LogStreams }

// LogStreams of the view.
func (v View) LogStreams() LogStreams {
	return LogStreams{Rows[state.LogStreamKey, state.LogStream]{slot: &v.t.logStreams}}
}

// LogStreams of the transaction.
func (tx *Tx) LogStreams() EditLogStreams {
	return EditLogStreams{LogStreams{
		Rows[state.LogStreamKey, state.LogStream]{slot: &tx.t.logStreams, tx: tx, bit: bitLogStreams}}}
}

// Put inserts or replaces a log stream.
func (e EditLogStreams) Put(s *state.LogStream) { put(e.Rows, s) }

// Delete forgets a log stream.
func (e EditLogStreams) Delete(k state.LogStreamKey) { remove(e.Rows, k) }

// OfGroup yields the streams of a group in the order of names.
func (t LogStreams) OfGroup(k state.LogGroupKey) iter.Seq[*state.LogStream] {
	return t.Prefix(string(k) + "\x00")
}
