package cql

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"

	"longshore/internal/state"
)

// Subject is what an expression is asked about.
type Subject struct {
	Instance     *state.Instance
	RunningTasks int              // tasks in RUNNING on the instance
	Groups       iter.Seq[string] // groups of the tasks on the instance; nil is none
}

// topic is what the left side of a comparison names.
type topic int

const (
	agentConnected topic = iota
	agentVersion
	attribute
	ec2InstanceID
	registeredAt
	runningTasksCount
	taskGroup
)

type subject struct {
	topic topic
	name  string // of the attribute
}

var topics = map[string]topic{
	"agentConnected": agentConnected, "agentVersion": agentVersion, "ec2InstanceId": ec2InstanceID,
	"registeredAt": registeredAt, "runningTasksCount": runningTasksCount, "task:group": taskGroup,
}

func subjectOf(text string) (subject, error) {
	t, ok := topics[text]
	if ok {
		return subject{topic: t}, nil
	}
	name, ok := strings.CutPrefix(text, "attribute:")
	if ok && name != "" {
		return subject{topic: attribute, name: name}, nil
	}
	return subject{}, fmt.Errorf("unknown subject %q", text)
}

func (s subject) live() bool {
	return s.topic == agentConnected || s.topic == runningTasksCount || s.topic == taskGroup
}

// value is an argument in the forms that its subject compares.
type value struct {
	text   string
	number float64
	isNum  bool
	at     time.Time
}

// value reads an argument, so that one that its subject can never have is refused at once.
func (s subject) value(text string, op operator) (value, error) {
	v := value{text: text}
	n, err := strconv.ParseFloat(text, 64)
	v.number, v.isNum = n, err == nil
	switch s.topic {
	case agentConnected:
		if text != "true" && text != "false" {
			return v, fmt.Errorf("agentConnected is true or false, not %q", text)
		}
		if op.ordered() {
			return v, errors.New("agentConnected has no order")
		}
	case runningTasksCount:
		if !v.isNum {
			return v, fmt.Errorf("runningTasksCount is a number, not %q", text)
		}
	case registeredAt:
		v.at, err = dateOf(text)
		if err != nil {
			return v, err
		}
	case ec2InstanceID, taskGroup:
		if op.ordered() {
			return v, errors.New("operator needs a subject with an order")
		}
	}
	return v, nil
}

func (s subject) pattern(text string) (*regexp.Regexp, error) {
	switch s.topic {
	case agentConnected, runningTasksCount, registeredAt:
		return nil, errors.New("a pattern needs a subject that is text")
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return nil, fmt.Errorf("bad pattern %q", text)
	}
	return re, nil
}

// Dates as the guide writes them; without a zone they are UTC.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"}

func dateOf(text string) (time.Time, error) {
	for _, l := range dateLayouts {
		t, err := time.ParseInLocation(l, text, time.UTC)
		if err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("registeredAt is a date such as 2018-06-18T22:28:28+00:00, not %q", text)
}

// get is the instance's own value and whether it has one.
func (s subject) get(of Subject) (value, bool) {
	i := of.Instance
	switch s.topic {
	case agentConnected:
		return value{text: strconv.FormatBool(i.Connected)}, true
	case agentVersion:
		return value{text: i.AgentVersion}, i.AgentVersion != ""
	case ec2InstanceID:
		return value{text: i.EC2InstanceID}, i.EC2InstanceID != ""
	case registeredAt:
		return value{at: i.RegisteredAt}, true
	case runningTasksCount:
		return value{number: float64(of.RunningTasks), isNum: true}, true
	}
	for _, a := range i.Attributes {
		if a.Name == s.name {
			n, err := strconv.ParseFloat(a.Value, 64)
			return value{text: a.Value, number: n, isNum: err == nil}, true
		}
	}
	return value{}, false
}

// compare orders two values of the subject; ok is false where they have no order.
func (s subject) compare(a, b value) (order int, ok bool) {
	switch s.topic {
	case registeredAt:
		return a.at.Compare(b.at), true
	case agentVersion:
		return compareVersions(a.text, b.text), true
	case runningTasksCount:
		return compareNumbers(a.number, b.number), true
	case attribute:
		if a.isNum && b.isNum {
			return compareNumbers(a.number, b.number), true
		}
		return 0, false
	}
	return 0, false
}

func (s subject) same(a, b value) bool {
	switch s.topic {
	case registeredAt, agentVersion, runningTasksCount:
		order, _ := s.compare(a, b)
		return order == 0
	}
	return a.text == b.text
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareVersions compares dotted numbers; what is missing counts as 0, and a leading v is skipped.
func compareVersions(a, b string) int {
	as := strings.Split(strings.TrimPrefix(a, "v"), ".")
	bs := strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range max(len(as), len(bs)) {
		order := compareNumbers(versionPart(as, i), versionPart(bs, i))
		if order != 0 {
			return order
		}
	}
	return 0
}

func versionPart(parts []string, i int) float64 {
	if i >= len(parts) {
		return 0
	}
	digits, _, _ := strings.Cut(parts[i], "-")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return float64(n)
}
