package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"longshore/internal/acs"
	"longshore/internal/node/metadata"
)

// callTimeout bounds a call of the control plane on behalf of a container.
const callTimeout = 5 * time.Second

// containerCalls is what the metadata address needs beyond its own knowledge: the engine's statistics, and the
// control plane for tags and task protection.
type containerCalls struct {
	host   *host
	server string
	region string
	client *http.Client
}

var (
	_ metadata.Stats      = (*containerCalls)(nil)
	_ metadata.Tags       = (*containerCalls)(nil)
	_ metadata.Protection = (*containerCalls)(nil)
)

// ContainerStats implements metadata.Stats. A container that is too young to be sampled is measured once.
func (c *containerCalls) ContainerStats(ctx context.Context, id string) (json.RawMessage, *metadata.NetworkRates, error) {
	c.host.mu.Lock()
	agents := slices.Clone(c.host.agents)
	c.host.mu.Unlock()
	for _, a := range agents {
		r, ok := a.Stats().Last(id)
		if ok {
			return r.Raw, &metadata.NetworkRates{RxBytesPerSec: r.RxRate, TxBytesPerSec: r.TxRate}, nil
		}
	}
	s, err := c.host.engine.Stat(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return s.Raw, nil, nil
}

// Tags implements metadata.Tags.
func (c *containerCalls) Tags(ctx context.Context, arn string) (map[string]string, error) {
	keys, err := c.host.credentials(ctx)
	if err != nil {
		return nil, err
	}
	var out struct {
		Tags []struct{ Key, Value string }
	}
	err = c.call(ctx, keys, "ListTagsForResource", map[string]string{"resourceArn": arn}, &out)
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[t.Key] = t.Value
	}
	return tags, err
}

// TaskProtection implements metadata.Protection, with the task's own role.
func (c *containerCalls) TaskProtection(ctx context.Context, task string, role acs.RoleCredentials,
	update *metadata.ProtectionUpdate) (metadata.ProtectionReply, error) {
	keys := aws.Credentials{AccessKeyID: role.AccessKeyID, SecretAccessKey: role.SecretAccessKey, SessionToken: role.SessionToken}
	in := map[string]any{"cluster": clusterOf(task), "tasks": []string{task}}
	op := "GetTaskProtection"
	if update != nil {
		op = "UpdateTaskProtection"
		in["protectionEnabled"] = update.ProtectionEnabled
		if update.ExpiresInMinutes != nil {
			in["expiresInMinutes"] = *update.ExpiresInMinutes
		}
	}
	var out struct {
		ProtectedTasks []struct {
			TaskArn           string
			ProtectionEnabled bool
			ExpirationDate    *float64
		}
		Failures []struct{ Arn, Reason, Detail string }
	}
	err := c.call(ctx, keys, op, in, &out)
	if err != nil {
		return metadata.ProtectionReply{}, err
	}
	var reply metadata.ProtectionReply
	for _, p := range out.ProtectedTasks {
		t := metadata.ProtectedTask{TaskARN: p.TaskArn, ProtectionEnabled: p.ProtectionEnabled}
		if p.ExpirationDate != nil {
			at := time.UnixMilli(int64(*p.ExpirationDate * 1000)).UTC()
			t.ExpirationDate = &at
		}
		reply.Protection = &t
	}
	for _, f := range out.Failures {
		reply.Failure = &metadata.ProtectionFailure{ARN: f.Arn, Reason: f.Reason, Detail: f.Detail}
	}
	return reply, nil
}

// clusterOf is the cluster in a task's ARN.
func clusterOf(task string) string {
	parts := bytes.Split([]byte(task), []byte("/"))
	if len(parts) != 3 {
		return ""
	}
	return string(parts[1])
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func (c *containerCalls) call(ctx context.Context, keys aws.Credentials, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "ecs", c.region, time.Now())
	if err != nil {
		return err
	}
	res, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		return json.Unmarshal(answer, out)
	}
	var refused struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	err = json.Unmarshal(answer, &refused)
	if err != nil {
		return fmt.Errorf("%s: %s", op, res.Status)
	}
	return &metadata.ProtectionError{Code: refused.Type, Message: refused.Message, Status: res.StatusCode}
}
