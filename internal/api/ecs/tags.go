package ecs

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

const maxTags = 50

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// parseTags reads tags given at a creation or to TagResource. Absent tags are none.
func parseTags(in []ecswire.Tag) (state.Tags, error) {
	if len(in) > maxTags {
		return nil, invalid("The maximum number of tags is %d.", maxTags)
	}
	if len(in) == 0 {
		return nil, nil
	}
	out := state.Tags{}
	for _, t := range in {
		key, value := deref(t.Key), deref(t.Value)
		err := checkTag(key, value)
		if err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, invalid("Duplicate tag keys found: %s. Please note that Tag keys are case sensitive.", key)
		}
		out[key] = value
	}
	return out, nil
}

// checkTag holds a user's tag to API_Tag; the aws: prefix is reserved in any case.
func checkTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > 128 || !tagForm.MatchString(key):
		return invalid("Invalid tag key '%s'.", key)
	case utf8.RuneCountInString(value) > 256 || !tagForm.MatchString(value):
		return invalid("Invalid tag value for key '%s'.", key)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return invalid("Tag keys that start with aws: are reserved for AWS use.")
	}
	return nil
}

// renderTags lists tags in the order of keys; no tags are an empty list.
func renderTags(tags state.Tags) []ecswire.Tag {
	out := []ecswire.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, ecswire.Tag{Key: ptr(k), Value: ptr(tags[k])})
	}
	return out
}

// mergeTags is a copy of old with new put over it.
func mergeTags(old, new state.Tags) (state.Tags, error) {
	out := state.Tags{}
	maps.Copy(out, old)
	maps.Copy(out, new)
	own := 0
	for k := range out {
		if !strings.HasPrefix(k, "aws:") {
			own++
		}
	}
	if own > maxTags {
		return nil, invalid("The maximum number of tags is %d.", maxTags)
	}
	return out, nil
}

// withoutTags is a copy of old without some keys.
func withoutTags(old state.Tags, keys []string) state.Tags {
	out := maps.Clone(old)
	for _, k := range keys {
		delete(out, k)
	}
	return out
}
