package logship

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// HTTPSinkConfig of an HTTPSink.
type HTTPSinkConfig struct {
	// Endpoint is the URL of the server, without a path.
	Endpoint string
	// Client sends requests. Nil is a client with a 30 s deadline.
	Client *http.Client
	// Credentials are asked for at every call, so that they may rotate.
	Credentials func(ctx context.Context) (aws.Credentials, error)
	// Now is the clock of signatures. Nil is time.Now.
	Now func() time.Time
}

// HTTPSink speaks CloudWatch Logs' JSON protocol, signed.
type HTTPSink struct {
	cfg    HTTPSinkConfig
	signer *v4.Signer
}

var _ Sink = (*HTTPSink)(nil)

// NewHTTPSink makes a sink.
func NewHTTPSink(cfg HTTPSinkConfig) *HTTPSink {
	if cfg.Client == nil {
		// One server takes the output of all containers: connections are kept for more than the usual two of them.
		transport := &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
		}
		cfg.Client = &http.Client{Timeout: 30 * time.Second, Transport: transport}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &HTTPSink{cfg: cfg, signer: v4.NewSigner()}
}

type streamRequest struct {
	Group  string      `json:"logGroupName"`
	Stream string      `json:"logStreamName,omitempty"`
	Events []wireEvent `json:"logEvents,omitempty"`
}

type wireEvent struct {
	Time    int64  `json:"timestamp"`
	Message string `json:"message"`
}

type putAnswer struct {
	Rejected *struct {
		TooNewStart *int `json:"tooNewLogEventStartIndex"`
		TooOldEnd   *int `json:"tooOldLogEventEndIndex"`
		ExpiredEnd  *int `json:"expiredLogEventEndIndex"`
	} `json:"rejectedLogEventsInfo"`
}

// PutLogEvents sends one batch.
func (h *HTTPSink) PutLogEvents(ctx context.Context, region, group, stream string, events []Event) (int, error) {
	req := streamRequest{Group: group, Stream: stream, Events: make([]wireEvent, len(events))}
	for i, e := range events {
		req.Events[i] = wireEvent(e)
	}
	var out putAnswer
	err := h.call(ctx, region, "PutLogEvents", req, &out)
	if err != nil || out.Rejected == nil {
		return 0, err
	}
	rejected := 0
	for _, end := range []*int{out.Rejected.TooOldEnd, out.Rejected.ExpiredEnd} {
		if end != nil {
			rejected = max(rejected, *end)
		}
	}
	if out.Rejected.TooNewStart != nil {
		rejected += len(events) - *out.Rejected.TooNewStart
	}
	return rejected, nil
}

// CreateLogStream makes a stream.
func (h *HTTPSink) CreateLogStream(ctx context.Context, region, group, stream string) error {
	return h.call(ctx, region, "CreateLogStream", streamRequest{Group: group, Stream: stream}, nil)
}

// CreateLogGroup makes a group.
func (h *HTTPSink) CreateLogGroup(ctx context.Context, region, group string) error {
	return h.call(ctx, region, "CreateLogGroup", streamRequest{Group: group}, nil)
}

func (h *HTTPSink) call(ctx context.Context, region, op string, in, out any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	err := enc.Encode(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", op, err)
	}
	req, err := h.request(ctx, region, op, body.Bytes())
	if err != nil {
		return err
	}
	res, err := h.cfg.Client.Do(req)
	if err != nil {
		return fmt.Errorf("send %s: %w", op, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", op, err)
	}
	if res.StatusCode != http.StatusOK {
		return refusal(res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	err = json.Unmarshal(answer, out)
	if err != nil {
		return fmt.Errorf("decode answer of %s: %w", op, err)
	}
	return nil
}

func (h *HTTPSink) request(ctx context.Context, region, op string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(h.cfg.Endpoint, "/")+"/",
		bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", op, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+op)
	credentials, err := h.cfg.Credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials for %s: %w", op, err)
	}
	sum := sha256.Sum256(body)
	err = h.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "logs", region, h.cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", op, err)
	}
	return req, nil
}

// refusal reads the protocol's error envelope; the code may carry a namespace before a '#'.
func refusal(status int, answer []byte) error {
	var envelope struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	err := json.Unmarshal(answer, &envelope)
	if err != nil || envelope.Type == "" {
		return &APIError{Code: "UnknownError", Message: http.StatusText(status), Status: status}
	}
	message := envelope.Message
	if message == "" {
		message = envelope.Upper
	}
	return &APIError{Code: envelope.Type[strings.LastIndexByte(envelope.Type, '#')+1:], Message: message, Status: status}
}
