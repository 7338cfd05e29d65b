package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longshore/internal/daemon"
)

type agentCommand struct {
	Server     string            `help:"URL of the daemon." placeholder:"URL" required:""`
	Cluster    string            `help:"Cluster to join." placeholder:"NAME" default:"default"`
	LaunchType string            `help:"How tasks ask for this machine." enum:"EXTERNAL,EC2" default:"EXTERNAL"`
	DataDir    string            `help:"Directory of this machine's identity and keys." placeholder:"DIR" env:"LONGSHORE_AGENT_DIR"`
	Attributes map[string]string `help:"Attributes of the instance, for placement constraints." placeholder:"K=V"`
	DockerHost string            `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL"`
	Verbose    bool              `short:"v" help:"Log what happens in detail."`
}

// Run serves a cluster until the process is told to stop; containers keep running.
func (c *agentCommand) Run(r *run) error {
	if !strings.HasPrefix(c.Server, "http://") && !strings.HasPrefix(c.Server, "https://") {
		return fmt.Errorf("--server %q is not a URL: give what longshore up printed, for example https://longshore.example:4566", c.Server)
	}
	id, secret := r.env("AWS_ACCESS_KEY_ID"), r.env("AWS_SECRET_ACCESS_KEY")
	if id == "" || secret == "" {
		return errors.New("joining needs keys once: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY " +
			"to what longshore env prints on the machine of the daemon")
	}
	region := r.env("AWS_REGION")
	if region == "" {
		region = r.env("AWS_DEFAULT_REGION")
	}
	if region == "" {
		region = daemon.DefaultRegion
	}
	dir := c.DataDir
	if dir == "" {
		dir = filepath.Join(daemon.DefaultDataDir(), "agent")
	}
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return fmt.Errorf("make the agent's directory: %w; choose one that you may write with --data-dir DIR", err)
	}
	fmt.Fprintf(r.Out, "longshore agent joins cluster %s at %s\n", c.Cluster, c.Server)
	return daemon.RunAgent(r, daemon.AgentConfig{
		Server: strings.TrimSuffix(c.Server, "/"), Cluster: c.Cluster, LaunchType: c.LaunchType, DataDir: dir,
		Attributes: c.Attributes, AccessKeyID: id, SecretAccessKey: secret, Region: region,
		Config: daemon.Config{DockerHost: c.DockerHost, Out: r.Out, Log: logger(r.Notes, c.Verbose)},
	})
}
