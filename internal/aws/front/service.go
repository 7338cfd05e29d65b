package front

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"longshore/internal/aws/wire"
)

// Caller is who asks, as the signature proved it.
type Caller struct {
	Account     string // twelve digits, the key's
	Region      string // the credential scope's
	Principal   string // ARN
	UserID      string
	AccessKeyID string
	Instance    string // container-instance ARN when the key is bound to an agent
	RequestID   string
	UserAgent   string
	SourceIP    string
	Endpoint    string // http(s)://host of the request: an address that the caller can reach
}

// Op is one operation bound to the function that answers it.
type Op struct {
	Name  string
	newIn func() any
	in    reflect.Type
	out   reflect.Type
	call  func(ctx context.Context, c Caller, in any) (any, error)
}

// Bind makes an Op of a function over generated shapes. An operation whose model has no output binds *wire.Unit.
func Bind[In, Out any](name string, fn func(context.Context, Caller, *In) (*Out, error)) Op {
	return Op{
		Name:  name,
		newIn: func() any { return new(In) },
		in:    reflect.TypeFor[In](),
		out:   reflect.TypeFor[Out](),
		call: func(ctx context.Context, c Caller, in any) (any, error) {
			out, err := fn(ctx, c, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// Service is one AWS service as it is served here.
type Service struct {
	Wire *wire.Service
	Ops  []Op

	// Refused names operations that are known and not served, with the reason that the caller reads. An operation
	// of the model that is in neither list is refused as well, without a reason.
	Refused map[string]string

	// Rates are the quotas that Config.Throttle enforces; operations of none are not throttled.
	Rates []Rate

	// Invalid may word broken constraints its own way; nil takes AWS's usual wording and the code that the model
	// has for it.
	Invalid func(op string, broken []wire.Violation) error
}

// Authorizer says whether a caller may call an operation; nil error means yes. service is the signing name.
type Authorizer interface {
	Authorize(ctx context.Context, c Caller, service, operation string) error
}

// service is a Service made ready: tables by name, checked once.
type service struct {
	Service
	codec *wire.Codec
	ops   map[string]*operation
}

type operation struct {
	model   *wire.Operation
	service *service
	bound   *Op    // nil when refused
	reason  string // why refused
}

func newService(s Service) (*service, error) {
	if s.Wire == nil {
		return nil, errors.New("service without a model")
	}
	out := &service{Service: s, codec: wire.NewCodec(s.Wire), ops: map[string]*operation{}}
	for i := range s.Wire.Operations {
		m := &s.Wire.Operations[i]
		out.ops[m.Name] = &operation{model: m, service: out, reason: s.Refused[m.Name]}
	}
	for name := range s.Refused {
		if out.ops[name] == nil {
			return nil, fmt.Errorf("%s refuses %s, which its model does not have", s.Wire.Name, name)
		}
	}
	for i := range s.Ops {
		err := out.bind(&s.Ops[i])
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *service) bind(b *Op) error {
	op := s.ops[b.Name]
	if op == nil {
		return fmt.Errorf("%s.%s is bound but not in the model", s.Wire.Name, b.Name)
	}
	if op.bound != nil {
		return fmt.Errorf("%s.%s is bound twice", s.Wire.Name, b.Name)
	}
	_, refused := s.Refused[b.Name]
	if refused {
		return fmt.Errorf("%s.%s is bound and refused", s.Wire.Name, b.Name)
	}
	if want := typeOf(op.model.NewInput); b.in != want {
		return fmt.Errorf("%s.%s takes %v, its model says %v", s.Wire.Name, b.Name, b.in, want)
	}
	if want := typeOf(op.model.NewOutput); b.out != want {
		return fmt.Errorf("%s.%s gives %v, its model says %v", s.Wire.Name, b.Name, b.out, want)
	}
	op.bound = b
	return nil
}

func typeOf(newValue func() any) reflect.Type {
	if newValue == nil {
		return reflect.TypeFor[wire.Unit]()
	}
	return reflect.TypeOf(newValue()).Elem()
}
