package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// api calls the control plane's ECS operations, signed, over kept-alive connections.
type api struct {
	url    string
	region string
	http   *http.Client
	keys   *keyring
	now    func() time.Time
	newID  func() string
}

// apiError is an answer that is not a success.
type apiError struct {
	Op      string
	Status  int
	Kind    string
	Message string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%s: %s (%d): %s", e.Op, e.Kind, e.Status, e.Message)
}

// kindOf returns the modelled name of an error of the control plane, or "".
func kindOf(err error) string {
	var e *apiError
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// final says that repeating the call cannot help: the request itself was refused.
func final(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests &&
		e.Kind != "ThrottlingException" && !e.rejectedKeys()
}

// rejectedKeys says that the signature's keys are not, or no longer, known.
func (e *apiError) rejectedKeys() bool {
	switch e.Kind {
	case "UnrecognizedClientException", "ExpiredTokenException", "InvalidClientTokenId", "ExpiredToken",
		"InvalidSignatureException", "MissingAuthenticationTokenException":
		return true
	}
	return false
}

const (
	callTimeout = 30 * time.Second
	answerLimit = 1 << 20
)

func (a *api) call(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.url, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	req.Header.Set("User-Agent", userAgent)
	err = a.sign(ctx, req, body)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if res.StatusCode/100 != 2 {
		return a.refused(op, res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	err = json.Unmarshal(answer, out)
	if err != nil {
		return fmt.Errorf("decode %s: %w", op, err)
	}
	return nil
}

func (a *api) refused(op string, status int, answer []byte) error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(answer, &body) // a body that is not JSON leaves the status to speak
	if body.Message == "" {
		body.Message = body.Upper
	}
	e := &apiError{Op: op, Status: status, Kind: body.Type[strings.LastIndexByte(body.Type, '#')+1:], Message: body.Message}
	if e.rejectedKeys() {
		a.keys.reject()
	}
	return e
}

// sign adds SigV4 headers for service ecs.
func (a *api) sign(ctx context.Context, req *http.Request, body []byte) error {
	creds, err := a.keys.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("retrieve credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "ecs", a.region, a.now())
}

const userAgent = "Amazon ECS Agent - v" + Version + " (longshore) (linux)"
