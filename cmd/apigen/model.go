package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

type model struct {
	Metadata struct {
		APIVersion     string   `json:"apiVersion"`
		EndpointPrefix string   `json:"endpointPrefix"`
		JSONVersion    string   `json:"jsonVersion"`
		Protocol       string   `json:"protocol"`
		Protocols      []string `json:"protocols"`
		ServiceID      string   `json:"serviceId"`
		SigningName    string   `json:"signingName"`
		TargetPrefix   string   `json:"targetPrefix"`
		XMLNamespace   string   `json:"xmlNamespace"`
	} `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
	Pagination map[string]paging    `json:"pagination"`
}

type operation struct {
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
	} `json:"http"`
	Input    *ref     `json:"input"`
	Output   *ref     `json:"output"`
	Errors   []string `json:"errors"`
	AuthType string   `json:"authtype"`
	Endpoint struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
}

type ref struct {
	Shape         string `json:"shape"`
	LocationName  string `json:"locationName"`
	QueryName     string `json:"queryName"`
	ResultWrapper string `json:"resultWrapper"`
	Flattened     bool   `json:"flattened"`
	Sensitive     bool   `json:"sensitive"`
	Token         bool   `json:"idempotencyToken"`
}

type shape struct {
	Type      string   `json:"type"`
	Required  []string `json:"required"`
	Members   members  `json:"members"`
	Enum      []string `json:"enum"`
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Pattern   string   `json:"pattern"`
	Member    *ref     `json:"member"`
	Key       *ref     `json:"key"`
	Value     *ref     `json:"value"`
	Flattened bool     `json:"flattened"`
	Sensitive bool     `json:"sensitive"`
	Document  bool     `json:"document"`
	Stream    bool     `json:"eventstream"`
	Exception bool     `json:"exception"`
	Fault     bool     `json:"fault"`
	Error     struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

type member struct {
	name string
	ref
}

// members keeps the model's order, which is the order of fields and of XML elements.
type members []member

func (m *members) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	_, err := d.Token()
	if err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		one := member{name: fmt.Sprint(name)}
		err = d.Decode(&one.ref)
		if err != nil {
			return err
		}
		*m = append(*m, one)
	}
	return nil
}

// names is a member name or a list of them: botocore's pagination uses both.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(n))
	}
	one := ""
	err := json.Unmarshal(b, &one)
	*n = names{one}
	return err
}

type paging struct {
	InputToken  names  `json:"input_token"`
	OutputToken names  `json:"output_token"`
	LimitKey    string `json:"limit_key"`
	ResultKey   names  `json:"result_key"`
}

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &model{}
	err = json.Unmarshal(b, m)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}

// reachable are all shapes that the served operations need, sorted.
func (m *model) reachable(served []string) ([]string, error) {
	roots := []string{}
	for _, op := range served {
		o, ok := m.Operations[op]
		if !ok {
			return nil, fmt.Errorf("operation %s is not in the model", op)
		}
		for _, r := range []*ref{o.Input, o.Output} {
			if r != nil {
				roots = append(roots, r.Shape)
			}
		}
	}
	return m.below(roots)
}

// below are the shapes that can be reached from roots, roots included, sorted.
func (m *model) below(roots []string) ([]string, error) {
	seen := map[string]bool{}
	for len(roots) > 0 {
		name := roots[0]
		roots = roots[1:]
		if seen[name] {
			continue
		}
		s, ok := m.Shapes[name]
		if !ok {
			return nil, fmt.Errorf("shape %s is named but not defined", name)
		}
		seen[name] = true
		for _, r := range s.refs() {
			roots = append(roots, r.Shape)
		}
	}
	return slices.Sorted(keys(seen)), nil
}

func (s shape) refs() []ref {
	out := []ref{}
	for _, m := range s.Members {
		out = append(out, m.ref)
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}
