package planted

// storeBugs are lies about what is durable.
func storeBugs() []Bug {
	return []Bug{
		{Name: "ack-before-fsync", Hint: 2, What: "a write is acknowledged before it is durable", Edits: []Edit{
			{"internal/store/store.go", `	if wait == nil {
		return err
	}
	select {`, `	if wait == nil || planted("ack-before-fsync") {
		return err
	}
	select {`}}},
		{Name: "publish-before-fsync", What: "views and watchers see what a crash can take back", Edits: []Edit{
			{"internal/store/store.go", `		err := s.engine.Commit(context.Background(), Batch{`,
				`		if planted("publish-before-fsync") {
			s.mu.Lock()
			s.publish(b.head, b.rev, b.changes)
			s.mu.Unlock()
		}
		err := s.engine.Commit(context.Background(), Batch{`}}},
		{Name: "full-disk-acknowledged", Hint: 2, What: "a write that found no space is acknowledged", Edits: []Edit{
			{"internal/store/store.go", `	b.refuse(err)
	if b.orphan`, `	if planted("full-disk-acknowledged") && errors.Is(err, ErrNoSpace) {
		b.refuse(nil)
	} else {
		b.refuse(err)
	}
	if b.orphan`}}},
		{Name: "last-record-lost", What: "the last record of a large batch never reaches the disk", Edits: []Edit{
			{"internal/store/store.go", `	return out
}

// land publishes`, `	if planted("last-record-lost") && len(out) > 2 {
		out = out[:len(out)-1]
	}
	return out
}

// land publishes`}}},
		{Name: "event-keys-by-clock", What: "a service's lines are numbered by the clock alone", Edits: []Edit{
			{"internal/store/events.go", `				at = max(at, last+1)`, `				if !planted("event-keys-by-clock") {
					at = max(at, last+1)
				}`}}},
	}
}

// apiBugs are answers that do not mean what they say.
func apiBugs() []Bug {
	return []Bug{
		{Name: "no-client-token", What: "a repeated RunTask starts its tasks again", Edits: []Edit{
			{"internal/api/ecs/token.go", `	old, ok := v.ClientTokens().Get(t.key)
	if !ok {`, `	old, ok := v.ClientTokens().Get(t.key)
	if !ok || planted("no-client-token") {`}}},
		{Name: "revision-reused", What: "a family's next revision is counted, not remembered", Edits: []Edit{
			{"internal/api/ecs/taskdef_register.go", `			last = f.Last
		}`, `			last = f.Last
		}
		if planted("revision-reused") {
			last = 0
			for td := range tx.TaskDefinitions().Prefix(string(family) + "/") {
				if td.Status == state.StatusActive {
					last++
				}
			}
		}`}}},
		{Name: "early-stop-forgotten", What: "StopTask of a task that does not run yet is not written down", Edits: []Edit{
			{"internal/api/ecs/task_stop.go", `		tx.Tasks().Put(stopped)
		return nil`, `		if !planted("early-stop-forgotten") || stopped.Last == state.Running {
			tx.Tasks().Put(stopped)
		}
		return nil`}}},
		{Name: "room-back-at-stop", What: "room and ports are given back when a stop is asked for", Edits: []Edit{
			{"internal/api/ecs/task_stop.go", `		stopped.Tags = nil`, `		stopped.Tags = nil
		if planted("room-back-at-stop") {
			stopped.Released = now
		}`}}},
	}
}
