package ecs

import (
	"context"
	"strings"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Limits of awsvpcConfiguration (API_AwsVpcConfiguration).
const (
	maxSubnets        = 16
	maxSecurityGroups = 5
)

// ensureNetwork makes the scope's default VPC if nobody asked for it before. Call it ahead of the Update that
// resolves a network configuration.
func (a *API) ensureNetwork(ctx context.Context, scope state.Scope) error {
	_, ok := store.DefaultVPC(a.Store.View(), scope)
	if ok {
		return nil
	}
	return a.Store.Update(ctx, func(tx *store.Tx) error {
		store.EnsureNetwork(tx, scope, a.NewID, a.ClaimNetwork)
		return nil
	})
}

// resolveNetwork checks a task's or service's network configuration against the definition's network mode and
// the scope's subnets and groups. It answers nil for modes other than awsvpc. Without groups the task gets the
// default group of its VPC when its interface is made; the record keeps what was given.
func resolveNetwork(v store.View, scope state.Scope, mode, launch string,
	in *ecswire.NetworkConfiguration,
) (*state.NetworkConfig, error) {
	given := in != nil && in.AwsvpcConfiguration != nil
	if mode != state.NetworkAWSVPC {
		if given {
			return nil, invalid("Network Configuration is not valid for the given networkMode of this task definition.")
		}
		return nil, nil
	}
	if !given {
		return nil, invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	}
	w := in.AwsvpcConfiguration
	n := &state.NetworkConfig{Subnets: w.Subnets, SecurityGroups: w.SecurityGroups, AssignPublicIP: "DISABLED"}
	if w.AssignPublicIp != nil {
		n.AssignPublicIP = *w.AssignPublicIp
	}
	err := networkLimits(n, launch)
	if err != nil {
		return nil, err
	}
	vpc, err := subnetsVPC(v, scope, n.Subnets)
	if err != nil {
		return nil, err
	}
	return n, groupsFit(v, scope, n.SecurityGroups, vpc)
}

func networkLimits(n *state.NetworkConfig, launch string) error {
	switch {
	case len(n.Subnets) == 0:
		return invalid("subnets can not be empty.")
	case len(n.Subnets) > maxSubnets:
		return invalid("subnets can have at most %d items.", maxSubnets)
	case len(n.SecurityGroups) > maxSecurityGroups:
		return invalid("securityGroups can have at most %d items.", maxSecurityGroups)
	case n.AssignPublicIP == "ENABLED" && launch != state.LaunchFargate:
		return invalid("Assign public IP is not supported for this launch type.")
	}
	return nil
}

// subnetsVPC finds every subnet and the one VPC that they must share.
func subnetsVPC(v store.View, scope state.Scope, ids []string) (string, error) {
	vpc := ""
	for _, id := range ids {
		s, ok := v.Subnets().Get(state.NewResourceKey(scope, id))
		if !ok {
			return "", invalid("Error retrieving subnet information for [%s]: The subnet ID '%s' does not exist "+
				"(ErrorCode: InvalidSubnetID.NotFound)", strings.Join(ids, ", "), id)
		}
		if vpc != "" && s.VPC != vpc {
			return "", invalid("The subnets %s belong to different networks.", strings.Join(ids, ", "))
		}
		vpc = s.VPC
	}
	return vpc, nil
}

func groupsFit(v store.View, scope state.Scope, ids []string, vpc string) error {
	for _, id := range ids {
		g, ok := v.SecurityGroups().Get(state.NewResourceKey(scope, id))
		if !ok {
			return invalid("Error retrieving security group information for [%s]: The security group '%s' does "+
				"not exist (ErrorCode: InvalidGroup.NotFound)", strings.Join(ids, ", "), id)
		}
		if g.VPC != vpc {
			return invalid("Security group %s and the subnets belong to different networks.", id)
		}
	}
	return nil
}
