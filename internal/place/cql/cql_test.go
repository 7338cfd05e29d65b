package cql

import (
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/state"
)

func subjectOfTests() Subject {
	return Subject{
		Instance: &state.Instance{
			Connected: true, AgentVersion: "1.82.1", EC2InstanceID: "i-abcd1234",
			RegisteredAt: time.Date(2018, 6, 18, 22, 28, 28, 0, time.UTC),
			Attributes: []state.Attribute{{Name: "ecs.instance-type", Value: "t2.small"}, {Name: "stack", Value: "prod"},
				{Name: "cores", Value: "8"}, {Name: "flag"}},
		},
		RunningTasks: 3,
		Groups:       slices.Values([]string{"service:web", "family:db"}),
	}
}

func TestExpressionsPickWhatTheGuideSays(t *testing.T) {
	cases := map[bool][]string{
		true: {
			"attribute:stack == prod", "attribute:stack equals 'prod'", `attribute:stack=="prod"`,
			"attribute:stack != dev", "attribute:stack not_equals dev", "attribute:missing != x",
			"attribute:ecs.instance-type =~ t2.*", "attribute:ecs.instance-type matches (t2|t3).*",
			"(attribute:ecs.instance-type =~ t2\\.(small|large))", "attribute:ecs.instance-type !~ c5.*",
			"attribute:ecs.instance-type not_matches 'c5.*'", "attribute:stack exists", "attribute:flag exists",
			"attribute:missing !exists", "attribute:missing not_exists", "attribute:stack in [dev, prod]",
			"attribute:stack in ['prod']", "attribute:stack !in [dev,test]", "attribute:stack not_in [dev]",
			"attribute:cores > 7", "attribute:cores greater_than_equal 8", "attribute:cores < 10",
			"agentConnected == true", "agentVersion >= 1.9.0", "agentVersion greater_than 1.82", "agentVersion < 1.100",
			"agentVersion == 1.82.1", "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']",
			"registeredAt == 2018-06-18T22:28:28+00:00", "registeredAt == 2018-06-18T22:28:28Z",
			"registeredAt == 2018-06-19T00:28:28+02:00",
			"registeredAt <= 2018-06-18T22:28:28", "registeredAt > 2018-06-18", "runningTasksCount == 3",
			"runningTasksCount < 4 and runningTasksCount greater_than 2", "task:group == service:web",
			"task:group in [family:db]", "task:group =~ service:.*", "task:group != service:other",
			"not(task:group == service:api)", "!(task:group == service:api)", "not not agentConnected == true",
			"attribute:stack == dev or attribute:stack == prod && agentConnected == true",
			"(attribute:stack == dev || attribute:stack == prod) and runningTasksCount >= 1",
		},
		false: {
			"attribute:stack == dev", "attribute:missing == x", "attribute:ecs.instance-type =~ t2",
			"attribute:missing exists", "attribute:missing in [x]", "attribute:stack > 3", "agentConnected != true",
			"agentVersion < 1.9", "registeredAt < 2018-06-18", "task:group == service:api", "task:group !~ service:.*",
			"not (attribute:stack exists)", "attribute:stack == prod and attribute:stack == dev",
		},
	}
	for want, texts := range cases {
		for _, text := range texts {
			e, err := Parse(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if e.Eval(subjectOfTests()) != want {
				t.Errorf("%s: not %v", text, want)
			}
		}
	}
}

func TestBadExpressionsAreRefusedWithAReason(t *testing.T) {
	cases := map[string]string{
		"":                                            "a subject",
		"attribute: == x":                             "unknown subject",
		"color == red":                                "unknown subject",
		"attribute:a":                                 "an operator",
		"attribute:a ==":                              "a value",
		"attribute:a == b c":                          "the end",
		"attribute:a in b":                            `"["`,
		"attribute:a in []":                           "a value",
		"attribute:a in [b":                           `","`,
		"(attribute:a == b":                           `")"`,
		"attribute:a == 'b":                           "closing quote",
		"attribute:a =~ '('":                          "bad pattern",
		"attribute:a =~ (?<=x)y":                      "bad pattern",
		"attribute:a !equals b":                       `"in" or "exists"`,
		"attribute:a == b and":                        "a subject",
		"attribute:a & b":                             "unexpected", //                            "an operator",
		"agentConnected == maybe":                     "true or false",
		"agentConnected > true":                       "no order",
		"runningTasksCount == many":                   "a number",
		"runningTasksCount =~ 1":                      "text",
		"registeredAt == yesterday":                   "a date",
		"ec2InstanceId > i-1":                         "an order",
		strings.Repeat("(", 70):                       "levels",
		strings.Repeat("!", 70) + "a":                 "levels",
		"attribute:a == " + strings.Repeat("x", 2000): "2000",
	}
	for text, want := range cases {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
		}
	}
}

func TestLiveIsWhatChangesWithoutTheInstance(t *testing.T) {
	for text, want := range map[string]bool{"task:group == a": true, "runningTasksCount < 3": true,
		"agentConnected == true": true, "attribute:a == b": false, "agentVersion > 1": false} {
		e, err := Parse(text)
		if err != nil || e.Live() != want {
			t.Errorf("%s: %v %v", text, e.Live(), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("attribute:ecs.instance-type =~ t2.* and (agentVersion >= 1.9 || !(task:group in [a, 'b']))")
	f.Add("registeredAt > 2018-06-18 and attribute:x !exists or not runningTasksCount == 1")
	f.Add("attribute:a !in [\"b\\\"c\"")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		s := subjectOfTests()
		first := e.Eval(s)
		again, err := Parse(e.String())
		if err != nil || again.Eval(s) != first {
			t.Errorf("%q reads differently the second time: %v", text, err)
		}
	})
}
