package ecs

import (
	"context"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Capacity providers are records: FARGATE and FARGATE_SPOT exist in every scope without one, and Auto Scaling
// group providers are kept for clients that manage them; nothing scales yet.

// Defaults of managed scaling (API_ManagedScaling).
const (
	defaultTargetCapacity = 100 // percent
	defaultMinimumStep    = 1
	defaultMaximumStep    = 10000
	defaultWarmup         = 300 // seconds
)

// CreateCapacityProvider makes an Auto Scaling group provider.
func (a *API) CreateCapacityProvider(ctx context.Context, c front.Caller, in *ecswire.CreateCapacityProviderRequest,
) (*ecswire.CreateCapacityProviderResponse, error) {
	p, err := a.newProvider(c, in)
	if err != nil {
		return nil, err
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok := tx.Providers().Get(p.Key)
		if ok && old.Status == state.StatusActive {
			return client("The specified capacity provider already exists. To change the configuration of an " +
				"existing capacity provider, update the capacity provider.")
		}
		kept := *p
		tx.Providers().Put(&kept)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.CreateCapacityProviderResponse{CapacityProvider: ptr(renderProvider(p, true))}, nil
}

func (a *API) newProvider(c front.Caller, in *ecswire.CreateCapacityProviderRequest,
) (*state.CapacityProvider, error) {
	name := deref(in.Name)
	low := strings.ToLower(name)
	if !nameForm.MatchString(name) {
		return nil, invalid("The capacity provider name '%s' is not valid. It can have up to 255 letters, digits, "+
			"underscores and hyphens.", name)
	}
	for _, prefix := range []string{"aws", "ecs", "fargate"} {
		if strings.HasPrefix(low, prefix) {
			return nil, invalid("The capacity provider name must not be prefixed with aws, ecs or fargate.")
		}
	}
	if in.ManagedInstancesProvider != nil || in.Cluster != nil {
		return nil, unsupported("Managed Instances capacity providers are not served by Longshore. See SCOPE.md.")
	}
	g := in.AutoScalingGroupProvider
	if g == nil || deref(g.AutoScalingGroupArn) == "" {
		return nil, invalid("autoScalingGroupProvider with an autoScalingGroupArn must be specified.")
	}
	tags, err := parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.CapacityProvider{
		Key: state.NewProviderKey(scopeOf(c), name), Status: state.StatusActive,
		AutoScalingGroupARN: *g.AutoScalingGroupArn, CreatedAt: a.Now(), Tags: tags,
		ManagedTerminationProtection: disabled, ManagedDraining: enabled,
	}
	return p, scaleProvider(p, g.ManagedScaling, g.ManagedTerminationProtection, g.ManagedDraining)
}

// scaleProvider writes what was given over what is, and fills in defaults.
func scaleProvider(p *state.CapacityProvider, in *ecswire.ManagedScaling, protection, draining *string) error {
	m := state.ManagedScaling{
		Status: disabled, TargetCapacity: defaultTargetCapacity, MinimumStep: defaultMinimumStep,
		MaximumStep: defaultMaximumStep, InstanceWarmupPeriod: defaultWarmup,
	}
	if p.ManagedScaling != nil {
		m = *p.ManagedScaling
	}
	if in != nil {
		set(&m.Status, in.Status)
		setNumber(&m.TargetCapacity, in.TargetCapacity)
		setNumber(&m.MinimumStep, in.MinimumScalingStepSize)
		setNumber(&m.MaximumStep, in.MaximumScalingStepSize)
		setNumber(&m.InstanceWarmupPeriod, in.InstanceWarmupPeriod)
	}
	p.ManagedScaling = &m
	set(&p.ManagedTerminationProtection, protection)
	set(&p.ManagedDraining, draining)
	if m.MinimumStep > m.MaximumStep {
		return invalid("minimumScalingStepSize must not be greater than maximumScalingStepSize.")
	}
	if p.ManagedTerminationProtection == enabled && m.Status != enabled {
		return invalid("Managed termination protection requires managed scaling to be enabled.")
	}
	return nil
}

func set(to *string, given *string) {
	if given != nil {
		*to = *given
	}
}

func setNumber(to *int, given *int32) {
	if given != nil {
		*to = int(*given)
	}
}

// UpdateCapacityProvider changes the scaling of an Auto Scaling group provider.
func (a *API) UpdateCapacityProvider(ctx context.Context, c front.Caller, in *ecswire.UpdateCapacityProviderRequest,
) (*ecswire.UpdateCapacityProviderResponse, error) {
	if in.ManagedInstancesProvider != nil {
		return nil, unsupported("Managed Instances capacity providers are not served by Longshore. See SCOPE.md.")
	}
	g := in.AutoScalingGroupProvider
	if g == nil {
		return nil, invalid("autoScalingGroupProvider must be specified.")
	}
	shown, err := a.changeProvider(ctx, c, deref(in.Name), func(_ store.View, next *state.CapacityProvider) error {
		next.UpdateStatus = "UPDATE_COMPLETE"
		return scaleProvider(next, g.ManagedScaling, g.ManagedTerminationProtection, g.ManagedDraining)
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.UpdateCapacityProviderResponse{CapacityProvider: shown}, nil
}

// DeleteCapacityProvider makes a provider INACTIVE; it must be attached to no cluster.
func (a *API) DeleteCapacityProvider(ctx context.Context, c front.Caller, in *ecswire.DeleteCapacityProviderRequest,
) (*ecswire.DeleteCapacityProviderResponse, error) {
	shown, err := a.changeProvider(ctx, c, deref(in.CapacityProvider),
		func(v store.View, next *state.CapacityProvider) error {
			for cluster := range v.Clusters().Prefix(scopeOf(c).String() + "/") {
				attached := slices.Contains(cluster.CapacityProviders, next.Key.Name())
				if attached && cluster.Status == state.StatusActive {
					return client("The capacity provider cannot be deleted because it is associated with cluster: "+
						"%s. Remove the capacity provider from the cluster and try again.", cluster.Key.Name())
				}
			}
			next.Status, next.UpdateStatus, next.Tags = state.StatusInactive, "DELETE_COMPLETE", nil
			return nil
		})
	if err != nil {
		return nil, err
	}
	return &ecswire.DeleteCapacityProviderResponse{CapacityProvider: shown}, nil
}

// changeProvider edits a copy of an ACTIVE provider and puts it back.
func (a *API) changeProvider(ctx context.Context, c front.Caller, ref string,
	change func(store.View, *state.CapacityProvider) error,
) (*ecswire.CapacityProvider, error) {
	name := providerName(ref)
	if isFargate(name) {
		return nil, invalid("The capacity provider %s is reserved and cannot be changed or deleted.", name)
	}
	shown := (*state.CapacityProvider)(nil)
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		p, ok := tx.Providers().Get(state.NewProviderKey(scopeOf(c), name))
		if !ok || p.Status != state.StatusActive {
			return invalid("The specified capacity provider '%s' was not found.", name)
		}
		next := *p
		err := change(tx.View(), &next)
		if err != nil {
			return err
		}
		tx.Providers().Put(&next)
		shown = &next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ptr(renderProvider(shown, true)), nil
}

// DescribeCapacityProviders shows the named providers, or all ACTIVE ones with the built-in two.
func (a *API) DescribeCapacityProviders(_ context.Context, c front.Caller,
	in *ecswire.DescribeCapacityProvidersRequest,
) (*ecswire.DescribeCapacityProvidersResponse, error) {
	if len(in.CapacityProviders) > maxPage {
		return nil, invalid("capacityProviders can have at most %d items.", maxPage)
	}
	p, err := newPaging(c, "DescribeCapacityProviders", "", in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	v, scope := a.Store.View(), scopeOf(c)
	out := &ecswire.DescribeCapacityProvidersResponse{Failures: []ecswire.Failure{}}
	found := []*state.CapacityProvider{}
	for _, ref := range in.CapacityProviders {
		key := state.NewProviderKey(scope, providerName(ref))
		one, ok := findProvider(v, key)
		if !ok {
			out.Failures = append(out.Failures, missing(key.ARN()))
			continue
		}
		found = append(found, one)
	}
	if len(in.CapacityProviders) == 0 {
		found = allProviders(v, scope)
		found, out.NextToken = cut(p, found, func(p *state.CapacityProvider) string { return string(p.Key) })
	}
	tags := slices.Contains(in.Include, "TAGS")
	out.CapacityProviders = listed(found, func(p *state.CapacityProvider) ecswire.CapacityProvider {
		return renderProvider(p, tags)
	})
	return out, nil
}

func findProvider(v store.View, k state.ProviderKey) (*state.CapacityProvider, bool) {
	if isFargate(k.Name()) {
		return &state.CapacityProvider{Key: k, Status: state.StatusActive}, true
	}
	return v.Providers().Get(k)
}

func allProviders(v store.View, scope state.Scope) []*state.CapacityProvider {
	found := []*state.CapacityProvider{}
	for _, name := range []string{providerFargate, providerFargateSpot} {
		p, _ := findProvider(v, state.NewProviderKey(scope, name))
		found = append(found, p)
	}
	for p := range v.Providers().Prefix(scope.String() + "/") {
		if p.Status == state.StatusActive {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(x, y *state.CapacityProvider) int { return strings.Compare(string(x.Key), string(y.Key)) })
	return found
}

func renderProvider(p *state.CapacityProvider, tags bool) ecswire.CapacityProvider {
	w := ecswire.CapacityProvider{
		CapacityProviderArn: ptr(p.Key.ARN()), Name: ptr(p.Key.Name()), Status: ptr(p.Status),
		UpdateStatus: opt(p.UpdateStatus), Tags: []ecswire.Tag{}, Type: ptr("EC2_AUTOSCALING"),
	}
	if tags {
		w.Tags = renderTags(p.Tags)
	}
	if isFargate(p.Key.Name()) {
		w.Type = ptr(p.Key.Name())
	}
	m := p.ManagedScaling
	if m != nil {
		w.AutoScalingGroupProvider = &ecswire.AutoScalingGroupProvider{
			AutoScalingGroupArn:          ptr(p.AutoScalingGroupARN),
			ManagedTerminationProtection: ptr(p.ManagedTerminationProtection),
			ManagedDraining:              ptr(p.ManagedDraining),
			ManagedScaling: &ecswire.ManagedScaling{
				Status: ptr(m.Status), TargetCapacity: ptr(int32(m.TargetCapacity)),
				MinimumScalingStepSize: ptr(int32(m.MinimumStep)), MaximumScalingStepSize: ptr(int32(m.MaximumStep)),
				InstanceWarmupPeriod: ptr(int32(m.InstanceWarmupPeriod)),
			},
		}
	}
	return w
}
