package taskrun

// graves are the names of tasks that are over, the oldest forgotten first. A message that is late enough to outlive
// them would have to come on a connection that is long gone.
type graves struct {
	names map[string]bool
	order []string
}

const maxGraves = 4096

func (g *graves) has(arn string) bool { return g.names[arn] }

func (g *graves) dig(arn string) {
	if g.names[arn] {
		return
	}
	if len(g.order) == maxGraves {
		delete(g.names, g.order[0])
		g.order = append(g.order[:0], g.order[1:]...)
	}
	g.names[arn] = true
	g.order = append(g.order, arn)
}
