package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/daemon"
)

// connect finds the daemon and its keys. A directory that was named counts first, then the AWS_* environment where it
// names an endpoint, then the usual directory: keys of the real AWS are never used by chance.
func (i installation) connect(r *run) (*client, error) {
	transport, err := trust(r)
	if err != nil {
		return nil, err
	}
	c := &client{http: &http.Client{Transport: transport}, now: r.Now}
	if i.DataDir == "" && r.env("AWS_ENDPOINT_URL") != "" && r.env("AWS_ACCESS_KEY_ID") != "" {
		return c, c.fromEnvironment(r)
	}
	return c, c.fromDirectory(i)
}

func (c *client) fromEnvironment(r *run) error {
	c.url = strings.TrimSuffix(r.env("AWS_ENDPOINT_URL"), "/")
	c.region = r.env("AWS_REGION")
	if c.region == "" {
		c.region = r.env("AWS_DEFAULT_REGION")
	}
	if c.region == "" {
		c.region = daemon.DefaultRegion
	}
	c.keys = aws.Credentials{AccessKeyID: r.env("AWS_ACCESS_KEY_ID"), SecretAccessKey: r.env("AWS_SECRET_ACCESS_KEY"),
		SessionToken: r.env("AWS_SESSION_TOKEN")}
	if c.keys.SecretAccessKey == "" {
		return errors.New("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: run eval \"$(longshore env)\"")
	}
	c.missing = fmt.Sprintf("nothing answers at %s (AWS_ENDPOINT_URL): start the daemon with longshore up, "+
		"then run eval \"$(longshore env)\" again", c.url)
	return nil
}

func (c *client) fromDirectory(i installation) error {
	known, err := i.load()
	if err != nil {
		return err
	}
	c.missing = i.stopped()
	c.region = known.Region
	c.keys = aws.Credentials{AccessKeyID: known.AccessKeyID, SecretAccessKey: known.SecretAccessKey}
	p, err := daemon.LoadProcess(i.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(c.missing)
	}
	if err != nil {
		return fmt.Errorf("read where the daemon of %s answers: %w; restart it with longshore down and longshore up", i.dir(), err)
	}
	c.url = strings.TrimSuffix(p.URL, "/")
	return nil
}

// stopped says that the daemon is not there, and how to start it.
func (i installation) stopped() string {
	return fmt.Sprintf("the daemon is not running in %s: start it with longshore up%s", i.dir(), i.flag())
}

// load reads the installation of the directory.
func (i installation) load() (daemon.Installation, error) {
	known, err := daemon.LoadInstallation(i.dir())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return known, fmt.Errorf("there is no installation in %s: start one with longshore up%s, "+
			"or name its directory with --data-dir", i.dir(), i.flag())
	case errors.Is(err, fs.ErrPermission):
		return known, fmt.Errorf("the installation in %s is another user's: become that user, "+
			"or start your own with longshore up --data-dir DIR", i.dir())
	}
	return known, err
}

// trust is a transport that trusts AWS_CA_BUNDLE as well, as AWS clients do.
func trust(r *run) (http.RoundTripper, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4}
	bundle := r.env("AWS_CA_BUNDLE")
	if bundle == "" {
		return t, nil
	}
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("read AWS_CA_BUNDLE: %w; unset it, or name a PEM file", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE %s holds no certificate: unset it, or name a PEM file", bundle)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}
