package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/daemon"
	"longshore/internal/gen/ecswire"
)

type agentCommand struct {
	Server     string            `help:"URL of the daemon." placeholder:"URL" required:""`
	Cluster    string            `help:"Cluster to join." placeholder:"NAME" default:"default"`
	LaunchType string            `help:"How tasks ask for this machine." enum:"EXTERNAL,EC2" default:"EXTERNAL"`
	DataDir    string            `help:"Directory of this machine's identity and keys." placeholder:"DIR" env:"LONGSHORE_AGENT_DIR"`
	Attributes map[string]string `help:"Attributes of the instance, for placement constraints." placeholder:"K=V"`
	DockerHost string            `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
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
	err = c.introduce(r, id, secret, region)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "longshore agent joins cluster %s at %s\n", c.Cluster, c.Server)
	return daemon.RunAgent(r, daemon.AgentConfig{
		Server: strings.TrimSuffix(c.Server, "/"), Cluster: c.Cluster, LaunchType: c.LaunchType, DataDir: dir,
		Attributes: c.Attributes, AccessKeyID: id, SecretAccessKey: secret, Region: region,
		Config: daemon.Config{DockerHost: c.DockerHost, Out: r.Out, Log: logger(r.Notes, c.Verbose)},
	})
}

// introduce finds out before anything starts whether the keys and the cluster are right: an agent keeps trying, and
// would try for ever. A daemon that is away for now is waited for.
func (c *agentCommand) introduce(r *run, id, secret, region string) error {
	transport, err := trust(r)
	if err != nil {
		return err
	}
	api := &client{
		url: strings.TrimSuffix(c.Server, "/"), region: region, http: &http.Client{Transport: transport}, now: r.Now,
		keys:    aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: r.env("AWS_SESSION_TOKEN")},
		missing: "nothing answers at " + c.Server + " yet",
	}
	var out ecswire.DescribeClustersResponse
	err = api.ecs(r, "DescribeClusters", ecswire.DescribeClustersRequest{Clusters: []string{c.Cluster}}, &out)
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		return err
	case err != nil:
		fmt.Fprintf(r.Notes, "longshore: %v; trying until it does\n", err)
	case len(out.Clusters) == 0 || val(out.Clusters[0].Status) == "INACTIVE":
		return fmt.Errorf("there is no cluster %s at %s: aws ecs create-cluster --cluster-name %s makes it, "+
			"or name another with --cluster", c.Cluster, c.Server, c.Cluster)
	}
	return nil
}
