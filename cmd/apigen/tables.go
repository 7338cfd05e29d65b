package main

import (
	"fmt"
	"slices"
	"strings"
)

func (p *pkg) operations() string {
	b := p.header("longshore/internal/aws/wire")
	m := p.model.Metadata
	signing := m.SigningName
	if signing == "" {
		signing = m.EndpointPrefix
	}
	fmt.Fprintf(b, "\n// Model describes the service; every call gives a fresh value over the same tables.\n")
	fmt.Fprintf(b, "func Model() *wire.Service {\n\treturn &wire.Service{\n")
	fmt.Fprintf(b, "Name: %q,\nID: %q,\nSigningName: %q,\nEndpointPrefix: %q,\nAPIVersion: %q,\n",
		p.job.model, m.ServiceID, signing, m.EndpointPrefix, m.APIVersion)
	fmt.Fprintf(b, "Protocols: %s,\nJSONVersion: %q,\nTargetPrefix: %q,\nXMLNamespace: %q,\n",
		quoted(m.Protocols), m.JSONVersion, m.TargetPrefix, m.XMLNamespace)
	b.WriteString("Operations: operations[:],\nErrors: errorShapes[:],\nShapes: shapes[:],\n}\n}\n\n")
	fmt.Fprintf(b, "var operations = [...]wire.Operation{\n")
	for _, name := range p.ops {
		p.operation(b, name)
	}
	b.WriteString("}\n\nvar errorShapes = [...]wire.ErrorShape{\n")
	for _, name := range slices.Sorted(keys(p.model.Shapes)) {
		p.errorShape(b, name)
	}
	b.WriteString("}\n")
	return b.String()
}

func (p *pkg) operation(b *strings.Builder, name string) {
	o := p.model.Operations[name]
	fmt.Fprintf(b, "{Name: %q, Method: %q, URI: %q", name, o.HTTP.Method, o.HTTP.RequestURI)
	p.side(b, "Input", name, o.Input)
	p.side(b, "Output", name, o.Output)
	if o.Output != nil && o.Output.ResultWrapper != "" {
		fmt.Fprintf(b, ", ResultWrapper: %q", o.Output.ResultWrapper)
	}
	if o.Endpoint.HostPrefix != "" {
		fmt.Fprintf(b, ", HostPrefix: %q", o.Endpoint.HostPrefix)
	}
	if o.AuthType == "none" {
		b.WriteString(", Unsigned: true")
	}
	if len(o.Errors) > 0 {
		fmt.Fprintf(b, ",\nErrors: %s", quoted(o.Errors))
	}
	pg, ok := p.model.Pagination[name]
	if ok && len(pg.InputToken) > 0 {
		fmt.Fprintf(b, ",\nPage: &wire.Paging{InputToken: %q, OutputToken: %q, LimitKey: %q, ResultKeys: %s}",
			pg.InputToken[0], pg.OutputToken[0], pg.LimitKey, quoted(pg.ResultKey))
	}
	b.WriteString("},\n")
}

func (p *pkg) side(b *strings.Builder, side, op string, r *ref) {
	if r == nil || !p.served[op] {
		fmt.Fprintf(b, ", %s: wire.NoShape", side)
		return
	}
	fmt.Fprintf(b, ", %s: %d, New%s: func() any { return new(%s) }", side, p.ids[r.Shape], side, r.Shape)
}

func (p *pkg) errorShape(b *strings.Builder, name string) {
	s := p.model.Shapes[name]
	if !s.Exception {
		return
	}
	code := s.Error.Code
	if code == "" {
		code = name
	}
	fmt.Fprintf(b, "{Name: %q, Code: %q, Status: %d, Fault: %v},\n", name, code, s.Error.Status, s.Fault)
}

func (p *pkg) shapes() string {
	b := p.header("longshore/internal/aws/wire")
	b.WriteString("\nvar shapes = [...]wire.Shape{\n")
	for _, name := range p.shape {
		p.one(b, name, p.model.Shapes[name])
	}
	b.WriteString("}\n")
	return b.String()
}

func kind(s shape) string {
	if s.Document {
		return "Free"
	}
	switch s.Type {
	case "structure":
		return "Structure"
	case "float":
		return "Double"
	case "timestamp":
		return "Time"
	}
	return strings.ToUpper(s.Type[:1]) + s.Type[1:]
}

func (p *pkg) one(b *strings.Builder, name string, s shape) {
	fmt.Fprintf(b, "%d: {Name: %q, Kind: wire.%s", p.ids[name], name, kind(s))
	if len(s.Enum) > 0 {
		fmt.Fprintf(b, ", Enum: %s", quoted(s.Enum))
	}
	if s.Min != nil {
		fmt.Fprintf(b, ", HasMin: true, Min: %v", *s.Min)
	}
	if s.Max != nil {
		fmt.Fprintf(b, ", HasMax: true, Max: %v", *s.Max)
	}
	if s.Pattern != "" {
		fmt.Fprintf(b, ", Pattern: %q, GoPattern: %q", s.Pattern, goPattern(s.Pattern))
	}
	flags(b, map[string]bool{"Flattened": s.Flattened, "Sensitive": s.Sensitive, "Stream": s.Stream})
	if s.Member != nil {
		fmt.Fprintf(b, ", Element: %d", p.ids[s.Member.Shape])
		if s.Member.LocationName != "" {
			fmt.Fprintf(b, ", ElementName: %q", s.Member.LocationName)
		}
	}
	if s.Key != nil {
		fmt.Fprintf(b, ", Key: %d, Element: %d", p.ids[s.Key.Shape], p.ids[s.Value.Shape])
	}
	if len(s.Members) > 0 {
		b.WriteString(", Members: []wire.Member{\n")
		for _, m := range s.Members {
			p.member(b, m, slices.Contains(s.Required, m.name))
		}
		b.WriteString("}")
	}
	b.WriteString("},\n")
}

func (p *pkg) member(b *strings.Builder, m member, required bool) {
	fmt.Fprintf(b, "{Name: %q, Shape: %d", m.name, p.ids[m.Shape])
	if m.LocationName != "" {
		fmt.Fprintf(b, ", LocationName: %q", m.LocationName)
	}
	if m.QueryName != "" {
		fmt.Fprintf(b, ", QueryName: %q", m.QueryName)
	}
	flags(b, map[string]bool{
		"Required": required, "Flattened": m.Flattened, "Sensitive": m.Sensitive, "Token": m.Token,
	})
	b.WriteString("},\n")
}

func flags(b *strings.Builder, on map[string]bool) {
	for _, name := range slices.Sorted(keys(on)) {
		if on[name] {
			fmt.Fprintf(b, ", %s: true", name)
		}
	}
}

func quoted(list []string) string {
	b := strings.Builder{}
	b.WriteString("[]string{")
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", s)
	}
	b.WriteString("}")
	return b.String()
}
