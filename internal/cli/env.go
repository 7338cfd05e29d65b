package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"longshore/internal/daemon"
)

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
	if err != nil || !deaf(version(r)) {
		return err
	}
	fmt.Fprintln(r.Notes, "longshore: this AWS CLI is too old to read AWS_ENDPOINT_URL; a shell function passes --endpoint-url")
	_, err = fmt.Fprintln(r.Out, `aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`)
	return err
}

// versionTimeout bounds the question which AWS CLI there is.
const versionTimeout = 5 * time.Second

// version is what the AWS CLI says of itself; empty without one.
func version(r *run) string {
	ctx, cancel := context.WithTimeout(r, versionTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "aws", "--version").CombinedOutput()
	if err != nil {
		return ""
	}
	return string(out)
}

var cliVersion = regexp.MustCompile(`^aws-cli/(\d+)\.(\d+)\.`)

// deaf says whether an AWS CLI ignores AWS_ENDPOINT_URL: version 1 reads it since 1.29, version 2 since 2.13.
// Debian 12 has an older one, which would speak to AWS itself.
func deaf(version string) bool {
	m := cliVersion.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return false
	}
	return m[1] == "1" && minor < 29 || m[1] == "2" && minor < 13
}
