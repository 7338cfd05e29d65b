package front

import (
	"bytes"

	"github.com/fxamacker/cbor/v2"

	"longshore/internal/aws/fault"
)

// cborProtocol is Smithy RPC v2 CBOR; shapes keep their JSON names.
type cborProtocol struct {
	dec cbor.DecMode
	enc cbor.EncMode
}

const cborType = "application/cbor"

func newCBOR() *cborProtocol {
	dec, err := cbor.DecOptions{
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  1 << 20,
		MaxMapPairs:       1 << 20,
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic("cbor decoding options: " + err.Error())
	}
	enc, err := cbor.EncOptions{}.EncMode()
	if err != nil {
		panic("cbor encoding options: " + err.Error())
	}
	return &cborProtocol{dec: dec, enc: enc}
}

func (p *cborProtocol) decode(x *exchange, in any) error {
	body, err := x.f.plainBody(x)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	err = p.dec.Unmarshal(body, in)
	if err != nil {
		return fault.New("SerializationException", "The request body is not valid CBOR for this operation.")
	}
	return nil
}

func (p *cborProtocol) encode(x *exchange, b *bytes.Buffer, out any) (string, error) {
	x.w.Header()["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
	if x.op.model.NewOutput == nil {
		return "", nil
	}
	return cborType, p.enc.NewEncoder(b).Encode(out)
}

func (p *cborProtocol) fault(x *exchange, b *bytes.Buffer, e *fault.Error) string {
	x.w.Header()["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
	body := map[string]any{"__type": e.Code}
	for k, v := range e.Fields {
		body[k] = v
	}
	if e.Message != "" {
		body["message"] = e.Message
	}
	err := p.enc.NewEncoder(b).Encode(body)
	if err != nil {
		b.Reset()
	}
	return cborType
}
