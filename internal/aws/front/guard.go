package front

import (
	"net/http"
	"net/url"
	"strings"
)

// stranger says why a request may not be answered at all, or "". A service on localhost is in reach of every web page
// that the user opens: the exact Host defeats rebinding, the Origin defeats cross-site posts.
func (f *Front) stranger(r *http.Request) string {
	if !f.hosts[strings.ToLower(r.Host)] {
		return "host is not allowed: call Longshore by an address or name that it listens on"
	}
	for _, origin := range r.Header["Origin"] {
		if !f.ownOrigin(origin) {
			return "origin is not allowed"
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" && site != "none" {
		return "cross-site requests are not allowed"
	}
	return ""
}

func (f *Front) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return f.hosts[strings.ToLower(u.Host)]
}

// mediaType is the content type without its parameters, in lower case.
func mediaType(r *http.Request) string {
	t := r.Header.Get("Content-Type")
	t, _, _ = strings.Cut(t, ";")
	return strings.ToLower(strings.TrimSpace(t))
}
