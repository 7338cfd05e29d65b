package ecs

import (
	"slices"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// configureCluster writes the parts of a cluster's configuration that were given.
func configureCluster(cluster *state.Cluster, settings []ecswire.ClusterSetting,
	config *ecswire.ClusterConfiguration, connect *ecswire.ClusterServiceConnectDefaultsRequest,
) error {
	for _, s := range settings {
		if deref(s.Name) != "containerInsights" {
			return invalid("Setting name '%s' is not valid. The valid value is containerInsights.", deref(s.Name))
		}
		if !slices.Contains(insightValues, deref(s.Value)) {
			return invalid("Setting value '%s' is not valid. The valid values are enhanced, enabled and disabled.",
				deref(s.Value))
		}
		cluster.ContainerInsights = *s.Value
	}
	if connect != nil {
		// An empty namespace removes the default (API_ClusterServiceConnectDefaultsRequest).
		cluster.ServiceConnectNamespace = deref(connect.Namespace)
	}
	if config == nil {
		return nil
	}
	if m := config.ManagedStorageConfiguration; m != nil {
		cluster.ManagedStorage = &state.ManagedStorage{
			KMSKeyID: deref(m.KmsKeyId), FargateKMSKeyID: deref(m.FargateEphemeralStorageKmsKeyId)}
	}
	if e := config.ExecuteCommandConfiguration; e != nil {
		return configureExec(cluster, e)
	}
	return nil
}

var insightValues = []string{"enhanced", "enabled", "disabled"}

func configureExec(cluster *state.Cluster, in *ecswire.ExecuteCommandConfiguration) error {
	e := &state.ExecuteCommandConfig{KMSKeyID: deref(in.KmsKeyId), Logging: deref(in.Logging)}
	if l := in.LogConfiguration; l != nil {
		if e.Logging != "OVERRIDE" {
			return invalid("logConfiguration is only valid when logging is OVERRIDE.")
		}
		e.CloudWatchLogGroup, e.S3Bucket = deref(l.CloudWatchLogGroupName), deref(l.S3BucketName)
		e.S3Prefix = deref(l.S3KeyPrefix)
		e.CloudWatchEncryption, e.S3Encryption = deref(l.CloudWatchEncryptionEnabled), deref(l.S3EncryptionEnabled)
	}
	if e.Logging == "OVERRIDE" && e.CloudWatchLogGroup == "" && e.S3Bucket == "" {
		return invalid("A CloudWatch log group or an S3 bucket must be specified when logging is OVERRIDE.")
	}
	cluster.ExecuteCommand = e
	return nil
}

// setProviders replaces providers and default strategy; every provider of the strategy must be in the list.
func setProviders(cluster *state.Cluster, names []string, strategy []ecswire.CapacityProviderStrategyItem) error {
	providers := []string{}
	for _, ref := range names {
		name := providerName(ref)
		if slices.Contains(providers, name) {
			return invalid("The capacity provider %s is given more than once.", name)
		}
		providers = append(providers, name)
	}
	if len(providers) > maxStrategyItems {
		return invalid("A cluster can have at most %d capacity providers.", maxStrategyItems)
	}
	items, err := parseStrategy(strategy)
	if err != nil {
		return err
	}
	for _, i := range items {
		if !slices.Contains(providers, i.Provider) {
			return invalid("The specified capacity provider strategy cannot contain a capacity provider that is not " +
				"associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
		if isFargate(i.Provider) != isFargate(items[0].Provider) {
			return invalid("A capacity provider strategy cannot contain a mix of capacity providers using Auto " +
				"Scaling groups and Fargate.")
		}
	}
	cluster.CapacityProviders, cluster.DefaultStrategy = providers, items
	return nil
}

// attachable refuses providers that do not exist or are being deleted.
func attachable(v store.View, scope state.Scope, names []string) error {
	for _, name := range names {
		if isFargate(name) {
			continue
		}
		p, ok := v.Providers().Get(state.NewProviderKey(scope, name))
		if !ok || p.Status != state.StatusActive {
			return invalid("The specified capacity provider '%s' was not found.", name)
		}
	}
	return nil
}

// providerUsed says whether tasks or services of the cluster run on the provider.
func providerUsed(v store.View, k state.ClusterKey, name string) bool {
	for s := range v.Services().OfCluster(k) {
		used := slices.ContainsFunc(s.CapacityStrategy, func(i state.StrategyItem) bool { return i.Provider == name })
		if used && s.Status != state.StatusInactive {
			return true
		}
	}
	for t := range v.Tasks().OfCluster(k) {
		if t.Live() && t.CapacityProvider == name {
			return true
		}
	}
	return false
}
