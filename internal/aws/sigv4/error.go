package sigv4

// Kind is why a request is not believed; each protocol has its own code for it.
type Kind uint8

// The kinds, in the order in which they are found.
const (
	Missing      Kind = iota // no signature
	Incomplete               // a malformed one
	Mismatch                 // wrong signature, scope, date or headers
	UnknownKey               // nobody has this access key
	InvalidToken             // the session token does not belong to the key
	ExpiredToken             // the session is over
)

// Error is a refused request. Its text holds no part of a signature, token or secret.
type Error struct {
	Kind    Kind
	Message string
}

var _ error = (*Error)(nil)

func (e *Error) Error() string { return e.Message }

func problem(k Kind, message string) *Error { return &Error{Kind: k, Message: message} }
