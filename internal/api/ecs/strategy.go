package ecs

import (
	"slices"
	"strings"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

const maxStrategyItems = 20

// providerName is the short name in a capacity provider's name or ARN.
func providerName(ref string) string {
	if strings.HasPrefix(ref, "arn:") {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	return ref
}

// parseStrategy checks a strategy in itself: at most one base, and a weight somewhere if there is a choice
// (API_CapacityProviderStrategyItem).
func parseStrategy(in []ecswire.CapacityProviderStrategyItem) ([]state.StrategyItem, error) {
	if len(in) > maxStrategyItems {
		return nil, invalid("A capacity provider strategy can have at most %d items.", maxStrategyItems)
	}
	out := []state.StrategyItem{}
	bases, weights := 0, 0
	for _, w := range in {
		i := state.StrategyItem{
			Provider: providerName(deref(w.CapacityProvider)), Base: num(w.Base), Weight: num(w.Weight)}
		if slices.ContainsFunc(out, func(o state.StrategyItem) bool { return o.Provider == i.Provider }) {
			return nil, invalid("The capacity provider %s is given more than once.", i.Provider)
		}
		if i.Base > 0 {
			bases++
		}
		weights += i.Weight
		out = append(out, i)
	}
	if bases > 1 {
		return nil, invalid("Only one capacity provider in a capacity provider strategy can have a base defined.")
	}
	if len(out) > 1 && weights == 0 {
		return nil, invalid("At least one capacity provider in the strategy must have a weight greater than 0.")
	}
	return out, nil
}

func renderStrategy(items []state.StrategyItem) []ecswire.CapacityProviderStrategyItem {
	return listed(items, func(i state.StrategyItem) ecswire.CapacityProviderStrategyItem {
		return ecswire.CapacityProviderStrategyItem{
			CapacityProvider: ptr(i.Provider), Base: ptr(int32(i.Base)), Weight: ptr(int32(i.Weight))}
	})
}
