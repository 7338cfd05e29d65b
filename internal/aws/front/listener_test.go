package front_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"longshore/internal/aws/front"
)

// listening serves a Front on a real port and gives its address.
func listening(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Hosts = front.LoopbackHosts(port)
	c.MaxBody = 1 << 20
	s := &http.Server{Handler: newFront(t, c)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

// spoken sends raw text and gives the status and the header of the answer.
func spoken(t *testing.T, address, text string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// The server may answer and hang up before it has read everything.
	_, _ = io.WriteString(c, text)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	_ = r.Body.Close()
	return r
}

func TestOnlyOurNamesAreAnsweredOnTheWire(t *testing.T) {
	address := listening(t)
	_, port, _ := strings.Cut(address, ":")
	const (
		get    = "GET /_longshore/health HTTP/1.1\r\n"
		whole  = "GET http://localhost:PORT/_longshore/health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"
		others = "GET http://evil.example/_longshore/health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"
		own    = "Origin: http://localhost:PORT\r\n"
	)
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"our address":              {get + "Host: 127.0.0.1:PORT\r\n\r\n", 200},
		"our name":                 {get + "Host: localhost:PORT\r\n\r\n", 200},
		"our name in capitals":     {get + "Host: LocalHost:PORT\r\n\r\n", 200},
		"our other address":        {get + "Host: [::1]:PORT\r\n\r\n", 200},
		"absolute form of ours":    {whole, 200},
		"no host":                  {get + "\r\n", 400},
		"an empty host":            {get + "Host:\r\n\r\n", 403},
		"two hosts":                {get + "Host: localhost:PORT\r\nHost: evil.example\r\n\r\n", 400},
		"HTTP/1.0 without a host":  {"GET /_longshore/health HTTP/1.0\r\n\r\n", 403},
		"no port":                  {get + "Host: localhost\r\n\r\n", 403},
		"another port":             {get + "Host: localhost:80\r\n\r\n", 403},
		"a trailing dot":           {get + "Host: localhost.:PORT\r\n\r\n", 403},
		"a rebound name":           {get + "Host: evil.example:PORT\r\n\r\n", 403},
		"a name that ends in ours": {get + "Host: evil.localhost:PORT\r\n\r\n", 403},
		"any address":              {get + "Host: 0.0.0.0:PORT\r\n\r\n", 403},
		"any IPv6 address":         {get + "Host: [::]:PORT\r\n\r\n", 403},
		"a mapped address":         {get + "Host: [::ffff:127.0.0.1]:PORT\r\n\r\n", 403},
		"a decimal address":        {get + "Host: 2130706433:PORT\r\n\r\n", 403},
		"a short address":          {get + "Host: 127.1:PORT\r\n\r\n", 403},
		"with a user":              {get + "Host: x@localhost:PORT\r\n\r\n", 400},
		"absolute form of another": {others, 403},
		"a foreign page":           {get + "Host: localhost:PORT\r\nOrigin: http://evil.example\r\n\r\n", 403},
		"a page on another port":   {get + "Host: localhost:PORT\r\nOrigin: http://localhost:80\r\n\r\n", 403},
		"a page from a file":       {get + "Host: localhost:PORT\r\nOrigin: null\r\n\r\n", 403},
		"two pages":                {get + "Host: localhost:PORT\r\n" + own + "Origin: http://evil.example\r\n\r\n", 403},
		"a fetch of a sibling":     {get + "Host: localhost:PORT\r\nSec-Fetch-Site: same-site\r\n\r\n", 403},
		"an image of a page":       {get + "Host: localhost:PORT\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403},
		"our own page":             {get + "Host: localhost:PORT\r\n" + own + "Sec-Fetch-Site: same-origin\r\n\r\n", 200},
		"a preflight": {"OPTIONS / HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: http://evil.example\r\n" +
			"Access-Control-Request-Private-Network: true\r\n\r\n", 403},
	} {
		r := spoken(t, address, strings.ReplaceAll(c.text, "PORT", port))
		if r.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, c.status)
		}
		for header := range r.Header {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: answered with %s", name, header)
			}
		}
	}
}

func TestBombsAreRefusedOnTheWire(t *testing.T) {
	address := listening(t)
	signed := func(q request) string {
		r := q.build(t)
		b := bytes.Buffer{}
		err := r.Write(&b)
		if err != nil {
			t.Fatal(err)
		}
		// Signed for port 4566: what comes before the signature's turn must refuse, or the signature does.
		return strings.Replace(b.String(), "Host: 127.0.0.1:4566", "Host: "+address, 1)
	}
	bomb := gzipped(t, bytes.Repeat([]byte{'['}, 64<<20))
	zip := ecsCall("ListTasks", bomb)
	zip.header["Content-Encoding"] = "gzip"
	head := "POST / HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: " + json11 + "\r\nX-Amz-Target: " + ecsTarget +
		"ListTasks\r\n"
	endless := strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 17)
	for name, c := range map[string]struct{ text, status string }{
		"a gzip bomb of a stranger":      {signed(zip), "403 400"},
		"a deep document of a stranger":  {signed(ecsCall("ListTasks", strings.Repeat("[", 1<<19))), "403 400"},
		"a body that announces too much": {head + "Content-Length: 1048577\r\n\r\n{}", "413"},
		"a body that never ends":         {head + "Transfer-Encoding: chunked\r\n\r\n" + endless, "413"},
		"a negative length":              {head + "Content-Length: -1\r\n\r\n", "400"},
		"two lengths":                    {head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "400"},
		"a chunk that lies":              {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "400 403"},
		"an unknown transfer encoding":   {head + "Transfer-Encoding: gzip\r\n\r\n", "501 400"},
	} {
		r := spoken(t, address, c.text)
		if !strings.Contains(c.status, fmt.Sprint(r.StatusCode)) {
			t.Errorf("%s: %d, want %s", name, r.StatusCode, c.status)
		}
	}
	r := spoken(t, address, "GET /_longshore/health HTTP/1.1\r\nHost: "+address+"\r\n\r\n")
	if r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}
