package main

import (
	"fmt"
	"slices"
	"strings"
)

// appenders writes an AppendJSON method for every structure that an awsJson answer can hold.
func (p *pkg) appenders() (string, error) {
	outputs := []string{}
	for _, op := range p.ops {
		o := p.model.Operations[op].Output
		if p.served[op] && o != nil {
			outputs = append(outputs, o.Shape)
		}
	}
	shapes, err := p.model.below(outputs)
	if err != nil {
		return "", err
	}
	b := p.header("strconv", "longshore/internal/aws/wire")
	for _, name := range shapes {
		s := p.model.Shapes[name]
		if s.Type != "structure" || s.Document {
			continue
		}
		fmt.Fprintf(b, "\n// AppendJSON appends the value as JSON.\nfunc (v *%s) AppendJSON(b []byte) []byte {\n", name)
		b.WriteString("b = append(b, '{')\n")
		if len(s.Members) > 0 {
			b.WriteString("start := len(b)\n")
		}
		for _, m := range s.Members {
			fmt.Fprintf(b, "if v.%[1]s != nil {\nb = wire.AppendKey(b, start, %[2]q)\nb = %[3]s\n}\n",
				export(m.name), `"`+m.name+`":`, p.appendCall(m.Shape, "v."+export(m.name)))
		}
		b.WriteString("return append(b, '}')\n}\n")
	}
	text := b.String()
	if !strings.Contains(text, "strconv.") {
		text = strings.Replace(text, "\nimport \"strconv\"\n", "", 1)
	}
	return text, nil
}

func (p *pkg) appendCall(name, v string) string {
	s := p.model.Shapes[name]
	switch s.Type {
	case "structure":
		if s.Document {
			break
		}
		return v + ".AppendJSON(b)"
	case "string":
		return "wire.AppendText(b, *" + v + ")"
	case "integer":
		return "strconv.AppendInt(b, int64(*" + v + "), 10)"
	case "long":
		return "strconv.AppendInt(b, *" + v + ", 10)"
	case "double", "float":
		return "wire.AppendNumber(b, *" + v + ")"
	case "boolean":
		return "strconv.AppendBool(b, *" + v + ")"
	case "timestamp":
		return v + ".AppendEpoch(b)"
	case "list":
		element := p.model.Shapes[s.Member.Shape]
		if element.Type == "string" {
			return "wire.AppendTexts(b, " + v + ")"
		}
		if element.Type == "structure" && !element.Document {
			return "wire.AppendList(b, " + v + ")"
		}
	case "map":
		if p.model.Shapes[s.Value.Shape].Type == "string" {
			return "wire.AppendTextMap(b, " + v + ")"
		}
	}
	return "wire.AppendOther(b, " + v + ")"
}

// speaksJSON says whether answers of this service are ever JSON.
func (p *pkg) speaksJSON() bool { return slices.Contains(p.model.Metadata.Protocols, "json") }
