package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/node/docker"
)

// oldestEngine is the oldest Docker Engine API that is driven.
const oldestEngine = "1.40"

func (e *examination) checkEngine(ctx context.Context) finding {
	f := finding{what: "Docker Engine", verdict: broken}
	engine, err := docker.New(docker.Config{
		Host: e.DockerHost, Log: logger(e.r.Notes, false), Timeouts: docker.Timeouts{Quick: 5 * time.Second}})
	if err != nil {
		f.detail, f.mend = err.Error(), "look at --docker-host and DOCKER_HOST"
		return f
	}
	defer engine.Close()
	err = engine.Ping(ctx)
	if err == nil {
		e.engine, err = engine.Info(ctx)
	}
	if err != nil {
		f.detail, f.mend = docker.Text(err), e.mendEngine(err)
		return f
	}
	f.detail = fmt.Sprintf("%s, API %s, %d CPUs, %.1f GB of memory", e.engine.ServerVersion, e.engine.APIVersion,
		e.engine.NCPU, float64(e.engine.MemoryBytes)/1e9)
	if older(e.engine.APIVersion, oldestEngine) {
		f.mend = "API " + oldestEngine + " is needed: install Docker Engine 19.03 or later"
		return f
	}
	f.verdict = fine
	return f
}

// mendEngine tells why an engine is out of reach from the outside.
func (e *examination) mendEngine(err error) string {
	_, absent := exec.LookPath("dockerd")
	switch {
	case strings.Contains(err.Error(), "permission denied"), errors.Is(err, fs.ErrPermission):
		return "join the docker group: sudo usermod -aG docker $USER, then log in again; or run as root"
	case e.DockerHost != "" || e.r.env("DOCKER_HOST") != "":
		return "look at --docker-host and DOCKER_HOST: is an engine there?"
	case absent != nil:
		return "install it: sudo apt-get install docker.io (make up does)"
	}
	return "start it: sudo systemctl start docker, or sudo service docker start"
}

// older compares API versions such as 1.41.
func older(have, want string) bool {
	h, w := strings.Split(have, "."), strings.Split(want, ".")
	for i := range min(len(h), len(w)) {
		a, errA := strconv.Atoi(h[i])
		b, errB := strconv.Atoi(w[i])
		if errA != nil || errB != nil {
			return false
		}
		if a != b {
			return a < b
		}
	}
	return false
}

func (e *examination) checkCgroups(context.Context) finding {
	f := finding{what: "cgroups"}
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	version := "1"
	if err == nil {
		version = "2"
	}
	f.detail = "version " + version
	if e.engine.CgroupVersion != "" {
		f.detail = fmt.Sprintf("version %s, driver %s", e.engine.CgroupVersion, e.engine.CgroupDriver)
	}
	_, err = os.Stat("/sys/fs/cgroup/memory")
	if version == "1" && err != nil {
		f.verdict, f.detail = lacking, f.detail+", without the memory controller: memory limits do not hold"
		f.mend = "boot with cgroup_enable=memory, or mount /sys/fs/cgroup/memory"
	}
	return f
}

// checkDaemon finds out whether this directory's daemon answers.
func (e *examination) checkDaemon(ctx context.Context) finding {
	f := finding{what: "daemon", detail: "not running in " + e.dir()}
	p, err := daemon.LoadProcess(e.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return f
	}
	if errors.Is(err, fs.ErrPermission) {
		f.verdict, f.detail = lacking, e.dir()+" is another user's"
		f.mend = "become that user, or use a directory of your own with --data-dir DIR"
		return f
	}
	if err != nil {
		f.verdict, f.detail, f.mend = broken, err.Error(), "longshore down"+e.flag()+", then longshore up"+e.flag()
		return f
	}
	if !daemon.Holds(p.PID, e.dir()) {
		f.detail += "; it ended without a word, which the next start mends"
		return f
	}
	c := &client{http: &http.Client{Timeout: 5 * time.Second}, url: p.URL, missing: "nothing answers at " + p.URL}
	var health struct {
		Status string   `json:"status"`
		Off    []string `json:"off"`
	}
	err = c.get(ctx, "/_longshore/health", &health)
	if err != nil {
		f.verdict, f.detail = broken, fmt.Sprintf("process %d does not answer: %v", p.PID, err)
		f.mend = "look into its log, then longshore down" + e.flag() + " and longshore up" + e.flag()
		return f
	}
	e.running, e.process = true, p
	f.detail = fmt.Sprintf("%s answers (process %d)", p.URL, p.PID)
	if len(health.Off) > 0 {
		f.verdict, f.detail = lacking, f.detail+"; off:"
		f.mend = strings.Join(health.Off, "\n")
	}
	return f
}

// checkPort says whether longshore up could listen.
func (e *examination) checkPort(context.Context) finding {
	f := finding{what: "address", detail: e.Listen + " is free"}
	_, port, err := net.SplitHostPort(e.Listen)
	if err != nil {
		f.verdict, f.detail, f.mend = broken, err.Error(), "give --listen HOST:PORT"
		return f
	}
	if e.running && strings.HasSuffix(e.process.URL, ":"+port) {
		f.detail = e.Listen + " is the daemon's"
		return f
	}
	l, err := net.Listen("tcp", e.Listen)
	if err == nil {
		_ = l.Close() // it was opened to see whether it can be
		return f
	}
	f.verdict, f.detail = broken, err.Error()
	f.mend = "choose another with longshore up --listen HOST:PORT"
	if errors.Is(err, syscall.EADDRINUSE) {
		f.detail = e.Listen + " is in use by something else"
		f.mend = "ss -ltnp 'sport = :" + port + "' says by whom; or choose another with longshore up --listen HOST:PORT"
	}
	if e.running {
		f.verdict = fine
		f.detail += "; the daemon has an address of its own"
	}
	return f
}
