package planted

// rolloutBugs break deployments.
func rolloutBugs() []Bug {
	const batch, plan = "internal/control/rollout/batch.go", "internal/control/rollout/plan.go"
	const finish = "internal/control/rollout/finish.go"
	return []Bug{
		{Name: "minimum-rounded-down", What: "minimumHealthyPercent is rounded down", Edits: []Edit{
			{batch, `	return (desired*minimumPercent + 99) / 100, `, `	lower = (desired*minimumPercent + 99) / 100
	if planted("minimum-rounded-down") {
		lower = desired * minimumPercent / 100
	}
	return lower, `}}},
		{Name: "maximum-rounded-up", What: "maximumPercent is rounded up", Edits: []Edit{
			{batch, `desired * maximumPercent / 100
}`, `func() int {
		if planted("maximum-rounded-up") {
			return (desired*maximumPercent + 99) / 100
		}
		return desired * maximumPercent / 100
	}()
}`}}},
		{Name: "surge-off-by-one", What: "a deployment starts one task more than it may", Edits: []Edit{
			{batch, `	b.start = min(want, max(0, c.upper-(c.active()-stopped)))`, `	room := c.upper
	if planted("surge-off-by-one") {
		room++
	}
	b.start = min(want, max(0, room-(c.active()-stopped)))`}}},
		{Name: "old-before-new", What: "tasks that only start count as healthy when old ones are stopped", Edits: []Edit{
			{batch, `	want := max(0, c.desired-c.coming-c.healthy)`, `	if planted("old-before-new") {
		spare += c.coming
	}
	want := max(0, c.desired-c.coming-c.healthy)`}}},
		{Name: "scale-in-ignored", What: "running tasks beyond desiredCount are never stopped", Edits: []Edit{
			{batch, `		b.surplus = idle + min(b.surplus-idle, spare)`, `		b.surplus = idle + min(b.surplus-idle, spare)
		if planted("scale-in-ignored") {
			b.surplus = idle
		}`}}},
		{Name: "breaker-never-trips", Only: "calls,frames", Pause: "20s",
			What: "the circuit breaker counts and does nothing", Edits: []Edit{
				{"internal/control/rollout/breaker.go", `p.primary.FailedTasks < limit {`,
					`p.primary.FailedTasks < limit || planted("breaker-never-trips") {`}}},
		{Name: "healthy-unchecked", What: "a task counts as healthy before its health check says so", Edits: []Edit{
			{plan, `	if checked(p.Definitions[t.TaskDefinition]) {
		return t.Health == state.HealthHealthy`, `	if checked(p.Definitions[t.TaskDefinition]) && !planted("healthy-unchecked") {
		return t.Health == state.HealthHealthy`}}},
		{Name: "completed-unhealthy", What: "a deployment is COMPLETED when its tasks are there, healthy or not", Edits: []Edit{
			{finish, `	there := healthy == desired && active`,
				`	there := (healthy == desired || planted("completed-unhealthy")) && active`}}},
		{Name: "deleted-service-keeps-tasks", What: "a deleted service is INACTIVE before all its tasks are stopped",
			Edits: []Edit{
				{finish, `	p.stop(reasonScaling(by), out)`, `	if planted("deleted-service-keeps-tasks") && len(out) > 1 {
		out = out[1:]
	}
	p.stop(reasonScaling(by), out)`},
				{finish, `	if len(p.Tasks) > 0 {
		return`, `	if len(p.Tasks) > 0 && !planted("deleted-service-keeps-tasks") {
		return`}}},
	}
}

// controlBugs break placement and presence.
func controlBugs() []Bug {
	const schedule = "internal/control/schedule/"
	return []Bug{
		{Name: "ledger-forgets-stopping", Hint: 2, What: "the ledger gives room back when a stop is asked for", Edits: []Edit{
			{"internal/place/node.go", `func holds(t *state.Task) bool { return t.Instance != "" && t.Live() && t.Released.IsZero() }`,
				`func holds(t *state.Task) bool {
	if planted("ledger-forgets-stopping") && t.Desired == state.Stopped {
		return false
	}
	return t.Instance != "" && t.Live() && t.Released.IsZero()
}`}}},
		{Name: "port-promised-twice", What: "the ports of other tasks are not looked at", Edits: []Edit{
			{"internal/place/node.go", `		if used[p] > 0 {`, `		if used[p] > 0 && !planted("port-promised-twice") {`}}},
		{Name: "draining-gets-tasks", What: "tasks are placed on DRAINING instances", Edits: []Edit{
			{"internal/place/refuse.go", `	case i.Status != state.StatusActive:`,
				`	case i.Status != state.StatusActive && !(planted("draining-gets-tasks") && i.Status == state.StatusDraining):`}}},
		{Name: "waiters-never-woken", Only: "meddling", Pause: "10s", Memory: 512,
			What: "room that comes free wakes nobody, and nobody looks again", Edits: []Edit{
				{schedule + "plan.go", `	return holds(old) && !holds(now) ||`,
					`	if planted("waiters-never-woken") {
		return false
	}
	return holds(old) && !holds(now) ||`},
				{schedule + "schedule.go", `	found := clusters(v.Tasks(), state.Scope{})`,
					`	found := clusters(v.Tasks(), state.Scope{})
	if planted("waiters-never-woken") && s.first {
		found = nil
	}`}}},
		{Name: "lost-too-early", What: "an agent that is away for seconds is given up with its tasks", Edits: []Edit{
			{"internal/control/presence/plan.go", `	at := since.Add(lostAfter)`, `	if planted("lost-too-early") {
		lostAfter /= 20
	}
	at := since.Add(lostAfter)`}}},
		{Name: "hint-dropped", What: "one hint in four is lost, and nothing is looked at without one", Edits: []Edit{
			{"internal/control/loop/runner.go", `		if len(keys) == 0 {
			continue`, `		if planted("hint-dropped") && len(keys) > 0 {
			dropped++
			if dropped%4 == 0 {
				continue
			}
		}
		if len(keys) == 0 {
			continue`},
			{"internal/control/loop/runner.go", `	for {
		changes, _, err := w.Next(ctx)`, `	dropped := 0
	for {
		changes, _, err := w.Next(ctx)`},
			{"internal/control/loop/loop.go", `	r := &runner{Config: c,`, `	if planted("hint-dropped") {
		c.Resync = 24 * time.Hour
	}
	r := &runner{Config: c,`}}},
	}
}
