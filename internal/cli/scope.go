package cli

import (
	"fmt"

	"longshore/internal/daemon"
)

type scopeCommand struct{}

// Run prints one row for each operation of each model; SCOPE.md is made of them.
func (c *scopeCommand) Run(r *run) error {
	service := ""
	for _, op := range daemon.Operations() {
		if op.Service != service {
			_, err := fmt.Fprintf(r.Out, "\n## %s\n\n| operation | here | why |\n|---|---|---|\n", op.Service)
			if err != nil {
				return err
			}
			service = op.Service
		}
		_, err := fmt.Fprintln(r.Out, scopeRow(op))
		if err != nil {
			return err
		}
	}
	return nil
}

func scopeRow(op daemon.Operation) string {
	if op.Served {
		return fmt.Sprintf("| `%s:%s` | served |  |", op.Service, op.Name)
	}
	reason := op.Reason
	if reason == "" {
		reason = "not served yet"
	}
	return fmt.Sprintf("| `%s:%s` | refused | %s |", op.Service, op.Name, reason)
}
