package cli

import (
	"time"

	"longshore/internal/daemon"
)

type upCommand struct {
	installation
	Listen      string        `help:"HOST:PORT of the API; a loopback address is answered on both families." default:"${listen}"`
	AcceptAny   bool          `name:"insecure-accept-any-credentials" help:"Take any credentials without looking at the signature; loopback only, for throw-away CI."`
	TLSCert     string        `name:"tls-cert" help:"PEM file of the certificate; needed on addresses that are not loopback." placeholder:"FILE"`
	TLSKey      string        `name:"tls-key" help:"PEM file of the certificate's key." placeholder:"FILE"`
	Name        []string      `help:"Further host names that clients use for this daemon."`
	NoNode      bool          `help:"Run no containers here: only agents on other machines do."`
	Store       string        `help:"Where records are kept: pebble (in the data directory), memory, or etcd://HOST:PORT[,HOST:PORT]/PREFIX, which several servers share (options: ?ca=FILE&cert=FILE&key=FILE&password-file=FILE)." default:"pebble" placeholder:"STORE"`
	ForgetAfter time.Duration `help:"How long stopped tasks and deleted services stay describable." default:"1h"`
	Throttle    string        `help:"Refuse calls beyond the rates that AWS documents: off or aws." default:"off" enum:"off,aws"`
	DockerHost  string        `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
	Verbose     bool          `short:"v" help:"Log what happens in detail."`
}

// Run serves until the process is told to stop.
func (c *upCommand) Run(r *run) error {
	return daemon.Run(r, daemon.Config{
		DataDir: c.dir(), Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, Names: c.Name,
		AcceptAny: c.AcceptAny, NoNode: c.NoNode, DockerHost: c.DockerHost, Store: c.Store,
		ForgetAfter: c.ForgetAfter, Throttle: c.Throttle, Out: r.Out, Log: logger(r.Notes, c.Verbose),
	})
}
