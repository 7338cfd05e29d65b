package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// protectionTimeout is how long the control plane may take to answer.
const protectionTimeout = 4 * time.Second

// ProtectionUpdate is the body of a PUT. ExpiresInMinutes is nil when it was not given.
type ProtectionUpdate struct {
	ProtectionEnabled bool
	ExpiresInMinutes  *int32
}

// ProtectionReply holds one of the two.
type ProtectionReply struct {
	Protection *ProtectedTask     `json:"protection,omitempty"`
	Failure    *ProtectionFailure `json:"failure,omitempty"`
}

// ProtectedTask is a task's protection.
type ProtectedTask struct {
	ExpirationDate    *time.Time `json:",omitempty"`
	ProtectionEnabled bool
	TaskARN           string `json:"TaskArn"`
}

// ProtectionFailure is an entry of the API's failures: TASK_NOT_VALID and the like.
type ProtectionFailure struct {
	ARN    string `json:"Arn"`
	Detail string `json:",omitempty"`
	Reason string
}

// ProtectionError is the API's refusal.
type ProtectionError struct {
	Code, Message string
	Status        int    // HTTP
	RequestID     string // may be empty
}

func (e *ProtectionError) Error() string { return e.Code + ": " + e.Message }

type protectionFault struct {
	RequestID string              `json:"requestID,omitempty"`
	Error     protectionFaultBody `json:"error"`
}

type protectionFaultBody struct {
	ARN     string `json:"Arn,omitempty"`
	Code    string
	Message string
}

// protect proxies /api/<endpoint id>/task-protection/v1/state. It acts with the task role, as the task would.
func (s *Server) protect(q *request) {
	update, ok := s.protectionUpdate(q)
	if !ok {
		return
	}
	if q.view == nil {
		q.protectionFault(&ProtectionError{
			Code: "ResourceNotFoundException", Status: http.StatusNotFound,
			Message: "Failed to find a task for the request",
		})
		return
	}
	if q.view.role == nil || q.view.role.AccessKeyID == "" {
		q.protectionFault(&ProtectionError{
			Code:   "AccessDeniedException",
			Status: http.StatusForbidden, Message: "Invalid Request: no task IAM role credentials available for task",
		})
		return
	}
	if s.cfg.Protection == nil {
		q.protectionFault(&ProtectionError{
			Code: "ServerException", Status: http.StatusInternalServerError,
			Message: "Task protection is not available on this node",
		})
		return
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), protectionTimeout)
	defer cancel()
	reply, err := s.cfg.Protection.TaskProtection(ctx, q.view.spec.ARN, *q.view.role, update)
	if err != nil {
		q.protectionFault(s.refusal(ctx, q.view.spec.ARN, err))
		return
	}
	q.reply(http.StatusOK, reply)
}

// protectionUpdate reads a PUT's body; false when it was refused.
func (s *Server) protectionUpdate(q *request) (*ProtectionUpdate, bool) {
	if q.r.Method != http.MethodPut {
		return nil, true
	}
	var body struct {
		ProtectionEnabled *bool
		ExpiresInMinutes  *int32
	}
	dec := json.NewDecoder(io.LimitReader(q.r.Body, 4<<10))
	dec.DisallowUnknownFields()
	err := dec.Decode(&body)
	message := ""
	if err != nil {
		message = "UpdateTaskProtection: failed to decode request"
	} else if body.ProtectionEnabled == nil && q.view != nil {
		message = "Invalid request: does not contain 'ProtectionEnabled' field"
	}
	if message != "" {
		q.protectionFault(&ProtectionError{
			Code: "InvalidParameterException", Message: message, Status: http.StatusBadRequest,
		})
		return nil, false
	}
	if body.ProtectionEnabled == nil {
		return nil, true
	}
	return &ProtectionUpdate{ProtectionEnabled: *body.ProtectionEnabled, ExpiresInMinutes: body.ExpiresInMinutes}, true
}

// refusal turns any error into one the container may see.
func (s *Server) refusal(ctx context.Context, taskARN string, err error) *ProtectionError {
	var known *ProtectionError
	if errors.As(err, &known) {
		return known
	}
	if ctx.Err() != nil {
		return &ProtectionError{
			Code: "RequestCanceled", Status: http.StatusGatewayTimeout,
			Message: "Timed out calling Amazon ECS Task Protection API",
		}
	}
	s.cfg.Log.Warn("task protection failed", "task", taskARN, "op", "task-protection", "err", err)
	return &ProtectionError{
		Code: "ServerException", Message: "Unexpected error occurred", Status: http.StatusInternalServerError,
	}
}

func (q *request) protectionFault(e *ProtectionError) {
	arn := ""
	if q.view != nil {
		arn = q.view.spec.ARN
	}
	status := e.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	q.reply(status, protectionFault{
		RequestID: e.RequestID, Error: protectionFaultBody{ARN: arn, Code: e.Code, Message: e.Message},
	})
}
