package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"longshore/internal/store/engine/etcd"
)

// Config of `longshore up`.
type Config struct {
	// DataDir holds everything that survives a restart. Default: DefaultDataDir().
	DataDir string
	// Listen is HOST:PORT; default 127.0.0.1:4566, where local AWS tools look first. A loopback address is
	// answered on both families. Any other address needs TLS.
	Listen string
	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert, TLSKey string
	// Names are further Host names that clients may use, without port.
	Names []string
	// AcceptAny takes any credentials without looking at the signature; loopback only.
	AcceptAny bool
	// DockerHost is the engine's address; empty is the usual socket.
	DockerHost string
	// NoNode starts no agent: an API without a machine of its own, for control planes whose agents are elsewhere.
	NoNode bool
	// Store is where records are kept: empty or "pebble" in DataDir, "memory" for throw-away installations, and
	// etcd://HOST:PORT[,HOST:PORT]/PREFIX where several servers share them.
	Store string
	// Throttle is "aws" to refuse calls beyond the rates that AWS documents; empty or "off" answers as fast as it can.
	Throttle string
	// ForgetAfter is how long stopped tasks and deleted services, clusters and instances stay describable; 0 = 1 hour,
	// which is what ECS promises at least.
	ForgetAfter time.Duration
	// Out gets the one ready line; Log everything else.
	Out io.Writer
	Log *slog.Logger
}

// DefaultDataDir is /var/lib/longshore for root and a directory in the user's data home for others.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/longshore"
	}
	home := os.Getenv("XDG_DATA_HOME")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".local", "share")
	}
	return filepath.Join(home, "longshore")
}

// DefaultListen is the address that local AWS tools default to.
const DefaultListen = "127.0.0.1:4566"

func (c *Config) complete() error {
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir()
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c.validate()
}

func (c *Config) validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not HOST:PORT: %w", c.Listen, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both or none")
	}
	if isShared(*c) {
		_, err = etcd.Parse(c.Store)
		if err != nil {
			return fmt.Errorf("--store: %w", err)
		}
	} else if c.Store != "" && c.Store != "pebble" && c.Store != "memory" {
		return fmt.Errorf("--store %q is not served: leave it out for Pebble in the data directory, say memory, "+
			"or give the address of an etcd: etcd://HOST:PORT/PREFIX", c.Store)
	}
	if c.Throttle != "" && c.Throttle != "off" && c.Throttle != "aws" {
		return fmt.Errorf("--throttle %q is not known: say aws for AWS's rates, or off", c.Throttle)
	}
	if c.ForgetAfter < 0 {
		return fmt.Errorf("--forget-after %s lies in the future: give a duration such as 1h", c.ForgetAfter)
	}
	if loopback(host) {
		return nil
	}
	if c.AcceptAny {
		return errors.New("--insecure-accept-any-credentials is for loopback addresses only: " +
			"listen on 127.0.0.1, or leave the flag out")
	}
	if c.TLSCert == "" {
		return fmt.Errorf("--listen %s is reachable from other machines and would send credentials in the clear: "+
			"give --tls-cert and --tls-key, or listen on 127.0.0.1", c.Listen)
	}
	return nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
