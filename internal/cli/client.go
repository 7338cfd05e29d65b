package cli

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
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// client calls the public APIs of one daemon, signed as any other client does it.
type client struct {
	url     string
	region  string
	keys    aws.Credentials
	missing string // what to say when nothing answers
	http    *http.Client
	now     func() time.Time
}

// apiError is a modelled refusal.
type apiError struct {
	op      string
	code    string
	message string
}

// advice says what to do about refusals that have one usual cause.
var advice = map[string]string{
	"ClusterNotFoundException":    "longshore status lists the clusters",
	"UnrecognizedClientException": "the keys are not this installation's: run eval \"$(longshore env)\" where the daemon runs",
	"InvalidSignatureException": "the keys are not this installation's, or the clocks differ: " +
		"run eval \"$(longshore env)\" where the daemon runs",
	"InvalidClientTokenId":      "the keys are not this installation's: run eval \"$(longshore env)\" where the daemon runs",
	"AccessDeniedException":     "use the installation's own keys, which longshore env prints",
	"UnknownOperationException": "this daemon does not serve the call: SCOPE.md lists what is served",
}

func (e *apiError) Error() string {
	text := e.op + ": " + e.code
	if e.message != "" {
		first, _, _ := strings.Cut(e.message, " Consult the service documentation")
		text += ": " + strings.TrimSuffix(first, ".")
	}
	if a := advice[e.code]; a != "" {
		text += "; " + a
	}
	return text
}

// refusedWith says whether an error is the modelled refusal of that name.
func refusedWith(err error, code string) bool {
	var e *apiError
	return errors.As(err, &e) && e.code == code
}

// awayError says that nothing answers, and how to start what should.
type awayError string

func (e awayError) Error() string { return string(e) }

// patience lets commands that follow something outlive a restart of the daemon.
type patience struct {
	now   func() time.Time
	since time.Time // of the first call in a row that was not answered; zero after one that was
}

// awayFor is how long a daemon may be away before it is taken for stopped.
const awayFor = 15 * time.Second

// forgives says whether an error is to be waited out.
func (p *patience) forgives(err error) bool {
	var away awayError
	if !errors.As(err, &away) {
		p.since = time.Time{}
		return false
	}
	if p.since.IsZero() {
		p.since = p.now()
	}
	return p.now().Sub(p.since) < awayFor
}

const (
	callTimeout = 30 * time.Second
	answerLimit = 64 << 20
)

const (
	ecsTarget  = "AmazonEC2ContainerServiceV20141113."
	logsTarget = "Logs_20140328."
)

// ecs calls one ECS operation.
func (c *client) ecs(ctx context.Context, op string, in, out any) error {
	return c.json(ctx, "ecs", ecsTarget+op, in, out)
}

// logs calls one CloudWatch Logs operation.
func (c *client) logs(ctx context.Context, op string, in, out any) error {
	return c.json(ctx, "logs", logsTarget+op, in, out)
}

func (c *client) json(ctx context.Context, service, target string, in, out any) error {
	_, op, _ := strings.Cut(target, ".")
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", op, err)
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	status, answer, err := c.post(ctx, service, header, body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return refusal(op, status, answer)
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	err = json.Unmarshal(answer, out)
	if err != nil {
		return fmt.Errorf("decode the answer to %s: %w", op, err)
	}
	return nil
}

// refusal reads the error envelope of awsJson.
func refusal(op string, status int, answer []byte) error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	err := json.Unmarshal(answer, &body)
	if err != nil || body.Type == "" {
		return fmt.Errorf("%s: the daemon answered with status %d: %s; is it Longshore that listens there?",
			op, status, firstLine(answer))
	}
	return &apiError{op: op, code: body.Type[strings.LastIndexByte(body.Type, '#')+1:], message: body.Message}
}

func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	if len(line) > 200 {
		line = line[:200]
	}
	return string(line)
}

// post signs and sends one request.
func (c *client) post(ctx context.Context, service string, header http.Header, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("call %s: %w; is AWS_ENDPOINT_URL a URL?", c.url, err)
	}
	req.Header = header
	req.Header.Set("User-Agent", "longshore-cli")
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, c.keys, req, hex.EncodeToString(sum[:]), service, c.region, c.now())
	if err != nil {
		return 0, nil, fmt.Errorf("sign request: %w", err)
	}
	return c.do(req)
}

// do sends a request and reads its answer.
func (c *client) do(req *http.Request) (int, []byte, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, c.unanswered(req.Context(), err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return 0, nil, c.unanswered(req.Context(), err)
	}
	return res.StatusCode, answer, nil
}

func (c *client) unanswered(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return context.Canceled
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return awayError(c.missing)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %s; longshore doctor looks for the reason", c.url, callTimeout)
	}
	return fmt.Errorf("call %s: %w; longshore doctor looks for the reason", c.url, err)
}

// get reads a path of the daemon's own, /_longshore/health for one. It is not signed.
func (c *client) get(ctx context.Context, path string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	status, answer, err := c.do(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("read %s%s: status %d: %s", c.url, path, status, firstLine(answer))
	}
	return json.Unmarshal(answer, out)
}

// ptr makes the pointer by which an AWS shape says that a member was given.
func ptr[T any](v T) *T { return &v }

// val is a member's value, or zero where it was not given.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
