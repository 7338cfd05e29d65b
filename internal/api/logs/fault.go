package logs

import (
	"strings"

	"longshore/internal/aws/fault"
)

// The faults of CloudWatch Logs, in its own words where they are known. Clients match on both code and text.

func invalid(format string, args ...any) *fault.Error {
	return fault.Newf("InvalidParameterException", format, args...)
}

func unserved(parameter, reason string) *fault.Error {
	return invalid("%s is not served by Longshore: %s", parameter, reason)
}

func groupExists() *fault.Error {
	return fault.New("ResourceAlreadyExistsException", "The specified log group already exists")
}

func streamExists() *fault.Error {
	return fault.New("ResourceAlreadyExistsException", "The specified log stream already exists")
}

func groupNotFound() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified log group does not exist.")
}

func streamNotFound() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified log stream does not exist.")
}

func badToken() *fault.Error { return invalid("The specified nextToken is invalid.") }

func eventsElsewhere(stream string, servers []string) *fault.Error {
	return fault.Newf("ServiceUnavailableException", "Events of the log stream %s are on another Longshore server (%s): "+
		"ask that one. Servers that share their records do not share log events.", stream, strings.Join(servers, ", "))
}

func tooManyTags() *fault.Error {
	return fault.New("TooManyTagsException", "The resource can have at most 50 tags.")
}
