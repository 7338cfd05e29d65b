package logs

import (
	"strings"

	"longshore/internal/aws/arn"
	"longshore/internal/aws/front"
	"longshore/internal/state"
	"longshore/internal/store"
)

// groupOf finds the group that a call names, by name or by identifier (a name or an ARN), never by both.
func groupOf(v store.View, c front.Caller, name, identifier *string) (*state.LogGroup, error) {
	if name != nil && identifier != nil {
		return nil, invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	}
	if name == nil && identifier == nil {
		return nil, invalid("Either LogGroup name or LogGroup ARN must be specified.")
	}
	key, err := groupKey(c, deref(name)+deref(identifier))
	if err != nil {
		return nil, err
	}
	g, ok := v.LogGroups().Get(key)
	if !ok {
		return nil, groupNotFound()
	}
	return g, nil
}

// groupKey reads a name or an ARN; `:*` at the end of an ARN, as DescribeLogGroups prints it, is left out.
func groupKey(c front.Caller, identifier string) (state.LogGroupKey, error) {
	if !arn.Is(identifier) {
		return state.NewLogGroupKey(scopeOf(c), identifier), nil
	}
	parsed, err := arn.Parse(identifier)
	if err != nil {
		return "", invalid("The specified ARN is invalid.")
	}
	name, ok := strings.CutPrefix(strings.TrimSuffix(parsed.Resource, ":*"), "log-group:")
	if !ok || parsed.Service != "logs" || strings.ContainsRune(name, ':') {
		return "", invalid("The specified ARN does not name a log group.")
	}
	return state.NewLogGroupKey(state.Scope{Account: parsed.Account, Region: parsed.Region}, name), reach(c, parsed)
}

// reach keeps a call within its own account and region.
func reach(c front.Caller, a arn.ARN) error {
	if a.Account != c.Account || a.Region != c.Region {
		return groupNotFound()
	}
	return nil
}

func streamOf(v store.View, g *state.LogGroup, name string) (*state.LogStream, error) {
	s, ok := v.LogStreams().Get(state.NewLogStreamKey(g.Key, name))
	if !ok {
		return nil, streamNotFound()
	}
	return s, nil
}

// deref reads a member that may be absent.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
