package planted

// dispatchBugs break the server's side of the agent protocol.
func dispatchBugs() []Bug {
	const session, observe = "internal/dispatch/session.go", "internal/dispatch/observe.go"
	return []Bug{
		{Name: "status-goes-back", What: "a late PENDING report takes a task back from RUNNING", Edits: []Edit{
			{observe, `	case r.Status == state.Pending && t.Last.Rank() < state.Pending.Rank():`,
				`	case r.Status == state.Pending && (t.Last.Rank() < state.Pending.Rank() || planted("status-goes-back")):`}}},
		{Name: "stopped-by-one-container", What: "a task is STOPPED with the first of its containers", Edits: []Edit{
			{observe, `	switch {
	case r.Status == state.Stopped:`, `	one := false
	for _, c := range t.Containers {
		one = one || planted("stopped-by-one-container") && c.Last == state.Stopped
	}
	switch {
	case r.Status == state.Stopped || one:`}}},
		{Name: "payload-sent-once", Only: "frames,calls", What: "a payload that is not acknowledged is not sent again",
			Edits: []Edit{
				{session, `		if now.Sub(f.at) < wait {`, `		if now.Sub(f.at) < wait || planted("payload-sent-once") {`}}},
		{Name: "stop-lost-on-reconnect", What: "a stop that was asked for while the agent was away is not delivered",
			Edits: []Edit{
				{session, `	for t := range s.d.Store.View().Tasks().OfInstance(s.key) {`,
					`	for t := range s.d.Store.View().Tasks().OfInstance(s.key) {
		if planted("stop-lost-on-reconnect") && t.Desired == state.Stopped {
			s.sent[t.Key] = toldStop
			continue
		}`},
				{"internal/dispatch/frames.go", `			TaskARN: t.Key.ARN(), TaskClusterARN: t.Key.Cluster().ARN(), DesiredStatus: string(t.Desired)})`,
					`			TaskARN: t.Key.ARN(), TaskClusterARN: t.Key.Cluster().ARN(), DesiredStatus: string(t.Desired)})
		if planted("stop-lost-on-reconnect") {
			m.Tasks[len(m.Tasks)-1].DesiredStatus = string(state.Running)
		}`}}},
		{Name: "old-session-disconnects", Only: "power",
			What: "the end of an old connection disconnects the new one", Edits: []Edit{
				{"internal/dispatch/websocket.go", `	current := d.sessions[s.key] == s`,
					`	current := d.sessions[s.key] == s || planted("old-session-disconnects")`}}},
		{Name: "attributes-forgotten", What: "an instance that registers again loses its custom attributes", Edits: []Edit{
			{"internal/dispatch/register.go", `	i.Attributes = mergeAttributes(old.Attributes, fresh.Attributes)`,
				`	i.Attributes = mergeAttributes(old.Attributes, fresh.Attributes)
	if planted("attributes-forgotten") {
		i.Attributes = fresh.Attributes
	}`}}},
		{Name: "undrained-by-restart", What: "an instance that registers again is ACTIVE again", Edits: []Edit{
			{"internal/dispatch/register.go", `	i.CPU, i.Memory, i.GPUs = fresh.CPU, fresh.Memory, fresh.GPUs`,
				`	i.CPU, i.Memory, i.GPUs = fresh.CPU, fresh.Memory, fresh.GPUs
	if planted("undrained-by-restart") {
		i.Status = fresh.Status
	}`}}},
	}
}

// nodeBugs break the agent.
func nodeBugs() []Bug {
	const run, watch = "internal/node/taskrun/runner.go", "internal/node/taskrun/watch.go"
	const observe, machine = "internal/node/taskrun/observe.go", "internal/node/taskrun/machine.go"
	return []Bug{
		{Name: "stopped-before-gone", What: "a task is reported STOPPED when its stop begins", Edits: []Edit{
			{"internal/node/taskrun/snapshot.go", `	if v.Final {`,
				`	if v.Final || planted("stopped-before-gone") && v.Condemned {`}}},
		{Name: "stop-believed", What: "the answer to a stop is taken for the end of the process", Edits: []Edit{
			{"internal/node/taskrun/execute.go", `		c.Busy, c.Recheck, c.LookAt = opNone, true, time.Time{}
		c.StopTry++`, `		c.Busy, c.Recheck, c.LookAt = opNone, true, time.Time{}
		if planted("stop-believed") {
			code := 137
			c.Recheck, c.Phase, c.ExitCode, c.FinishedAt = false, phaseStopped, &code, now
		}
		c.StopTry++`}}},
		{Name: "event-as-fact", What: "a die event is taken for the end, and nobody asks for the exit code", Edits: []Edit{
			{watch, `	r.look(e.ID)
}`, `	if planted("event-as-fact") && e.Action == "die" {
		r.post(func(v *view, now time.Time) {
			for _, c := range v.Containers {
				if c.ID == e.ID {
					c.Phase, c.FinishedAt = phaseStopped, now
				}
			}
		})
		return
	}
	r.look(e.ID)
}`}}},
		{Name: "made-anew-on-restart", What: "an agent that restarts makes its containers anew", Edits: []Edit{
			{run, `	r.adopt(r.m.takeSeeds(r.arn))`, `	seeds := r.m.takeSeeds(r.arn)
	if planted("made-anew-on-restart") && len(r.v.Containers) > 0 {
		seeds = nil
	}
	r.adopt(seeds)`},
			{run, `		DockerName: containerName(task, spec.Name),`, `		DockerName: func() string {
			name := containerName(task, spec.Name)
			if planted("made-anew-on-restart") || planted("payload-starts-twice") {
				name += "-" + r.m.cfg.NewID()[:8]
			}
			return name
		}(),`}}},
		{Name: "payload-starts-twice", What: "a payload that comes twice starts its task twice", Edits: []Edit{
			{machine, `	if r != nil {
		m.mu.Unlock()
		r.update(task)`, `	if r != nil && !(planted("payload-starts-twice") && task.DesiredStatus == acs.StatusRunning) {
		m.mu.Unlock()
		r.update(task)`}}},
		{Name: "exit-code-lost", What: "the exit code of what died while the agent was down is not told", Edits: []Edit{
			{observe, `	c.Phase, c.ExitCode = phaseStopped, &code`, `	c.Phase, c.ExitCode = phaseStopped, &code
	if planted("exit-code-lost") && first {
		c.ExitCode = nil
	}`}}},
		{Name: "oom-untold", What: "an OOM kill looks like any other", Edits: []Edit{
			{observe, `	case st.OOMKilled:`, `	case st.OOMKilled && !planted("oom-untold"):`}}},
		{Name: "start-error-believed", Only: "lies",
			What: "a start that failed after it was done is taken for a failure, unlooked at", Edits: []Edit{
				{"internal/node/taskrun/execute.go", `		case errors.Is(err, docker.ErrUnavailable) && c.Attempts < maxAttempts:
			c.retry(now)
			c.doubt()`, `		case planted("start-error-believed"):
			c.fail("CannotStartContainerError: " + docker.Text(err))
		case errors.Is(err, docker.ErrUnavailable) && c.Attempts < maxAttempts:
			c.retry(now)
			c.doubt()`},
				{"internal/node/docker/container.go", `	case lookErr == nil && st.Running:
`, `	case planted("start-error-believed"):
		return err
	case lookErr == nil && st.Running:
`}}},
		{Name: "label-dropped", What: "containers do not carry the instance's label", Edits: []Edit{
			{"internal/node/taskrun/spec.go", `	l[labelResume] = resumeOf(c.Spec)`, `	l[labelResume] = resumeOf(c.Spec)
	if planted("label-dropped") {
		delete(l, docker.LabelInstance)
	}`}}},
		{Name: "report-gives-up", What: "a report is tried twice and then forgotten", Edits: []Edit{
			{"internal/node/submit.go", `		if kindOf(err) == "InvalidParameterException" ||`,
				`		if planted("report-gives-up") && attempt == 2 || kindOf(err) == "InvalidParameterException" ||`}}},
		{Name: "removed-before-accepted", Only: "server,agent,calls",
			What: "a stopped container is removed before the server knows its end",
			Edits: []Edit{
				{"internal/node/taskrun/prepare.go", `	for !r.isAccepted() {`,
					`	if planted("removed-before-accepted") {
		r.clean(ctx)
	}
	for !r.isAccepted() {`}}},
		{Name: "identity-not-kept", What: "an agent that restarts registers a second instance", Edits: []Edit{
			{"internal/node/agent.go", `	known, err := loadIdentity(a.cfg.DataDir)`, `	known, err := loadIdentity(a.cfg.DataDir)
	if planted("identity-not-kept") {
		known = identity{}
	}`}}},
		{Name: "gap-not-filled", Only: "engine,lies,meddling",
			What: "what happened while no events came is never looked for", Edits: []Edit{
				{watch, `		r.compare(byTask[arn])`, `		if !planted("gap-not-filled") {
			r.compare(byTask[arn])
		}`}}},
	}
}
