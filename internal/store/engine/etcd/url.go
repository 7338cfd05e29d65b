package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Scheme begins a store's address that Parse reads.
const Scheme = "etcd://"

// Address is what etcd://[USER@]HOST:PORT[,HOST:PORT…]/PREFIX[?…] says. The files that it names are not read yet.
type Address struct {
	Endpoints []string
	Prefix    string
	Username  string
	// PasswordFile holds the password of Username.
	PasswordFile string
	// CA, Cert and Key are PEM files; any of them, or tls=true, asks for TLS.
	CA, Cert, Key string
	TLS           bool
}

// Parse reads a store's address.
func Parse(address string) (Address, error) {
	var a Address
	rest, ok := strings.CutPrefix(address, Scheme)
	if !ok {
		return a, fmt.Errorf("%q does not begin with %s", address, Scheme)
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		a.Username, hosts = hosts[:at], hosts[at+1:]
	}
	if strings.Contains(a.Username, ":") {
		return a, errors.New("a password in the address would show in the list of processes: name a file with ?password-file=")
	}
	for _, h := range strings.Split(hosts, ",") {
		host, port, err := net.SplitHostPort(h)
		if err != nil || host == "" || port == "" {
			return a, fmt.Errorf("%q is not HOST:PORT; an address is etcd://HOST:PORT[,HOST:PORT]/PREFIX", h)
		}
		a.Endpoints = append(a.Endpoints, h)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return a, errors.New("an address needs a prefix for the keys: etcd://HOST:PORT/longshore")
	}
	a.Prefix = "/" + prefix
	return a, a.options(query)
}

func (a *Address) options(query string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("read the options of the store's address: %w", err)
	}
	for name := range q {
		v := q.Get(name)
		switch name {
		case "ca":
			a.CA, a.TLS = v, true
		case "cert":
			a.Cert, a.TLS = v, true
		case "key":
			a.Key, a.TLS = v, true
		case "password-file":
			a.PasswordFile = v
		case "tls":
			if v != "true" {
				return fmt.Errorf("tls=%s: say tls=true, or nothing", v)
			}
			a.TLS = true
		default:
			return fmt.Errorf("option %q of the store's address is unknown; there are ca, cert, key, tls and password-file", name)
		}
	}
	if (a.Cert == "") != (a.Key == "") {
		return errors.New("options cert and key go together: give both or none")
	}
	if (a.Username == "") != (a.PasswordFile == "") {
		return errors.New("a user and ?password-file= go together: give both or none")
	}
	return nil
}

// Config reads what the address names with read, as os.ReadFile does.
func (a Address) Config(read func(string) ([]byte, error)) (Config, error) {
	c := Config{Endpoints: a.Endpoints, Prefix: a.Prefix, Username: a.Username}
	if a.PasswordFile != "" {
		b, err := read(a.PasswordFile)
		if err != nil {
			return c, fmt.Errorf("read password-file of the store's address: %w", err)
		}
		c.Password = strings.TrimRight(string(b), "\r\n")
	}
	if !a.TLS {
		return c, nil
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA != "" {
		b, err := read(a.CA)
		if err != nil {
			return c, fmt.Errorf("read ca of the store's address: %w", err)
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(b) {
			return c, fmt.Errorf("read ca of the store's address: %s holds no PEM certificate", a.CA)
		}
	}
	if a.Cert == "" {
		return c, nil
	}
	cert, err := read(a.Cert)
	if err != nil {
		return c, fmt.Errorf("read cert of the store's address: %w", err)
	}
	key, err := read(a.Key)
	if err != nil {
		return c, fmt.Errorf("read key of the store's address: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return c, fmt.Errorf("read cert and key of the store's address: %w", err)
	}
	c.TLS.Certificates = []tls.Certificate{pair}
	return c, nil
}
