package acs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Message is anything that can travel inside a frame.
type Message interface {
	// MessageType is the "type" of the frame that carries the message.
	MessageType() string
}

// Limits bounds what Decode accepts from the other side. The zero value means the defaults.
type Limits struct {
	// Bytes is the largest frame, in bytes; default 1 MiB.
	Bytes int
	// Depth is the deepest nesting of objects and arrays; default 64.
	Depth int
}

const (
	defaultFrameBytes = 1 << 20
	defaultFrameDepth = 64
)

// Reasons why a frame is refused.
var (
	ErrFrameTooLarge = errors.New("frame exceeds the size limit")
	ErrFrameTooDeep  = errors.New("frame is nested too deeply")
	ErrFrameShape    = errors.New("frame is not a {type, message} object")
)

// MaxBytes is the effective size limit, for websocket read limits.
func (l Limits) MaxBytes() int {
	if l.Bytes <= 0 {
		return defaultFrameBytes
	}
	return l.Bytes
}

func (l Limits) maxDepth() int {
	if l.Depth <= 0 {
		return defaultFrameDepth
	}
	return l.Depth
}

// Unknown is a well-formed frame of a type this package does not know; both sides log and ignore it.
type Unknown struct {
	Type    string
	Message json.RawMessage
}

// MessageType implements Message.
func (u *Unknown) MessageType() string { return u.Type }

type envelope struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
}

// Encode wraps a message in its frame.
func Encode(m Message) ([]byte, error) {
	body, err := json.Marshal(m)
	if u, ok := m.(*Unknown); ok {
		body, err = json.Marshal(u.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.MessageType(), err)
	}
	return json.Marshal(envelope{Type: m.MessageType(), Message: body})
}

// Decode reads one frame. A type it does not know comes back as *Unknown, not as an error.
func Decode(data []byte, l Limits) (Message, error) {
	if len(data) > l.MaxBytes() {
		return nil, ErrFrameTooLarge
	}
	if tooDeep(data, l.maxDepth()) {
		return nil, ErrFrameTooDeep
	}
	var e envelope
	err := json.Unmarshal(data, &e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrameShape, err)
	}
	if e.Type == "" {
		return decodeBareError(data)
	}
	m := newMessage(e.Type)
	if m == nil {
		return &Unknown{Type: e.Type, Message: e.Message}, nil
	}
	if len(e.Message) == 0 || bytes.Equal(e.Message, []byte("null")) {
		return m, nil
	}
	err = json.Unmarshal(e.Message, m)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", e.Type, err)
	}
	return m, nil
}

// decodeBareError reads the untyped error form {"InactiveInstanceException":"text"}, used as the body of a refused
// upgrade.
func decodeBareError(data []byte) (Message, error) {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(data, &fields)
	if err != nil || len(fields) != 1 {
		return nil, ErrFrameShape
	}
	for name, raw := range fields {
		var text string
		err = json.Unmarshal(raw, &text)
		if err == nil && isErrorType(name) {
			return &Exception{Kind: name, Message: text}, nil
		}
	}
	return nil, ErrFrameShape
}

// tooDeep counts brackets outside strings; it needs no valid JSON, so it can run before any allocation.
func tooDeep(data []byte, limit int) bool {
	depth, inString, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			if depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// newMessage is the list of message types.
func newMessage(kind string) Message {
	switch kind {
	case "PayloadMessage":
		return &PayloadMessage{}
	case "HeartbeatMessage":
		return &HeartbeatMessage{}
	case "HeartbeatAckRequest":
		return &HeartbeatAckRequest{}
	case "AckRequest":
		return &AckRequest{}
	case "NackRequest":
		return &NackRequest{}
	case "CloseMessage":
		return &CloseMessage{}
	case "IAMRoleCredentialsMessage":
		return &IAMRoleCredentialsMessage{}
	case "IAMRoleCredentialsAckRequest":
		return &IAMRoleCredentialsAckRequest{}
	case "TaskManifestMessage":
		return &TaskManifestMessage{}
	case "TaskStopVerificationMessage":
		return &TaskStopVerificationMessage{}
	case "TaskStopVerificationAck":
		return &TaskStopVerificationAck{}
	case "AttachTaskNetworkInterfacesMessage":
		return &AttachTaskNetworkInterfacesMessage{}
	case "AttachInstanceNetworkInterfacesMessage":
		return &AttachInstanceNetworkInterfacesMessage{}
	case "ConfirmAttachmentMessage":
		return &ConfirmAttachmentMessage{}
	case "StageUpdateMessage":
		return &StageUpdateMessage{}
	case "PerformUpdateMessage":
		return &PerformUpdateMessage{}
	case "LongshoreInstanceCredentialsMessage":
		return &LongshoreInstanceCredentialsMessage{}
	}
	return newTelemetryMessage(kind)
}

func newTelemetryMessage(kind string) Message {
	switch kind {
	case "PublishMetricsRequest":
		return &PublishMetricsRequest{}
	case "PublishHealthRequest":
		return &PublishHealthRequest{}
	case "PublishInstanceStatusRequest":
		return &PublishInstanceStatusRequest{}
	case "AckPublishMetric":
		return &AckPublishMetric{}
	case "AckPublishHealth":
		return &AckPublishHealth{}
	case "AckPublishInstanceStatus":
		return &AckPublishInstanceStatus{}
	case "StopTelemetrySessionMessage":
		return &StopTelemetrySessionMessage{}
	case "StartTelemetrySessionRequest":
		return &StartTelemetrySessionRequest{}
	}
	if isErrorType(kind) {
		return &Exception{Kind: kind}
	}
	return nil
}
