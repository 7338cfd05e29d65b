package wire

import (
	"regexp"
	"sync"
)

// Codec works on values of one service's generated structs by the service's tables. It is safe for concurrent use.
type Codec struct {
	service  *Service
	checked  []bool                           // by ShapeID: the shape or one below it has a constraint
	patterns []func() (*regexp.Regexp, error) // by ShapeID, compiled at first use
}

// NewCodec prepares the tables of a service.
func NewCodec(s *Service) *Codec {
	c := &Codec{
		service:  s,
		checked:  make([]bool, len(s.Shapes)),
		patterns: make([]func() (*regexp.Regexp, error), len(s.Shapes)),
	}
	for i := range s.Shapes {
		p := s.Shapes[i].GoPattern
		if p != "" {
			c.patterns[i] = sync.OnceValues(func() (*regexp.Regexp, error) { return regexp.Compile(p) })
		}
	}
	// Shapes refer to each other, also in circles: repeat until nothing changes.
	for changed := true; changed; {
		changed = false
		for i := range s.Shapes {
			if !c.checked[i] && c.needsCheck(&s.Shapes[i]) {
				c.checked[i], changed = true, true
			}
		}
	}
	return c
}

func (c *Codec) needsCheck(s *Shape) bool {
	if s.HasMin || s.HasMax || s.GoPattern != "" || len(s.Enum) > 0 {
		return true
	}
	switch s.Kind {
	case Structure:
		for i := range s.Members {
			if s.Members[i].Required || c.checked[s.Members[i].Shape] {
				return true
			}
		}
	case List:
		return c.checked[s.Element]
	case Map:
		return c.checked[s.Element] || c.checked[s.Key]
	}
	return false
}
