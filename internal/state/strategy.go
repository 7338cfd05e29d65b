package state

// ShareOut names the provider of each of the next n tasks: first the base is filled, then the provider that is
// furthest behind its weight takes one, so that the whole keeps the ratio of the weights. have counts the tasks
// that each provider runs already; nil is none. A provider of weight 0 takes nothing beyond its base, unless it
// is the only one. (API_CapacityProviderStrategyItem)
func ShareOut(strategy []StrategyItem, have map[string]int, n int) []string {
	count := make([]int, len(strategy))
	for i, item := range strategy {
		count[i] = have[item.Provider]
	}
	out := make([]string, 0, n)
	for range n {
		i := nextProvider(strategy, count)
		if i < 0 {
			return out
		}
		count[i]++
		out = append(out, strategy[i].Provider)
	}
	return out
}

// nextProvider is the index of the provider that takes the next task, -1 for none.
func nextProvider(strategy []StrategyItem, count []int) int {
	for i, item := range strategy {
		if count[i] < item.Base {
			return i
		}
	}
	if len(strategy) == 1 {
		return 0
	}
	best := -1
	for i, item := range strategy {
		if item.Weight < 1 {
			continue
		}
		// (count-base+1)/weight, compared without dividing; equal shares go to the heavier provider.
		if best < 0 {
			best = i
			continue
		}
		b := strategy[best]
		mine, theirs := (count[i]-item.Base+1)*b.Weight, (count[best]-b.Base+1)*item.Weight
		if mine < theirs || mine == theirs && item.Weight > b.Weight {
			best = i
		}
	}
	return best
}
