package front

import (
	"longshore/internal/aws/fault"
	"longshore/internal/aws/wire"
)

// decode reads the input and holds it against the model.
func (f *Front) decode(x *exchange) (any, error) {
	in := x.op.bound.newIn()
	err := x.protocol.decode(x, in)
	if err != nil {
		return nil, err
	}
	broken := x.svc.codec.Check(x.op.model.Input, in)
	if len(broken) > 0 {
		return nil, x.invalid(broken)
	}
	return in, nil
}

// invalid words broken constraints with a code that the operation's model has.
func (x *exchange) invalid(broken []wire.Violation) error {
	if x.svc.Invalid != nil {
		return x.svc.Invalid(x.op.model.Name, broken)
	}
	switch x.protocol {
	case x.f.codecs.ec2:
		return invalidEC2(broken[0])
	case x.f.codecs.query:
		return fault.New("ValidationError", wire.Describe(broken))
	}
	return fault.New(x.modelled("ValidationException", "InvalidParameterException", "ClientException"),
		wire.Describe(broken))
}

// EC2 names one parameter at a time, and knows "missing" from "wrong".
func invalidEC2(v wire.Violation) error {
	if v.Missing {
		return fault.New("MissingParameter", "The request must contain the parameter "+v.Path)
	}
	return fault.Newf("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s.", v.Value, v.Path, v.Rule)
}

// modelled is the first of the codes that the operation's model names; the first of all when it names none.
func (x *exchange) modelled(codes ...string) string {
	for _, c := range codes {
		if x.op.model.Models(c) {
			return c
		}
	}
	return codes[0]
}

// refusal is the answer to an operation that exists and is not served here: nothing is accepted and ignored.
func (x *exchange) refusal() error {
	if x.op.bound != nil {
		return nil
	}
	message := x.op.model.Name + " is not served by Longshore."
	if x.op.reason != "" {
		message = x.op.model.Name + " is not served by Longshore: " + x.op.reason
	}
	if x.protocol == x.f.codecs.ec2 {
		return fault.New("UnsupportedOperation", message)
	}
	if x.protocol == x.f.codecs.query && !x.op.model.Models("UnsupportedFeatureException") {
		return fault.New("UnsupportedOperation", message)
	}
	code := x.modelled("UnsupportedFeatureException", "UnsupportedOperationException", "ClientException",
		"InvalidParameterException", "ValidationException", "InvalidOperationException", "OperationAbortedException",
		"AccessDeniedException")
	return fault.New(code, message)
}
