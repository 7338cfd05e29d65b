package state

import "time"

// LogGroupKey is account/region/ followed by the name of the group, which may hold "/" itself.
type LogGroupKey string

// LogStreamKey is a LogGroupKey, a NUL byte and the name of the stream, which may hold "/" as well.
type LogStreamKey string

// NewLogGroupKey names a log group.
func NewLogGroupKey(s Scope, name string) LogGroupKey { return LogGroupKey(s.String() + "/" + name) }

// NewLogStreamKey names a stream of a group.
func NewLogStreamKey(g LogGroupKey, name string) LogStreamKey {
	return LogStreamKey(string(g) + "\x00" + name)
}

// LogGroup of CloudWatch Logs. Written by api/logs.
type LogGroup struct {
	Key           LogGroupKey
	Name          string
	Class         string // STANDARD
	CreatedAt     time.Time
	RetentionDays int // 0 = for ever
	KMSKeyID      string
	Tags          Tags
}

// LogStream of a group. Written by api/logs; when events last came is the log store's to know.
type LogStream struct {
	Key       LogStreamKey
	Group     LogGroupKey
	Name      string
	CreatedAt time.Time
	Servers   []string // that hold its events, where several share the records
}
