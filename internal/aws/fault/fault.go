// Package fault carries a modelled AWS error from the place that knows the rule to the client, unchanged.
//
// Everything else that an operation returns as an error is internal: aws/front answers it with a generic 500 without
// detail and logs it once. A package that returns a Fault therefore does not log it.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// Error is one refusal as the caller sees it.
type Error struct {
	Code    string         // the model's error code, "ClusterNotFoundException"
	Message string         // AWS's wording where it is known
	Status  int            // HTTP status; 0 takes the model's, else 400
	Fields  map[string]any // further modelled members, "resourceIds"
}

var _ error = (*Error)(nil)

// New is a refusal with the status of its model (400 unless the model says otherwise).
func New(code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf is New with a formatted message.
func Newf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Server is the service's own failure, told on purpose: status 500, clients retry it.
func Server(code, message string) *Error {
	return &Error{Code: code, Message: message, Status: http.StatusInternalServerError}
}

// WithStatus is a copy with another HTTP status.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.Status = status
	return &c
}

// With is a copy with one more member in the answer.
func (e *Error) With(field string, value any) *Error {
	c := *e
	c.Fields = maps.Clone(e.Fields)
	if c.Fields == nil {
		c.Fields = map[string]any{}
	}
	c.Fields[field] = value
	return &c
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// As finds the modelled error in a chain.
func As(err error) (*Error, bool) {
	e := (*Error)(nil)
	return e, errors.As(err, &e)
}

// Is says whether err carries this code.
func Is(err error, code string) bool {
	e, ok := As(err)
	return ok && e.Code == code
}
