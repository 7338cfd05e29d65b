package ecs

import (
	"strings"

	"longshore/internal/gen/ecswire"
	"longshore/internal/place/cql"
	"longshore/internal/state"
)

// Limits of placement (API_RunTask, Amazon ECS service quotas).
const (
	maxConstraints = 10
	maxStrategies  = 5
)

// parsePlacement checks constraints and strategies; Fargate takes neither.
func parsePlacement(td *state.TaskDefinition, launch string, constraints []ecswire.PlacementConstraint,
	strategies []ecswire.PlacementStrategy,
) ([]state.PlacementConstraint, []state.PlacementStrategy, error) {
	if launch == state.LaunchFargate {
		return nil, nil, noFargatePlacement(len(constraints), len(strategies))
	}
	if len(constraints)+len(td.PlacementConstraints) > maxConstraints {
		return nil, nil, invalid("placementConstraints can have at most %d items.", maxConstraints)
	}
	if len(strategies) > maxStrategies {
		return nil, nil, invalid("placementStrategy can have at most %d items.", maxStrategies)
	}
	cs := make([]state.PlacementConstraint, 0, len(constraints))
	for i := range constraints {
		c := state.PlacementConstraint{Type: deref(constraints[i].Type), Expression: deref(constraints[i].Expression)}
		err := checkConstraint(c)
		if err != nil {
			return nil, nil, err
		}
		cs = append(cs, c)
	}
	ss := make([]state.PlacementStrategy, 0, len(strategies))
	for i := range strategies {
		s, err := checkStrategy(deref(strategies[i].Type), deref(strategies[i].Field))
		if err != nil {
			return nil, nil, err
		}
		ss = append(ss, s)
	}
	return cs, ss, nil
}

func noFargatePlacement(constraints, strategies int) error {
	if constraints > 0 {
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	}
	if strategies > 0 {
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	}
	return nil
}

func checkConstraint(c state.PlacementConstraint) error {
	switch c.Type {
	case "distinctInstance":
		if c.Expression != "" {
			return invalid("Expression must be empty for constraint type distinctInstance.")
		}
		return nil
	case "memberOf":
		return checkExpression(c.Expression)
	}
	return invalid("Invalid placement constraint type: %s", c.Type)
}

func checkExpression(text string) error {
	if text == "" {
		return invalid("Expression must be specified for constraint type memberOf.")
	}
	_, err := cql.Parse(text)
	if err != nil {
		return invalid("%s", err)
	}
	return nil
}

// checkStrategy also settles the spelling of the field: "host" is instanceId, CPU and MEMORY are lower case.
func checkStrategy(kind, field string) (state.PlacementStrategy, error) {
	s := state.PlacementStrategy{Type: kind, Field: field}
	switch kind {
	case "random":
		if field != "" {
			return s, invalid("Field must be empty for strategy type random.")
		}
		return s, nil
	case "binpack":
		s.Field = strings.ToLower(field)
		if s.Field == "cpu" || s.Field == "memory" {
			return s, nil
		}
	case "spread":
		if field == "host" || field == "instanceId" {
			s.Field = "instanceId"
			return s, nil
		}
		name, ok := strings.CutPrefix(field, "attribute:")
		if ok && name != "" {
			return s, nil
		}
	default:
		return s, invalid("Invalid placement strategy type: %s", kind)
	}
	return s, invalid("Invalid field %q for placement strategy type %s.", field, kind)
}
