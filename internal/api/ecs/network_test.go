package ecs

import (
	"strings"
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func TestNetworkConfigurationsFitTheirModeAndTheirVPC(t *testing.T) {
	r := newRig(t)
	subnets, group := []string{}, ""
	r.put(func(tx *store.Tx) {
		for s := range tx.Subnets().All() {
			subnets = append(subnets, s.Key.ID())
		}
		for g := range tx.SecurityGroups().All() {
			group = g.Key.ID()
		}
		tx.Subnets().Put(&state.Subnet{Key: state.NewResourceKey(testScope, "subnet-far"), VPC: "vpc-far"})
	})
	config := func(subnets, groups []string, public string) *ecswire.NetworkConfiguration {
		return &ecswire.NetworkConfiguration{AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{
			Subnets: subnets, SecurityGroups: groups, AssignPublicIp: opt(public)}}
	}
	one := subnets[:1]
	for _, row := range []struct {
		mode, launch string
		in           *ecswire.NetworkConfiguration
		want         string
	}{
		{state.NetworkAWSVPC, state.LaunchFargate, config(subnets, []string{group}, "ENABLED"), ""},
		{state.NetworkAWSVPC, state.LaunchEC2, config(one, nil, ""), ""},
		{state.NetworkBridge, state.LaunchEC2, nil, ""},
		{state.NetworkAWSVPC, state.LaunchFargate, nil,
			"Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{state.NetworkBridge, state.LaunchEC2, config(one, nil, ""),
			"Network Configuration is not valid for the given networkMode of this task definition."},
		{state.NetworkAWSVPC, state.LaunchFargate, config([]string{}, nil, ""), "subnets can not be empty."},
		{state.NetworkAWSVPC, state.LaunchFargate, config(strings.Fields(strings.Repeat("s ", 17)), nil, ""),
			"subnets can have at most 16 items."},
		{state.NetworkAWSVPC, state.LaunchFargate, config(one, strings.Fields("1 2 3 4 5 6"), ""),
			"securityGroups can have at most 5 items."},
		{state.NetworkAWSVPC, state.LaunchEC2, config(one, nil, "ENABLED"),
			"Assign public IP is not supported for this launch type."},
		{state.NetworkAWSVPC, state.LaunchFargate, config([]string{"subnet-x"}, nil, ""), "Error retrieving subnet " +
			"information for [subnet-x]: The subnet ID 'subnet-x' does not exist (ErrorCode: InvalidSubnetID.NotFound)"},
		{state.NetworkAWSVPC, state.LaunchFargate, config(one, []string{"sg-x"}, ""), "Error retrieving security " +
			"group information for [sg-x]: The security group 'sg-x' does not exist (ErrorCode: InvalidGroup.NotFound)"},
		{state.NetworkAWSVPC, state.LaunchFargate, config([]string{"subnet-far"}, []string{group}, ""),
			"Security group " + group + " and the subnets belong to different networks."},
		{state.NetworkAWSVPC, state.LaunchFargate, config([]string{one[0], "subnet-far"}, nil, ""),
			"The subnets " + one[0] + ", subnet-far belong to different networks."},
	} {
		n, err := resolveNetwork(r.api.Store.View(), testScope, row.mode, row.launch, row.in)
		switch {
		case row.want == "" && (err != nil || (n == nil) != (row.in == nil)):
			t.Errorf("%s on %s: %v, %v", row.mode, row.launch, n, err)
		case row.want != "" && (err == nil || err.Error() != "InvalidParameterException: "+row.want):
			t.Errorf("got %v, want %s", err, row.want)
		}
	}
}
