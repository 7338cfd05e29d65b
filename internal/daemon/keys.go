package daemon

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/aws/sigv4"
	"longshore/internal/dispatch"
)

// derive makes a key of its own for each purpose from the installation's master key.
func derive(master []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "longshore "+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

// root is who the installation's own access key stands for.
func root(i Installation) sigv4.Identity {
	return sigv4.Identity{
		Account: i.Account, Principal: "arn:aws:iam::" + i.Account + ":root", UserID: i.Account,
	}
}

// minter gives dispatch temporary keys.
type minter struct{ m *sigv4.Minter }

var _ dispatch.Minter = minter{}

func (m minter) Mint(account, principal, userID, instance string, ttl time.Duration) (dispatch.Credentials, error) {
	id, secret, token, expires, err := m.m.Mint(sigv4.Identity{
		Account: account, Principal: principal, UserID: userID, Instance: instance}, ttl)
	return dispatch.Credentials{
		AccessKeyID: id, SecretAccessKey: secret, SessionToken: token, Expires: expires}, err
}

// access is all the authorization there is until identities are served: the installation's own key may do
// everything, an agent's key what agents do, and a task's key what a task needs for itself. A role without
// policies is nobody.
type access struct{}

var _ front.Authorizer = access{}

var agentCalls = map[string]bool{
	"ecs:RegisterContainerInstance": true, "ecs:DiscoverPollEndpoint": true, "ecs:SubmitTaskStateChange": true,
	"ecs:SubmitContainerStateChange": true, "ecs:SubmitAttachmentStateChanges": true,
	"ecs:UpdateContainerInstancesState": true, "ecs:DeregisterContainerInstance": true,
	"ecs:ListTagsForResource": true, "sts:GetCallerIdentity": true,
	"logs:CreateLogGroup": true, "logs:CreateLogStream": true, "logs:PutLogEvents": true,
}

var taskCalls = map[string]bool{
	"sts:GetCallerIdentity": true, "ecs:GetTaskProtection": true, "ecs:UpdateTaskProtection": true,
	"logs:CreateLogStream": true, "logs:PutLogEvents": true,
}

// Authorize implements front.Authorizer.
func (access) Authorize(_ context.Context, c front.Caller, service, operation string) error {
	action := service + ":" + operation
	switch {
	case c.Instance != "" && agentCalls[action]:
		return nil
	case c.Instance == "" && c.Principal == "arn:aws:iam::"+c.Account+":root":
		return nil
	case c.Instance == "" && taskCalls[action]:
		return nil
	}
	return fault.New("AccessDeniedException", "User: "+c.Principal+" is not authorized to perform: "+action+
		" because no identity-based policy allows the "+action+" action")
}
