//go:build e2e

package servers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"go.etcd.io/etcd/server/v3/embed"

	"longshore/internal/daemon"
	"longshore/test/rig"
)

// etcdVar makes this program an etcd: DIR,HOST:PORT,HOST:PORT.
const etcdVar = "LONGSHORE_TEST_ETCD"

func TestMain(m *testing.M) {
	if place := os.Getenv(etcdVar); place != "" {
		fmt.Fprintln(os.Stderr, serveEtcd(strings.Split(place, ",")))
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv(rig.BinVar) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "longshore-servers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "longshore")
	cmd := exec.Command("go", "build", "-o", bin, "longshore/cmd/longshore")
	cmd.Stderr = os.Stderr
	err = cmd.Run()
	if err == nil {
		err = os.Setenv(rig.BinVar, bin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// serveEtcd is a real etcd with real fsyncs, until it is killed.
func serveEtcd(place []string) error {
	c := embed.NewConfig()
	c.Dir, c.Name, c.LogLevel = place[0], "one", "panic"
	client, peer := []url.URL{{Scheme: "http", Host: place[1]}}, []url.URL{{Scheme: "http", Host: place[2]}}
	c.ListenClientUrls, c.AdvertiseClientUrls = client, client
	c.ListenPeerUrls, c.AdvertisePeerUrls = peer, peer
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	e, err := embed.StartEtcd(c)
	if err != nil {
		return err
	}
	return <-e.Err()
}

// process is one that ends with the test.
type process struct {
	t    testing.TB
	make func() *exec.Cmd
	cmd  *exec.Cmd
	out  *bufio.Reader
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = p.make()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	err := p.cmd.Process.Signal(s)
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()          // it may be gone
	_, _ = io.Copy(io.Discard, p.out) // to its end
	_ = p.cmd.Wait()                  // "signal: killed"
	p.cmd = nil
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startEtcd starts this program once more, as an etcd, and answers its address.
func startEtcd(t testing.TB) (*process, string) {
	addr, peer, dir := freePort(t), freePort(t), t.TempDir()
	p := &process{t: t, make: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), etcdVar+"="+dir+","+addr+","+peer)
		cmd.Stderr = os.Stderr
		return cmd
	}}
	p.start()
	t.Cleanup(p.kill)
	await(t, 20*time.Second, "etcd", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close() // it listens
		}
		return err
	})
	return p, addr
}

// server is one longshore without a node.
type server struct {
	process
	dir, url string
	client   *ecs.Client
}

func startServer(t testing.TB, etcd string) *server {
	s := &server{dir: t.TempDir()}
	listen, log := freePort(t), &rig.Tail{}
	s.process = process{t: t, make: func() *exec.Cmd {
		cmd := exec.Command(os.Getenv(rig.BinVar), "up", "--data-dir", s.dir, "--listen", listen, "--no-node",
			"--store", "etcd://"+etcd+"/longshore")
		cmd.Stderr = log
		return cmd
	}}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", listen, log)
		}
	})
	s.begin()
	return s
}

// begin starts the process and waits until it answers.
func (s *server) begin() {
	s.t.Helper()
	s.start()
	line, err := s.out.ReadString('\n')
	at, ok := strings.CutPrefix(strings.TrimSpace(line), "longshore ready ")
	if err != nil || !ok {
		s.t.Fatalf("server said %q, %v", line, err)
	}
	s.url = at
	i, err := daemon.LoadInstallation(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	d := &rig.Daemon{T: s.t, URL: s.url, Env: []string{"AWS_DEFAULT_REGION=" + i.Region}}
	s.client = d.ClientWith(i.AccessKeyID, i.SecretAccessKey, "")
}

// health is what the tests read of GET /_longshore/health.
type health struct{ Leads, Unreachable bool }

func (s *server) health() (health, error) {
	var h health
	res, err := http.Get(s.url + "/_longshore/health")
	if err != nil {
		return h, err
	}
	defer res.Body.Close()
	return h, json.NewDecoder(res.Body).Decode(&h)
}

// await looks every few milliseconds until look finds what it looks for.
func await(t testing.TB, within time.Duration, what string, look func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := look()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > within {
			t.Fatalf("%s: not after %v: %v", what, within, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// leader waits until one of the servers leads, and answers it and another.
func leader(t testing.TB, all []*server) (leads, other *server) {
	t.Helper()
	await(t, 5*time.Second, "a leader", func() error {
		for i, s := range all {
			h, err := s.health()
			if err == nil && h.Leads {
				leads, other = s, all[(i+1)%len(all)]
				return nil
			}
		}
		return context.DeadlineExceeded
	})
	return leads, other
}
