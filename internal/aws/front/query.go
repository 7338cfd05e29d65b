package front

import (
	"bytes"
	"encoding/xml"
	"errors"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/wire"
)

// queryProtocol is awsQuery and ec2Query: forms in, XML out.
type queryProtocol struct{ ec2 bool }

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func (p *queryProtocol) decode(x *exchange, in any) error {
	if x.op.model.Input == wire.NoShape {
		return nil
	}
	err := x.svc.codec.DecodeForm(x.op.model.Input, x.form, in, p.ec2)
	if err == nil {
		return nil
	}
	bad := (*wire.BadValue)(nil)
	if p.ec2 && errors.As(err, &bad) {
		return fault.Newf("InvalidParameterValue", "Value (%s) for parameter %s is invalid. Expected %s.",
			bad.Value, bad.Name, bad.Want)
	}
	if errors.As(err, &bad) {
		return fault.Newf("MalformedInput", "The value of parameter %s is not %s.", bad.Name, bad.Want)
	}
	return fault.New("MalformedQueryString", err.Error())
}

func (p *queryProtocol) encode(x *exchange, b *bytes.Buffer, out any) (string, error) {
	m := x.op.model
	b.WriteString(xmlHead)
	b.WriteString("<" + m.Name + `Response xmlns="` + x.svc.Wire.XMLNamespace + `">`)
	if p.ec2 {
		b.WriteString("<requestId>" + x.id + "</requestId>")
	}
	if m.ResultWrapper != "" {
		b.WriteString("<" + m.ResultWrapper + ">")
	}
	err := x.svc.codec.EncodeXML(b, m.Output, out, p.ec2)
	if err != nil {
		return "", err
	}
	if m.ResultWrapper != "" {
		b.WriteString("</" + m.ResultWrapper + ">")
	}
	switch {
	case p.ec2 && m.Output == wire.NoShape:
		b.WriteString("<return>true</return>")
	case !p.ec2:
		b.WriteString("<ResponseMetadata><RequestId>" + x.id + "</RequestId></ResponseMetadata>")
	}
	b.WriteString("</" + m.Name + "Response>")
	return "text/xml;charset=UTF-8", nil
}

func (p *queryProtocol) fault(x *exchange, b *bytes.Buffer, e *fault.Error) string {
	code, namespace := e.Code, ""
	if x.svc != nil {
		namespace = x.svc.Wire.XMLNamespace
		if m := x.svc.Wire.Error(e.Code); m != nil {
			code = m.Code
		}
	}
	b.WriteString(xmlHead)
	if p.ec2 {
		b.WriteString("<Response><Errors><Error>")
		leaf(b, "Code", code)
		leaf(b, "Message", e.Message)
		b.WriteString("</Error></Errors><RequestID>" + x.id + "</RequestID></Response>")
		return "text/xml;charset=UTF-8"
	}
	b.WriteString("<ErrorResponse")
	if namespace != "" {
		b.WriteString(` xmlns="` + namespace + `"`)
	}
	b.WriteString("><Error>")
	side := "Sender"
	if x.status(e) >= 500 {
		side = "Receiver"
	}
	leaf(b, "Type", side)
	leaf(b, "Code", code)
	leaf(b, "Message", e.Message)
	b.WriteString("</Error><RequestId>" + x.id + "</RequestId></ErrorResponse>")
	return "text/xml;charset=UTF-8"
}

func leaf(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	// Writing to a bytes.Buffer cannot fail.
	_ = xml.EscapeText(b, []byte(text))
	b.WriteString("</" + name + ">")
}
