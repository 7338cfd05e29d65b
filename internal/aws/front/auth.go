package front

import (
	"errors"
	"net"
	"net/http"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/sigv4"
)

func (f *Front) authenticate(x *exchange) error {
	x.caller = f.outline(x.r, x.id)
	if x.op.model.Unsigned && isMissing(x.claimErr) {
		return nil
	}
	err := f.verify(x.r, x.claim, x.claimErr, x.body, x.svc.Wire.SigningName, &x.caller)
	if err == nil {
		return nil
	}
	refused := (*sigv4.Error)(nil)
	if errors.As(err, &refused) {
		return x.unauthenticated(refused)
	}
	return err
}

// Authenticate proves who sent a request that does not go through the chain: the agent's websocket upgrades, which
// are signed GETs. body is nil for those. A refusal is a *fault.Error with status 403.
func (f *Front) Authenticate(r *http.Request, body []byte) (Caller, error) {
	c := f.outline(r, f.NewID())
	claim, claimErr := sigv4.Parse(r)
	if claimErr == nil && len(f.signing[claim.Service]) == 0 {
		claimErr = &sigv4.Error{Kind: sigv4.Mismatch, Message: "Credential should be scoped to correct service."}
	}
	err := f.verify(r, claim, claimErr, body, "", &c)
	refused := (*sigv4.Error)(nil)
	if errors.As(err, &refused) {
		code, _ := jsonCode(refused.Kind)
		return Caller{}, fault.New(code, refused.Message).WithStatus(http.StatusForbidden)
	}
	if err != nil {
		return Caller{}, err
	}
	return c, nil
}

func (f *Front) outline(r *http.Request, id string) Caller {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return Caller{RequestID: id, UserAgent: r.UserAgent(), SourceIP: host, Endpoint: scheme + "://" + r.Host}
}

func (f *Front) verify(
	r *http.Request, claim *sigv4.Signature, claimErr error, body []byte, service string, c *Caller,
) error {
	if f.InsecureAcceptAny {
		f.believe(r, claim, claimErr, c)
		return nil
	}
	if claimErr != nil {
		return claimErr
	}
	who, err := f.verifier.Verify(r.Context(), r, claim, body, service)
	if err != nil {
		return err
	}
	c.take(who, claim)
	return nil
}

func (c *Caller) take(who sigv4.Identity, claim *sigv4.Signature) {
	c.Account, c.Principal, c.UserID, c.Instance = who.Account, who.Principal, who.UserID, who.Instance
	c.Region, c.AccessKeyID = claim.Region, claim.AccessKeyID
}

// believe is InsecureAcceptAny: whoever names a key we know is its owner, everyone else is root.
func (f *Front) believe(r *http.Request, claim *sigv4.Signature, claimErr error, c *Caller) {
	root := sigv4.Identity{
		Account: f.Account, Principal: "arn:aws:iam::" + f.Account + ":root", UserID: f.Account,
	}
	if claimErr != nil {
		c.take(root, &sigv4.Signature{Region: f.Region})
		return
	}
	_, who, err := f.Keys.Lookup(r.Context(), claim.AccessKeyID, claim.Token)
	if err != nil {
		who = root
	}
	c.take(who, claim)
}

func isMissing(err error) bool {
	e := (*sigv4.Error)(nil)
	return errors.As(err, &e) && e.Kind == sigv4.Missing
}

// unauthenticated words a refusal in the protocol's own codes and statuses.
func (x *exchange) unauthenticated(e *sigv4.Error) error {
	code, status := jsonCode(e.Kind)
	switch x.protocol {
	case x.f.codecs.query:
		code, status = queryCode(e.Kind)
	case x.f.codecs.ec2:
		code, status = ec2Code(e.Kind)
	}
	message := e.Message
	if e.Kind == sigv4.Missing && x.protocol != x.f.codecs.json {
		message = "Request is missing Authentication Token"
	}
	return fault.New(code, message).WithStatus(status)
}

func jsonCode(k sigv4.Kind) (string, int) {
	switch k {
	case sigv4.Missing:
		return "MissingAuthenticationTokenException", http.StatusBadRequest
	case sigv4.Incomplete:
		return "IncompleteSignatureException", http.StatusBadRequest
	case sigv4.Mismatch:
		return "InvalidSignatureException", http.StatusBadRequest
	case sigv4.ExpiredToken:
		return "ExpiredTokenException", http.StatusBadRequest
	}
	return "UnrecognizedClientException", http.StatusBadRequest
}

func queryCode(k sigv4.Kind) (string, int) {
	switch k {
	case sigv4.Missing:
		return "MissingAuthenticationToken", http.StatusForbidden
	case sigv4.Incomplete:
		return "IncompleteSignature", http.StatusForbidden
	case sigv4.Mismatch:
		return "SignatureDoesNotMatch", http.StatusForbidden
	case sigv4.ExpiredToken:
		return "ExpiredToken", http.StatusForbidden
	}
	return "InvalidClientTokenId", http.StatusForbidden
}

func ec2Code(k sigv4.Kind) (string, int) {
	switch k {
	case sigv4.Missing:
		return "MissingAuthenticationToken", http.StatusForbidden
	case sigv4.Incomplete:
		return "IncompleteSignature", http.StatusForbidden
	case sigv4.Mismatch:
		return "SignatureDoesNotMatch", http.StatusForbidden
	case sigv4.ExpiredToken:
		return "RequestExpired", http.StatusBadRequest
	}
	return "AuthFailure", http.StatusUnauthorized
}
