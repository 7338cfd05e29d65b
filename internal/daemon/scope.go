package daemon

import (
	"longshore/internal/api/logs"
	"longshore/internal/dispatch"
)

// Operation is one operation of a model, and what becomes of it here.
type Operation struct {
	Service string // signing name
	Name    string
	Served  bool
	Reason  string // why not
	Errors  []string
}

// Operations lists every operation of every model, from the same tables that the API serves by.
func Operations() []Operation {
	p := &Plane{dispatch: dispatch.New(dispatch.Config{}), logsAPI: logs.New(logs.Config{})}
	var out []Operation
	for _, s := range p.services() {
		served := map[string]bool{}
		for _, op := range s.Ops {
			served[op.Name] = true
		}
		for i := range s.Wire.Operations {
			m := &s.Wire.Operations[i]
			out = append(out, Operation{
				Service: s.Wire.SigningName, Name: m.Name, Served: served[m.Name],
				Reason: s.Refused[m.Name], Errors: m.Errors,
			})
		}
	}
	return out
}
