//go:build e2e

package params

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// assume uses the keys that a container got.
func (r *rig) assume(t *testing.T, k task, answer string) {
	t.Helper()
	got := parse[struct{ RoleArn, AccessKeyID, SecretAccessKey, Token, Expiration string }](t, "credentials", answer)
	same(t, "role", got.RoleArn, "arn:aws:iam::000000000000:role/app")
	keys := aws.Credentials{AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token}
	status, b := r.request(t, keys, "sts", "application/x-www-form-urlencoded", "",
		"Action=GetCallerIdentity&Version=2011-06-15")
	if status != http.StatusOK || !strings.Contains(string(b), ":assumed-role/app/"+k.id()) {
		t.Errorf("the task's keys: %d %s", status, b)
	}
}

func (r *rig) events(t *testing.T, group, stream string, n int) []string {
	t.Helper()
	var out []string
	poll(t, 10*time.Second, "log events", func() error {
		var got struct{ Events []struct{ Message string } }
		r.call(t, "Logs_20140328.GetLogEvents",
			`{"logGroupName":"`+group+`","logStreamName":"`+stream+`","startFromHead":true}`, &got)
		out = nil
		for _, e := range got.Events {
			out = append(out, e.Message)
		}
		if len(out) < n {
			return fmt.Errorf("there are %q", out)
		}
		return nil
	})
	return out
}

func seeAWSLogs(t *testing.T, r *rig) {
	r.call(t, "Logs_20140328.CreateLogGroup", `{"logGroupName":"plain"}`, nil)
	region := `"awslogs-region":"` + r.env["AWS_DEFAULT_REGION"] + `"`
	k := r.run(t, `"containerDefinitions":[
		{"name":"plain","image":"IMAGE","memory":32,"command":["say","one","two"],"logConfiguration":{"logDriver":"awslogs",
			"options":{"awslogs-group":"plain",`+region+`,"mode":"blocking"}}},
		{"name":"pattern","image":"IMAGE","memory":32,"command":["say","INFO a"," more","INFO b"],
			"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"made",`+region+`,
			"awslogs-create-group":"true","awslogs-stream-prefix":"pre","awslogs-multiline-pattern":"^INFO",
			"mode":"non-blocking","max-buffer-size":"4m"}}},
		{"name":"dated","image":"IMAGE","memory":32,"pseudoTerminal":true,
			"command":["say","[Nov 20, 2026 10:00:00] a"," more","[Nov 20, 2026 10:00:01] b"],
			"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"made",`+region+`,
			"awslogs-create-group":"true","awslogs-stream-prefix":"pre",
			"awslogs-datetime-format":"\\[%b %d, %Y %H:%M:%S\\]"}}}]`, "")
	k = r.until(t, k, "RUNNING")
	same(t, "lines", strings.Join(r.events(t, "plain", k.container(t, "plain"), 2), "|"), "one|two")
	r.ecs(t, "StopTask", `{"cluster":"params","task":"`+k.TaskARN+`"}`, nil)
	same(t, "pattern", strings.Join(r.events(t, "made", "pre/pattern/"+k.id(), 2), "|"), "INFO a\n more|INFO b")
	got := strings.Join(r.events(t, "made", "pre/dated/"+k.id(), 2), "|")
	same(t, "dates", strings.ReplaceAll(got, "\r", ""), "[Nov 20, 2026 10:00:00] a\n more|[Nov 20, 2026 10:00:01] b")
}

func seeMissingGroup(t *testing.T, r *rig) {
	region := `"awslogs-region":"` + r.env["AWS_DEFAULT_REGION"] + `"`
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":32,"logConfiguration":{
		"logDriver":"awslogs","options":{"awslogs-group":"nobody-made-it",`+region+`}}}]`, "")
	k = r.until(t, k, "STOPPED")
	same(t, "stop code", k.StopCode, "TaskFailedToStart")
	contains(t, "reason", k.StoppedReason, "ResourceNotFoundException", "The specified log group does not exist.",
		"ailed to create Cloudwatch log stream", "CannotStartContainerError")
	contains(t, "reason of the container", k.Containers[0].Reason, "ResourceNotFoundException")
}

func seeDrivers(t *testing.T, r *rig) {
	address, got := listenSyslog(t)
	k := r.run(t, `"containerDefinitions":[
		{"name":"file","image":"IMAGE","memory":32,"logConfiguration":{"logDriver":"json-file","options":{"max-size":"2m",
			"max-file":"3","mode":"non-blocking","max-buffer-size":"1m","labels":"a"}}},
		{"name":"sys","image":"IMAGE","memory":32,"command":["say","ahoy"],"logConfiguration":{"logDriver":"syslog",
			"options":{"syslog-address":"udp://`+address+`","tag":"harbour"}}}]`, "")
	k = r.until(t, k, "RUNNING")
	hold(t, k.inspect(t, "file"), "HostConfig.LogConfig", `{"Type":"json-file","Config":{"labels":"a",
		"max-buffer-size":"1m","max-file":"3","max-size":"2m","mode":"non-blocking"}}`)
	select {
	case line := <-got:
		contains(t, "syslog", line, "harbour", "ahoy")
	case <-time.After(5 * time.Second):
		t.Error("nothing came by syslog")
	}
}
