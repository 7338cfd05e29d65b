package front

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"longshore/internal/aws/sigv4"
)

// Config is what a Front is made of.
type Config struct {
	Services []Service

	Keys       sigv4.Keys // secrets and identities of access keys
	Authorizer Authorizer // nil: everyone who is who he says may do everything

	// Hosts are the exact Host headers that are answered, with port: see LoopbackHosts. Anything else is a web
	// page that rebound its name to this machine.
	Hosts []string

	// Mounts are handlers beside AWS: an exact path, or a prefix that ends in "/". They are behind the same Host
	// and Origin rules, and authenticate themselves if they must (Front.Authenticate).
	Mounts map[string]http.Handler

	Now   func() time.Time
	NewID func() string // request ids, UUIDs
	Log   *slog.Logger

	// InsecureAcceptAny takes any credentials without looking at the signature; a key that Keys knows keeps its
	// identity, all others are root of Account.
	InsecureAcceptAny bool
	Account           string // default 000000000000; only used by InsecureAcceptAny
	Region            string // for requests without a scope; default us-east-1; only used by InsecureAcceptAny

	// Throttle enforces the services' Rates, for every account and region apart.
	Throttle bool

	MaxBody int64 // bytes of a request body, before and after decompression; default 10 MiB
}

// Front is the HTTP handler of all services.
type Front struct {
	Config
	verifier *sigv4.Verifier
	hosts    map[string]bool
	targets  map[string]*service   // by target prefix
	signing  map[string][]*service // by signing name
	services []*service
	codecs   codecs
	throttle *throttle // nil: off
}

var _ http.Handler = (*Front)(nil)

// LoopbackHosts are the Host headers of a listener on the loopback addresses.
func LoopbackHosts(port string) []string {
	return []string{"127.0.0.1:" + port, "[::1]:" + port, "localhost:" + port}
}

// New checks that every bound operation has the types of its model.
func New(c Config) (*Front, error) {
	err := c.complete()
	if err != nil {
		return nil, err
	}
	f := &Front{
		Config: c, hosts: map[string]bool{}, targets: map[string]*service{}, signing: map[string][]*service{},
		codecs:   newCodecs(),
		verifier: sigv4.NewVerifier(sigv4.Config{Keys: c.Keys, Now: c.Now}),
	}
	for _, h := range c.Hosts {
		f.hosts[strings.ToLower(h)] = true
	}
	for _, s := range c.Services {
		ready, err := newService(s)
		if err != nil {
			return nil, fmt.Errorf("new front: %w", err)
		}
		f.services = append(f.services, ready)
		f.signing[s.Wire.SigningName] = append(f.signing[s.Wire.SigningName], ready)
		if s.Wire.TargetPrefix != "" {
			f.targets[s.Wire.TargetPrefix] = ready
		}
	}
	if c.Throttle {
		var err error
		f.throttle, err = newThrottle(f.services, c.Now)
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (c *Config) complete() error {
	if c.Now == nil || c.NewID == nil || c.Log == nil || c.Keys == nil {
		return errors.New("new front: Keys, Now, NewID and Log must be given")
	}
	if len(c.Hosts) == 0 {
		return errors.New("new front: no Host is allowed")
	}
	if c.MaxBody == 0 {
		c.MaxBody = 10 << 20
	}
	if c.Account == "" {
		c.Account = "000000000000"
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	return nil
}

// ServeHTTP refuses strangers, hands mounts their requests and takes all others through the chain.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reason := f.stranger(r)
	if reason != "" {
		http.Error(w, reason, http.StatusForbidden)
		return
	}
	mount := f.mount(r.URL.Path)
	if mount != nil {
		mount.ServeHTTP(w, r)
		return
	}
	x := f.begin(w, r)
	defer f.survive(x)
	x.reply(f.chain(x))
	f.end(x)
}

// chain is a request's whole way; what it returns is the answer.
func (f *Front) chain(x *exchange) (any, error) {
	err := f.route(x)
	if err != nil {
		return nil, err
	}
	err = f.authenticate(x)
	if err != nil {
		return nil, err
	}
	if f.throttle != nil {
		err = f.throttle.take(x.caller, x.svc.Wire.Name, x.op.model.Name)
		if err != nil {
			return nil, err
		}
	}
	err = f.authorize(x)
	if err != nil {
		return nil, err
	}
	in, err := f.decode(x)
	if err != nil {
		return nil, err
	}
	return x.op.bound.call(x.r.Context(), x.caller, in)
}

func (f *Front) authorize(x *exchange) error {
	if f.Authorizer != nil {
		err := f.Authorizer.Authorize(x.r.Context(), x.caller, x.svc.Wire.SigningName, x.op.model.Name)
		if err != nil {
			return err
		}
	}
	return x.refusal()
}

var errPanicked = errors.New("operation panicked")

// survive turns a panic into a 500 for this caller and a stack in the log.
func (f *Front) survive(x *exchange) {
	p := recover()
	if p == nil {
		return
	}
	f.Log.Error("operation panicked", "op", x.opName(), "err", fmt.Sprintf("%v\n%s", p, debug.Stack()))
	if !x.sent {
		x.fail(errPanicked, true)
	}
}

func (f *Front) mount(path string) http.Handler {
	h := f.Mounts[path]
	if h != nil {
		return h
	}
	for prefix, h := range f.Mounts {
		if strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) {
			return h
		}
	}
	return nil
}
