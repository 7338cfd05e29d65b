package metadata

import (
	"fmt"
	"net/http"
)

// keys is the body that every SDK's container credentials provider reads.
type keys struct {
	RoleARN         string `json:"RoleArn"`
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	Token           string `json:"Token"`
	Expiration      string `json:"Expiration"`
}

type credentialsFault struct {
	Code          string `json:"code"`
	Message       string `json:"message"`
	HTTPErrorCode int    `json:"HTTPErrorCode"`
}

// credentials answers with the task role's keys. An id that belongs to a task at another address is as unknown
// as one that nobody has.
func (s *Server) credentials(q *request) {
	fail := func(status int, code, message string) {
		message = fmt.Sprintf("CredentialsV%dRequest: %s", q.version, message)
		q.reply(status, credentialsFault{Code: code, Message: message, HTTPErrorCode: status})
	}
	q.w.Header().Set("Cache-Control", "no-store")
	switch {
	case q.id == "":
		fail(http.StatusBadRequest, "NoIdInRequest", "No Credential ID in the request")
		return
	case q.view == nil || q.view.role == nil:
		fail(http.StatusBadRequest, "InvalidIdInRequest", "Credentials not found")
		return
	case q.view.role.AccessKeyID == "":
		fail(http.StatusServiceUnavailable, "CredentialsUninitialized", "Credentials uninitialized for ID")
		return
	}
	c := q.view.role
	s.cfg.Log.Debug("role credentials read", "task", q.view.spec.ARN, "op", "credentials")
	q.reply(http.StatusOK, keys{
		RoleARN: c.RoleARN, AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey,
		Token: c.SessionToken, Expiration: c.Expiration,
	})
}
