//go:build docker

package awsvpc

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

func TestTasksHostAndBridgeReachEachOther(t *testing.T) {
	r := newRig(t, nil)
	one := r.attached(t, "one", 10)
	two := r.attached(t, "two", 11)
	self := os.Getpid()
	bridgeID, bridgePID, err := r.engine.run(t.Context(), r.cfg.Installation+"-b", r.image.ref, "bridge", "", r.labels(nil))
	if err != nil {
		t.Fatal(err)
	}
	seen, err := r.engine.c.ContainerInspect(t.Context(), bridgeID, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bridge := seen.Container.NetworkSettings.Networks["bridge"].IPAddress.String()
	addr := func(last byte) string { return r.request("", last).Address.String() }

	echo(t, one.PausePID, ":7001")
	echo(t, two.PausePID, ":7001")
	hostLn := echo(t, self, "0.0.0.0:0")
	_, hostPort, _ := net.SplitHostPort(hostLn.Addr().String())
	echo(t, bridgePID, ":7001")

	if got := call(t, one.PausePID, addr(11)+":7001"); got != addr(10) {
		t.Errorf("task to task: seen as %s, want %s", got, addr(10))
	}
	if got := call(t, two.PausePID, addr(10)+":7001"); got != addr(11) {
		t.Errorf("task to task: seen as %s, want %s", got, addr(11))
	}
	call(t, self, addr(10)+":7001")
	call(t, bridgePID, addr(10)+":7001")
	call(t, one.PausePID, bridge+":7001")
	if got := call(t, one.PausePID, bridgeGateway(seen)+":"+hostPort); got != addr(10) {
		t.Errorf("task to host: seen as %s, want %s", got, addr(10))
	}
	sent, err := r.Counters(t.Context(), "one")
	if err != nil || sent.TxPackets == 0 || sent.RxBytes == 0 {
		t.Errorf("the task's counters are %+v (%v)", sent, err)
	}
	if got := call(t, one.PausePID, addr(10)+":7001"); got != addr(10) {
		t.Errorf("task to itself: seen as %s, want %s", got, addr(10))
	}
}

func bridgeGateway(seen client.ContainerInspectResult) string {
	return seen.Container.NetworkSettings.Networks["bridge"].Gateway.String()
}

func TestContainersThatJoinShareAddressNamesAndServers(t *testing.T) {
	r := newRig(t, nil)
	req := r.request("dns", 20)
	req.DNS = []string{"10.9.8.7"}
	a, err := r.Attach(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	_, pid, err := r.engine.run(t.Context(), r.cfg.Installation+"-app", r.image.ref, "container:"+a.PauseID, "", r.labels(nil))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"etc/resolv.conf": "nameserver 10.9.8.7\n",
		"etc/hosts":       req.Address.String() + "\tip-10-0-0-20.ec2.internal ip-10-0-0-20 ip-",
		"etc/hostname":    "ip-10-0-0-20.ec2.internal\n",
	} {
		got, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "root", file))
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s holds %q (%v), want %q", file, got, err, want)
		}
	}
	inside(t, pid, func() error {
		eth, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if eth.HardwareAddr.String() != req.MAC.String() {
			t.Errorf("MAC is %s, want %s", eth.HardwareAddr, req.MAC)
		}
		return nil
	})
}

func TestAttachAndDetachAreIdempotentAndLeaveNothing(t *testing.T) {
	r := newRig(t, nil)
	first := r.attached(t, "again", 30)
	second := r.attached(t, "again", 30)
	if first.PauseID != second.PauseID || !second.Adopted || first.Adopted {
		t.Errorf("second attach gave %+v after %+v", second, first)
	}
	for range 2 {
		err := r.Detach(t.Context(), "again")
		if err != nil {
			t.Fatal(err)
		}
	}
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) != 0 {
		t.Errorf("pause containers left: %v (%v)", left, err)
	}
	_, err = net.InterfaceByName(first.Link)
	if err == nil {
		t.Errorf("link %s is still there", first.Link)
	}
	routes, err := exec.Command("ip", "route", "show", r.request("", 30).Address.String()).Output()
	if err != nil || len(routes) != 0 {
		t.Errorf("route left: %s (%v)", routes, err)
	}
}

func TestAnAddressThatIsRoutedAlreadyIsRefused(t *testing.T) {
	r := newRig(t, nil)
	r.attached(t, "holder", 40)
	_, err := r.Attach(t.Context(), r.request("late", 40))
	if !errors.Is(err, ErrAddressTaken) {
		t.Fatalf("got %v, want ErrAddressTaken", err)
	}
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) != 1 {
		t.Errorf("pause containers: %v (%v), want the holder's only", left, err)
	}
}

func TestAnAddressIsTakenFromATaskThatACrashForgot(t *testing.T) {
	r := newRig(t, nil)
	r.attached(t, "forgotten", 41)
	later, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = later.Attach(t.Context(), r.request("heir", 41))
	if err != nil {
		t.Fatal(err)
	}
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) != 1 {
		t.Errorf("pause containers: %v (%v), want the heir's only", left, err)
	}
}

func TestAddressesOfAnotherInstallationAreListedAndRefused(t *testing.T) {
	one, two := newRig(t, nil), newRig(t, nil)
	two.net = one.net
	one.attached(t, "task", 45)
	address := one.request("", 45).Address
	taken, err := two.Taken(t.Context())
	if err != nil || !slices.Contains(taken, address) {
		t.Errorf("%s is not among %v (%v)", address, taken, err)
	}
	own, err := one.Taken(t.Context())
	if err != nil || slices.Contains(own, address) {
		t.Errorf("our own %s is among %v (%v)", address, own, err)
	}
	_, err = two.Attach(t.Context(), two.request("task", 45))
	if !errors.Is(err, ErrAddressTaken) {
		t.Errorf("got %v, want ErrAddressTaken", err)
	}
}

func TestARestartedManagerAdoptsTasksAndPool(t *testing.T) {
	r := newRig(t, func(c *Config) { c.PoolSize = 2 })
	end := r.run(t)
	waitPool(t, r.Manager, 2)
	before := r.attached(t, "kept", 50)
	waitPool(t, r.Manager, 2)
	end()

	again, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	after, err := again.Attach(t.Context(), r.request("kept", 50))
	if err != nil || after.PauseID != before.PauseID || !after.Adopted {
		t.Fatalf("restarted: %+v (%v), before %+v", after, err, before)
	}
	if free := again.pool.size(); free < 2 {
		t.Errorf("adopted %d waiting namespaces, want 2", free)
	}
	err = again.Sweep(t.Context(), func(id string) bool { return id == "kept" })
	if err != nil {
		t.Fatal(err)
	}
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) < 3 {
		t.Errorf("sweep left %d pause containers (%v), want the task's and the pool's", len(left), err)
	}
}

func TestSweepRemovesWhatNoTaskClaims(t *testing.T) {
	r := newRig(t, nil)
	live := r.attached(t, "live", 60)
	r.attached(t, "dead", 61)
	_, _, err := r.engine.StartPause(t.Context(), PauseSpec{Name: r.cfg.Installation + "-o", Image: r.image.ref, Labels: r.labels(nil)})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Sweep(t.Context(), func(id string) bool { return id == "live" })
	if err != nil {
		t.Fatal(err)
	}
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) != 1 || left[0].ID != live.PauseID {
		t.Errorf("left: %v (%v), want %s only", left, err, live.PauseID)
	}
}

func TestATaskWhosePauseContainerDiedGetsANewOne(t *testing.T) {
	r := newRig(t, nil)
	first := r.attached(t, "phoenix", 70)
	err := r.engine.RemovePause(t.Context(), first.PauseID)
	if err != nil {
		t.Fatal(err)
	}
	second := r.attached(t, "phoenix", 70)
	if second.PauseID == first.PauseID || second.Adopted {
		t.Errorf("got %+v after %+v died", second, first)
	}
	echo(t, second.PausePID, ":7001")
	call(t, os.Getpid(), r.request("", 70).Address.String()+":7001")
}

func TestForgedSourceAddressesAreDropped(t *testing.T) {
	r := newRig(t, nil)
	a := r.attached(t, "forger", 80)
	host := echo(t, os.Getpid(), "0.0.0.0:0")
	_, port, _ := net.SplitHostPort(host.Addr().String())
	gw := outward(t)
	inside(t, a.PausePID, func() error {
		out, err := exec.Command("ip", "addr", "add", "10.255.255.77/32", "dev", "eth0").CombinedOutput()
		if err != nil {
			return errors.New(string(out))
		}
		d := net.Dialer{Timeout: 700 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.IPv4(10, 255, 255, 77)}}
		c, err := d.Dial("tcp4", net.JoinHostPort(gw, port))
		if err == nil {
			_ = c.Close()
			t.Error("a forged source address got through")
		}
		return nil
	})
	call(t, a.PausePID, net.JoinHostPort(gw, port))
}

// outward is the address the host uses towards the world, or Docker's bridge without one.
func outward(t *testing.T) string {
	t.Helper()
	c, err := net.Dial("udp4", "198.51.100.1:9")
	if err != nil {
		return "172.17.0.1"
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return host
}

func TestTeardownRemovesEveryRule(t *testing.T) {
	r := newRig(t, nil)
	r.attached(t, "gone", 90)
	rules := func() string {
		nft, _ := exec.Command("nft", "list", "ruleset").Output()
		ipt, _ := exec.Command("iptables-save").Output()
		links, _ := exec.Command("ip", "-d", "link").Output()
		return string(nft) + string(ipt) + string(links)
	}
	for _, want := range []string{r.names.prefix, r.names.table, r.names.comment} {
		if !strings.Contains(rules(), want) {
			t.Errorf("nothing is named %s while attached", want)
		}
	}
	err := r.Teardown(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{r.names.prefix, r.names.table, r.names.comment} {
		if strings.Contains(rules(), gone) {
			t.Errorf("something is still named %s", gone)
		}
	}
}

// waitPool waits until Run has n namespaces ready.
func waitPool(tb testing.TB, m *Manager, n int) {
	tb.Helper()
	deadline := time.After(30 * time.Second)
	for m.pool.size() < n {
		select {
		case <-deadline:
			tb.Fatalf("pool holds %d, want %d", m.pool.size(), n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
