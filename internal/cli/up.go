package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"longshore/internal/daemon"
)

type upCommand struct {
	installation
	Listen     string   `help:"HOST:PORT of the API; a loopback address is answered on both families." default:"${listen}"`
	AcceptAny  bool     `name:"insecure-accept-any-credentials" help:"Take any credentials without looking at the signature; loopback only, for throw-away CI."`
	TLSCert    string   `name:"tls-cert" help:"PEM file of the certificate; needed on addresses that are not loopback." placeholder:"FILE"`
	TLSKey     string   `name:"tls-key" help:"PEM file of the certificate's key." placeholder:"FILE"`
	Name       []string `help:"Further host names that clients use for this daemon."`
	NoNode     bool     `help:"Run no containers here: only agents on other machines do."`
	Store      string   `help:"Where records are kept: pebble (in the data directory) or memory." default:"pebble" enum:"pebble,memory"`
	DockerHost string   `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
	Verbose    bool     `short:"v" help:"Log what happens in detail."`
}

// Run serves until the process is told to stop.
func (c *upCommand) Run(r *run) error {
	return daemon.Run(r, daemon.Config{
		DataDir: c.dir(), Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, Names: c.Name,
		AcceptAny: c.AcceptAny, NoNode: c.NoNode, DockerHost: c.DockerHost, Store: c.Store, Out: r.Out, Log: logger(r.Notes, c.Verbose),
	})
}

type envCommand struct {
	installation
}

// Run prints shell commands for eval.
func (c *envCommand) Run(r *run) error {
	i, err := daemon.LoadInstallation(c.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no installation in %s: start one with longshore up, or name its directory with --data-dir", c.dir())
	}
	if err != nil {
		return err
	}
	url := "http://" + daemon.DefaultListen
	p, err := daemon.LoadProcess(c.dir())
	switch {
	case err == nil:
		url = p.URL
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintln(r.Notes, "longshore: the daemon is not running; start it with longshore up")
	default:
		return err
	}
	_, err = fmt.Fprintf(r.Out, "export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\n"+
		"export AWS_SECRET_ACCESS_KEY='%s'\nexport AWS_DEFAULT_REGION=%s\nexport AWS_REGION=%s\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
		url, i.AccessKeyID, i.SecretAccessKey, i.Region, i.Region)
	return err
}
