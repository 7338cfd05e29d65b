package ecs

import (
	"slices"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// The providers that every account has; their tasks are of launch type FARGATE.
const (
	providerFargate     = "FARGATE"
	providerFargateSpot = "FARGATE_SPOT"
)

// What Fargate answers for LATEST, and the one family of platforms that is served.
const (
	platformLatest  = "LATEST"
	platformCurrent = "1.4.0"
	platformFamily  = "Linux"
)

// capacity is where tasks shall run: on a launch type or spread over providers.
type capacity struct {
	launch   string // EC2, FARGATE or EXTERNAL; with a strategy the launch type of its providers
	strategy []state.StrategyItem
	platform string // as asked for; empty unless launch is FARGATE
}

// askedCapacity are the members of a request that choose the capacity.
type askedCapacity struct {
	launch, platform *string
	strategy         []ecswire.CapacityProviderStrategyItem
	start            bool // StartTask: the instances are given, whatever the cluster's default strategy is
}

// parseCapacity decides between launch type, strategy and the cluster's default strategy, in that order
// (API_RunTask), and checks that the definition can run there.
func parseCapacity(v store.View, cluster *state.Cluster, td *state.TaskDefinition, in askedCapacity) (capacity, error) {
	if in.start {
		in.launch = ptr(startLaunch(td))
	}
	if in.launch != nil && len(in.strategy) > 0 {
		return capacity{}, invalid("Specifying both a launch type and capacity provider strategy is not supported. " +
			"Remove one and try again.")
	}
	out, err := chosenCapacity(v, cluster, in)
	if err != nil {
		return out, err
	}
	out.platform, err = parsePlatform(out.launch, deref(in.platform))
	if err != nil {
		return out, err
	}
	if !slices.Contains(td.Compatibilities, out.launch) {
		return out, invalid("Task definition does not support launch_type %s.", out.launch)
	}
	return out, nil
}

// startLaunch is what StartTask's tasks are until their instance is known: EC2, unless the definition is for
// EXTERNAL instances alone.
func startLaunch(td *state.TaskDefinition) string {
	if !slices.Contains(td.Compatibilities, state.LaunchEC2) &&
		slices.Contains(td.Compatibilities, state.LaunchExternal) {
		return state.LaunchExternal
	}
	return state.LaunchEC2
}

func chosenCapacity(v store.View, cluster *state.Cluster, in askedCapacity) (capacity, error) {
	if in.launch != nil {
		return capacity{launch: *in.launch}, nil
	}
	items := cluster.DefaultStrategy
	if len(in.strategy) > 0 {
		given, err := parseStrategy(in.strategy)
		if err != nil {
			return capacity{}, err
		}
		items = given
	}
	if len(items) == 0 {
		return capacity{launch: state.LaunchEC2}, nil
	}
	launch, err := strategyLaunch(v, cluster, items)
	return capacity{launch: launch, strategy: items}, err
}

// strategyLaunch checks that the providers are the cluster's, ACTIVE and of one kind.
func strategyLaunch(v store.View, cluster *state.Cluster, items []state.StrategyItem) (string, error) {
	fargate := 0
	for _, i := range items {
		if !slices.Contains(cluster.CapacityProviders, i.Provider) {
			return "", invalid("The specified capacity provider strategy cannot contain a capacity provider that is " +
				"not associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
		if isFargate(i.Provider) {
			fargate++
			continue
		}
		p, ok := v.Providers().Get(state.NewProviderKey(cluster.Key.Scope(), i.Provider))
		if !ok || p.Status != state.StatusActive {
			return "", invalid("The specified capacity provider %s is not ACTIVE.", i.Provider)
		}
	}
	switch fargate {
	case 0:
		return state.LaunchEC2, nil
	case len(items):
		return state.LaunchFargate, nil
	}
	return "", invalid("A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling " +
		"groups and Fargate.")
}

func isFargate(provider string) bool {
	return provider == providerFargate || provider == providerFargateSpot
}

// parsePlatform reads a platform version: it is Fargate's alone.
func parsePlatform(launch, given string) (string, error) {
	if launch != state.LaunchFargate {
		if given != "" {
			return "", invalid("The platform version must be null when specifying an %s launch type.", launch)
		}
		return "", nil
	}
	switch given {
	case "":
		return platformLatest, nil
	case platformLatest, platformCurrent:
		return given, nil
	}
	return "", platformUnknown(given)
}

// platformOf is the version that tasks of a platform really run on.
func platformOf(asked string) string {
	if asked == platformLatest {
		return platformCurrent
	}
	return asked
}
