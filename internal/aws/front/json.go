package front

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/wire"
)

// jsonProtocol is awsJson 1.0 and 1.1.
type jsonProtocol struct{}

func (p *jsonProtocol) decode(x *exchange, in any) error {
	body, err := x.f.plainBody(x)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if jsonTooDeep(body) {
		return fault.New("SerializationException", "The request is nested too deeply.")
	}
	err = json.Unmarshal(body, in)
	if err != nil {
		return fault.New("SerializationException", jsonReason(err))
	}
	return nil
}

// jsonReason says what AWS says about a value of the wrong type.
func jsonReason(err error) string {
	wrong := (*json.SemanticError)(nil)
	if !errors.As(err, &wrong) || wrong.GoType == nil {
		return "The request body is not valid JSON."
	}
	switch wrong.JSONKind {
	case '{':
		return "Start of structure or map found where not expected."
	case '[':
		return "Start of list found where not expected"
	case '"':
		return "STRING_VALUE can not be converted to " + coralType(wrong.GoType)
	case '0':
		return "NUMBER_VALUE can not be converted to " + coralType(wrong.GoType)
	case 't':
		return "TRUE_VALUE can not be converted to " + coralType(wrong.GoType)
	case 'f':
		return "FALSE_VALUE can not be converted to " + coralType(wrong.GoType)
	}
	return "The request body is not valid JSON."
}

func coralType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a String"
	case reflect.Int32:
		return "an Integer"
	case reflect.Int64:
		return "a Long"
	case reflect.Float64:
		return "a Double"
	case reflect.Bool:
		return "a Boolean"
	case reflect.Slice:
		return "a List"
	}
	return "a Structure"
}

func (p *jsonProtocol) contentType(x *exchange) string {
	if x.svc != nil && x.svc.Wire.JSONVersion == "1.0" {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

func (p *jsonProtocol) encode(x *exchange, b *bytes.Buffer, out any) (string, error) {
	if x.op.model.NewOutput == nil {
		return p.contentType(x), nil
	}
	own, ok := out.(wire.JSONAppender)
	if ok {
		b.Write(own.AppendJSON(b.AvailableBuffer()))
		return p.contentType(x), nil
	}
	err := json.MarshalWrite(b, out, jsontext.AllowInvalidUTF8(true))
	return p.contentType(x), err
}

func (p *jsonProtocol) fault(x *exchange, b *bytes.Buffer, e *fault.Error) string {
	body := map[string]any{"__type": e.Code}
	for k, v := range e.Fields {
		body[k] = v
	}
	if e.Message != "" {
		body["message"] = e.Message
	}
	err := json.MarshalWrite(b, body, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		b.Reset()
		b.WriteString(`{"__type":"InternalFailure"}`)
	}
	return p.contentType(x)
}
