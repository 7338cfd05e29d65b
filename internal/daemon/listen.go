package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// How long a client may take: one that sends or reads a byte a second would hold its connection, the request and the
// answer for ever, and ten thousand of them the memory of a machine.
const (
	headerTimeout = 10 * time.Second
	// requestTimeout is for the whole request: the 10 MiB that a body may have arrive at 175 kB a second. What is
	// still being worked on by then is given up: no call takes a minute.
	requestTimeout = time.Minute
	answerTimeout  = 2 * time.Minute // from the request's header to the answer's last byte
	idleTimeout    = 5 * time.Minute // between two requests; no SDK keeps an unused connection for longer
	maxHeader      = 64 << 10        // bytes
)

// newServer serves h to clients that may be slow or hostile. Agents' websockets leave its deadlines behind when they
// take their connection over.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
}

// listen opens the API's address. A loopback address is answered on 127.0.0.1 and on [::1], where the machine
// has both; port 0 takes a free one.
func listen(c Config) (net.Listener, net.Listener, error) {
	first, err := net.Listen("tcp", c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, nil, fmt.Errorf("listen on %s: the port is in use; is Longshore running already? "+
			"stop what uses it, or choose another with --listen HOST:PORT", c.Listen)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w; choose another address with --listen HOST:PORT", c.Listen, err)
	}
	if c.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			_ = first.Close() // the start fails anyway
			return nil, nil, fmt.Errorf("read --tls-cert and --tls-key: %w", err)
		}
		first = tls.NewListener(first, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if host != "127.0.0.1" && !strings.EqualFold(host, "localhost") {
		return first, nil, nil
	}
	_, port, _ := net.SplitHostPort(first.Addr().String())
	second, err := net.Listen("tcp", net.JoinHostPort("::1", port))
	if err != nil {
		return first, nil, nil // no IPv6 here, or its port is taken: the address that was asked for answers
	}
	return first, second, nil
}

// baseURL is where the listener answers.
func baseURL(c Config, l net.Listener) string {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// hosts are the exact Host headers that are answered.
func hosts(c Config, l net.Listener) []string {
	host, _, _ := net.SplitHostPort(c.Listen)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	names := append([]string{"127.0.0.1", "[::1]", "localhost"}, c.Names...)
	if host != "" && host != "0.0.0.0" && host != "::" && !loopback(host) {
		names = append(names, host)
	}
	var out []string
	for _, n := range names {
		if strings.Contains(n, ":") && !strings.HasPrefix(n, "[") {
			n = "[" + n + "]"
		}
		out = append(out, n+":"+port)
		if port == "80" || port == "443" {
			out = append(out, n)
		}
	}
	return out
}
