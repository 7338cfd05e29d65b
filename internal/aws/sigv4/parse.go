package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature is what a request claims: nothing of it is believed before Verify.
type Signature struct {
	AccessKeyID   string
	Date          string // yyyymmdd of the credential scope
	Region        string
	Service       string
	SignedHeaders []string
	Token         string
	Time          time.Time // when it was signed

	signature string
	timeText  string
	presigned bool
	expires   time.Duration // presigned only
	query     url.Values    // presigned only
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	maxExpires = 604800 // seconds, AWS's limit for presigned requests
	maxHeaders = 100
)

// Parse reads the claim from the Authorization header or from a presigned query. No claim at all is an *Error of kind
// Missing; both at once is refused, because checks of one must not let the other through.
func Parse(r *http.Request) (*Signature, error) {
	header := r.Header["Authorization"]
	inQuery := strings.Contains(r.URL.RawQuery, "X-Amz-")
	query := url.Values{}
	if inQuery {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, problem(Incomplete, "The query string is malformed.")
		}
		query = q
		inQuery = q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Signature") || q.Has("X-Amz-Credential")
	}
	switch {
	case len(header) == 0 && !inQuery:
		return nil, problem(Missing, "Missing Authentication Token")
	case len(header) > 1 || len(header) == 1 && inQuery:
		return nil, problem(Incomplete, "Only one authentication mechanism may be used in a request.")
	case inQuery:
		return parseQuery(r, query)
	}
	return parseHeader(r, header[0])
}

func parseHeader(r *http.Request, text string) (*Signature, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if word != algorithm {
		return nil, problem(Incomplete, "Unsupported AWS 'algorithm': only "+algorithm+" is accepted.")
	}
	parts := parameters{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || !parts.add(name, value) {
			return nil, problem(Incomplete, "Authorization header has a malformed or repeated parameter.")
		}
	}
	missing := ""
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts.get(name) == "" {
			missing += "Authorization header requires '" + name + "' parameter. "
		}
	}
	at, ok := single(r.Header, "X-Amz-Date")
	if !ok {
		at, ok = single(r.Header, "Date")
	}
	if !ok {
		missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
	}
	if missing != "" {
		return nil, problem(Incomplete, missing)
	}
	token, ok := single(r.Header, "X-Amz-Security-Token")
	if !ok && len(r.Header["X-Amz-Security-Token"]) > 0 {
		return nil, problem(Incomplete, "The request carries more than one session token.")
	}
	s := &Signature{signature: parts.get("Signature"), timeText: at, Token: token}
	return s, s.claim(parts.get("Credential"), parts.get("SignedHeaders"))
}

// parameters of an Authorization header: three, and no more than a stranger's signer may have added.
type parameters struct {
	names, values [8]string
	n             int
}

// add says no to a name that is there already, and to too many.
func (p *parameters) add(name, value string) bool {
	if p.n == len(p.names) || slices.Contains(p.names[:p.n], name) {
		return false
	}
	p.names[p.n], p.values[p.n] = name, value
	p.n++
	return true
}

func (p *parameters) get(name string) string {
	i := slices.Index(p.names[:p.n], name)
	if i < 0 {
		return ""
	}
	return p.values[i]
}

func parseQuery(r *http.Request, q url.Values) (*Signature, error) {
	value := map[string]string{}
	for _, name := range []string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return nil, problem(Incomplete, "AWS query-string parameters must include one '"+name+"'. ")
		}
		value[name] = q[name][0]
	}
	if value["X-Amz-Algorithm"] != algorithm {
		return nil, problem(Incomplete, "Unsupported AWS 'algorithm': only "+algorithm+" is accepted.")
	}
	seconds, err := strconv.Atoi(value["X-Amz-Expires"])
	if err != nil || seconds < 1 || seconds > maxExpires {
		return nil, problem(Incomplete, "X-Amz-Expires must be between 1 and 604800 seconds.")
	}
	if len(q["X-Amz-Security-Token"]) > 1 || len(r.Header["X-Amz-Security-Token"]) > 0 {
		return nil, problem(Incomplete, "The request carries more than one session token.")
	}
	s := &Signature{
		signature: value["X-Amz-Signature"], timeText: value["X-Amz-Date"], Token: q.Get("X-Amz-Security-Token"),
		presigned: true, expires: time.Duration(seconds) * time.Second, query: q,
	}
	return s, s.claim(value["X-Amz-Credential"], value["X-Amz-SignedHeaders"])
}

// claim takes the credential scope, the time and the list of signed headers apart.
func (s *Signature) claim(credential, headers string) error {
	scope, n := [5]string{}, 0
	for part := range strings.SplitSeq(credential, "/") {
		if n < len(scope) {
			scope[n] = part
		}
		n++
	}
	if n != len(scope) || slices.Contains(scope[:], "") {
		return problem(Incomplete, "Credential must have exactly 5 slash-delimited elements, "+
			"e.g. keyid/date/region/service/term.")
	}
	if scope[4] != "aws4_request" {
		return problem(Mismatch, "Credential should be scoped with a valid terminator: 'aws4_request'. ")
	}
	s.AccessKeyID, s.Date, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
	at, err := parseTime(s.timeText)
	if err != nil {
		return problem(Incomplete, "Date must be in ISO-8601 'basic format'.")
	}
	s.Time, s.timeText = at, at.Format(dateFormat)
	s.SignedHeaders = strings.Split(strings.ToLower(headers), ";")
	// Sorted and without repetition, as every signer writes them; anything else is somebody's experiment.
	for i, h := range s.SignedHeaders {
		if h == "" || i > maxHeaders || i > 0 && s.SignedHeaders[i-1] >= h {
			return problem(Incomplete, "SignedHeaders must be a sorted list of header names.")
		}
	}
	return nil
}

func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(dateFormat, text)
	if err == nil {
		return at, nil
	}
	return http.ParseTime(text)
}

func single(h http.Header, name string) (string, bool) {
	if len(h[name]) != 1 {
		return "", false
	}
	return h[name][0], true
}
