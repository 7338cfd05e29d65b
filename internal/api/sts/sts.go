package sts

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/stswire"
)

// API answers STS. It has no state: the signature has already told who calls.
type API struct{}

// New makes the API.
func New() *API { return &API{} }

// Ops is the list of served operations.
func (a *API) Ops() []front.Op {
	return []front.Op{
		front.Bind("GetCallerIdentity", a.GetCallerIdentity),
	}
}

// Refused is the list of operations that are not served, with the reason.
func (a *API) Refused() map[string]string {
	const roles = "roles, users and federation come with identities."
	return map[string]string{
		"AssumeRole":                 roles,
		"AssumeRoleWithSAML":         roles,
		"AssumeRoleWithWebIdentity":  roles,
		"AssumeRoot":                 roles,
		"DecodeAuthorizationMessage": roles,
		"GetAccessKeyInfo":           roles,
		"GetDelegatedAccessToken":    roles,
		"GetFederationToken":         roles,
		"GetSessionToken":            roles,
		"GetWebIdentityToken":        roles,
	}
}

// Service is STS as aws/front serves it.
func (a *API) Service() front.Service {
	return front.Service{Wire: stswire.Model(), Ops: a.Ops(), Refused: a.Refused()}
}

// GetCallerIdentity tells the caller's account, ARN and unique id.
func (a *API) GetCallerIdentity(
	_ context.Context, c front.Caller, _ *stswire.GetCallerIdentityRequest,
) (*stswire.GetCallerIdentityResponse, error) {
	return &stswire.GetCallerIdentityResponse{UserId: &c.UserID, Account: &c.Account, Arn: &c.Principal}, nil
}
