package place

import (
	"cmp"
	"slices"
	"strings"

	"longshore/internal/state"
)

// Codes of refusals: the reasons in the failures of RunTask and StartTask (Amazon ECS Developer Guide,
// "API failure reasons").
const (
	CodeCPU           = "RESOURCE:CPU"
	CodeMemory        = "RESOURCE:MEMORY"
	CodePorts         = "RESOURCE:PORTS"
	CodeGPU           = "RESOURCE:GPU"
	CodeFargate       = "RESOURCE:FARGATE"
	CodeAgent         = "AGENT"
	CodeInactive      = "INACTIVE"
	CodeMissing       = "MISSING"
	CodeAttribute     = "ATTRIBUTE"
	CodeMemberOf      = "MemberOf placement constraint unsatisfied"
	CodeDistinct      = "DistinctInstance placement constraint unsatisfied"
	CodeEmptyProvider = "EMPTY CAPACITY PROVIDER"
	// CodeNone: the cluster has no instance at all. RunTask answers InvalidParameterException with this text.
	CodeNone = "No Container Instances were found in your cluster."
)

// Refusal says why an instance, or with no Instance the whole cluster, did not take a task.
type Refusal struct {
	Code     string
	Instance state.InstanceKey
}

// Text completes "The closest matching (container-instance ID) …".
func (r Refusal) Text() string {
	switch r.Code {
	case CodeCPU:
		return "has insufficient CPU units available."
	case CodeMemory:
		return "has insufficient memory available."
	case CodePorts:
		return "is already using a port required by your task."
	case CodeGPU:
		return "has insufficient GPU available."
	case CodeAttribute:
		return "is missing an attribute required by your task."
	}
	return `encountered error "` + r.Code + `".`
}

// Explain is what follows "was unable to place a task because" in a service's event, from the refusals that
// Choose gave.
func Explain(why []Refusal) string {
	const head = "no container instance met all of its requirements."
	const guide = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	switch {
	case len(why) == 0:
		return head + guide
	case why[0].Instance == "":
		return head + " Reason: " + strings.TrimSuffix(why[0].Code, ".") + "." + guide
	}
	return head + " The closest matching (container-instance " + why[0].Instance.ID() + ") " + why[0].Text() + guide
}

// refuse is the standing reason that keeps every task of the plan off the node, or empty. It does not look
// at room.
func (pl *plan) refuse(n *node) string {
	i := n.instance
	switch {
	case i.Kind != pl.kind:
		return CodeMissing
	case pl.provider != "" && !pl.fargate && i.CapacityProvider != pl.provider:
		return CodeMissing
	case i.Status != state.StatusActive:
		return CodeInactive
	case !i.Connected:
		return CodeAgent
	case !knows(i, pl.attrs, pl.arch):
		return CodeAttribute
	case pl.err != nil:
		return CodeMemberOf
	}
	for _, e := range pl.exprs {
		if !e.Eval(n.subject()) {
			return CodeMemberOf
		}
	}
	return ""
}

// knows holds required attributes against the instance. Capabilities are reported by agents; one that
// reports none is trusted. The architecture counts where the instance names its own.
func knows(i *state.Instance, attrs []state.Attribute, arch string) bool {
	own := strings.ToLower(i.Attribute("ecs.cpu-architecture"))
	if arch != "" && own != "" && arch != own {
		return false
	}
	if len(attrs) == 0 {
		return true
	}
	speaks := slices.ContainsFunc(i.Attributes, func(a state.Attribute) bool { return capability(a.Name) })
	for _, want := range attrs {
		if capability(want.Name) && !speaks {
			continue
		}
		found := slices.ContainsFunc(i.Attributes, func(a state.Attribute) bool {
			return a.Name == want.Name && (want.Value == "" || a.Value == want.Value)
		})
		if !found {
			return false
		}
	}
	return true
}

func capability(name string) bool {
	return strings.HasPrefix(name, "ecs.capability.") || strings.HasPrefix(name, "com.amazonaws.ecs.capability.")
}

// closeness orders reasons by how far an instance came; equal ones by what it is short of.
var closeness = map[string]int{CodeInactive: 1, CodeAgent: 2, CodeAttribute: 3, CodeMemberOf: 4,
	CodeDistinct: 5, CodeCPU: 6, CodeMemory: 7, CodePorts: 8, CodeGPU: 9}

// maxRefusals of one request that are told, closest first.
const maxRefusals = 10

// explain asks every instance for its reason.
func (p *pool) explain(pl *plan, r Request) []Refusal {
	type near struct {
		Refusal
		n *node
	}
	var all []near
	for _, n := range p.nodes {
		code := p.reason(pl, n, r)
		if code != "" && code != CodeMissing && n.instance.Status != state.StatusInactive {
			all = append(all, near{Refusal{code, n.instance.Key}, n})
		}
	}
	slices.SortFunc(all, func(a, b near) int {
		return cmp.Or(cmp.Compare(closeness[b.Code], closeness[a.Code]), cmp.Compare(b.n.left(b.Code), a.n.left(a.Code)),
			cmp.Compare(a.n.order, b.n.order))
	})
	var out []Refusal
	for _, x := range all[:min(len(all), maxRefusals)] {
		out = append(out, x.Refusal)
	}
	if len(out) > 0 {
		return out
	}
	switch {
	case pl.fargate:
		return []Refusal{{Code: CodeFargate}}
	case pl.provider != "":
		return []Refusal{{Code: CodeEmptyProvider}}
	}
	return []Refusal{{Code: CodeNone}}
}

// left is how much a node has of what it has too little of.
func (n *node) left(code string) int {
	switch code {
	case CodeCPU:
		return n.cpu
	case CodeMemory:
		return n.memory
	}
	return -len(n.tasks)
}

// reason why the node does not take the request, or empty.
func (p *pool) reason(pl *plan, n *node, r Request) string {
	code := pl.refuse(n)
	switch {
	case code != "" || pl.fargate:
		return code
	case pl.distinct && p.onNode(pl.group, n) > 0:
		return CodeDistinct
	}
	return n.short(&r.Task.Need)
}
