//go:build e2e

package params

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// dialHost reads what `look serve` says to a connection.
func dialHost(address string) (string, error) {
	c, err := net.DialTimeout("tcp", address, 3*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	return strings.TrimSpace(string(b)), err
}

func answers(t *testing.T, address, want string) {
	t.Helper()
	poll(t, 5*time.Second, address+" answers", func() error {
		got, err := dialHost(address)
		if err != nil || got != want {
			return fmt.Errorf("%q, %v", got, err)
		}
		return nil
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr, _ := l.Addr().(*net.TCPAddr)
	return addr.Port
}

func seePorts(t *testing.T, r *rig) {
	fixed := freePort(t)
	k := r.run(t, fmt.Sprintf(`"containerDefinitions":[{"name":"main","image":"IMAGE","memory":32,"hostname":"port",
		"command":["serve","80"],"portMappings":[{"containerPort":80,"hostPort":%d},{"containerPort":82,"hostPort":0,
		"protocol":"udp"},{"containerPortRange":"1000-1003"},{"containerPort":81}]}]`, fixed), "")
	k = r.until(t, k, "RUNNING")
	in, b := k.inspect(t, "main"), k.Containers[0].NetworkBindings
	if len(b) != 4 {
		t.Fatalf("network bindings: %+v", b)
	}
	for _, b := range b {
		switch {
		case b.ContainerPort == 80 && b.Protocol == "tcp":
			same(t, "fixed host port", b.HostPort, fixed)
			answers(t, fmt.Sprintf("127.0.0.1:%d", fixed), "port")
		case b.ContainerPort == 82:
			same(t, "protocol", b.Protocol, "udp")
			bound(t, in, "82/udp", b.HostPort)
		case b.ContainerPort == 81:
			bound(t, in, "81/tcp", b.HostPort)
		default:
			var low, high int
			_, _ = fmt.Sscanf(b.HostPortRange, "%d-%d", &low, &high)
			same(t, "range", b.ContainerPortRange+fmt.Sprint(high-low), "1000-10033")
			bound(t, in, "1003/tcp", high)
		}
	}
}

func bound(t *testing.T, in map[string]any, port string, host int) {
	t.Helper()
	bindings, _ := at(in, "HostConfig.PortBindings").(map[string]any)
	if !strings.Contains(fmt.Sprint(bindings[port]), fmt.Sprintf("HostPort:%d", host)) || host == 0 {
		t.Errorf("%s is bound to %v, not to %d", port, bindings[port], host)
	}
}

func seeHost(t *testing.T, r *rig) {
	k := r.run(t, `"networkMode":"host","pidMode":"host","ipcMode":"host","containerDefinitions":[{"name":"main",
		"image":"IMAGE","memory":32,"portMappings":[{"containerPort":`+fmt.Sprint(freePort(t))+`}],
		"command":["see","/proc/sys/kernel/random/boot_id","/proc/net/dev","/proc/1/comm"]}]`, "")
	k = r.until(t, k, "RUNNING")
	in, s := k.inspect(t, "main"), k.see(t, "main")
	hold(t, in, "HostConfig.NetworkMode", `"host"`)
	hold(t, in, "HostConfig.PidMode", `"host"`)
	hold(t, in, "HostConfig.IpcMode", `"host"`)
	comm, _ := os.ReadFile("/proc/1/comm")
	same(t, "process 1", s.Files["/proc/1/comm"], strings.TrimSpace(string(comm)))
	b := k.Containers[0].NetworkBindings
	if len(b) != 1 || b[0].HostPort != b[0].ContainerPort {
		t.Errorf("network bindings: %+v", b)
	}
}

func seeNone(t *testing.T, r *rig) {
	k := r.run(t, `"networkMode":"none","pidMode":"task","ipcMode":"task","containerDefinitions":[
		{"name":"one","image":"IMAGE","memory":32,"command":["see","/proc/net/dev","/proc/1/comm"]},
		{"name":"two","image":"IMAGE","memory":32,"linuxParameters":{"initProcessEnabled":true}}]`, "")
	k = r.until(t, k, "RUNNING")
	one, two := k.inspect(t, "one"), k.inspect(t, "two")
	hold(t, one, "HostConfig.NetworkMode", `"none"`)
	same(t, "shared pid namespace", at(one, "HostConfig.PidMode"), at(two, "HostConfig.PidMode"))
	same(t, "shared ipc namespace", at(one, "HostConfig.IpcMode"), at(two, "HostConfig.IpcMode"))
	contains(t, "pid mode", fmt.Sprint(at(one, "HostConfig.PidMode")), "container:")
	s := k.see(t, "one")
	if strings.Contains(s.Files["/proc/net/dev"], "eth") {
		t.Errorf("an interface without a network: %s", s.Files["/proc/net/dev"])
	}
	same(t, "process 1", s.Files["/proc/1/comm"], "pause")
}

func seeAWSVPC(t *testing.T, r *rig) {
	k := r.run(t, `"networkMode":"awsvpc","ipcMode":"none","containerDefinitions":[
		{"name":"main","image":"IMAGE","memory":32,"command":["see","/etc/resolv.conf","/proc/net/dev",
			"/proc/sys/net/core/somaxconn","dial localhost:8080"],"dnsServers":["10.9.8.7"],"dnsSearchDomains":["vpc.test"],
			"dependsOn":[{"containerName":"server","condition":"START"}],
			"systemControls":[{"namespace":"net.core.somaxconn","value":"456"}]},
		{"name":"server","image":"IMAGE","memory":32,"command":["serve","8080"],"portMappings":[{"containerPort":8080}]}]`,
		`"networkConfiguration":{"awsvpcConfiguration":{"subnets":["SUBNET"],"securityGroups":["GROUP"]}}`)
	k = r.until(t, k, "RUNNING")
	s := k.see(t, "main")
	contains(t, "resolv.conf", s.Files["/etc/resolv.conf"], "nameserver 10.9.8.7", "search vpc.test")
	contains(t, "interfaces", s.Files["/proc/net/dev"], "eth0")
	same(t, "somaxconn", s.Files["/proc/sys/net/core/somaxconn"], "456")
	same(t, "a neighbour over loopback", s.Answers["dial localhost:8080"], "<nil>")
	hold(t, k.inspect(t, "main"), "HostConfig.IpcMode", `"none"`)
	c := k.Containers[0]
	if len(c.NetworkInterfaces) != 1 || c.NetworkInterfaces[0].PrivateIPv4Address != k.address() || k.address() == "" {
		t.Errorf("address %q, network interfaces %+v", k.address(), c.NetworkInterfaces)
	}
	answers(t, k.address()+":8080", s.Host)
}

// listenSyslog is a log server for one message.
func listenSyslog(t *testing.T) (string, <-chan string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	stop := context.AfterFunc(t.Context(), func() { _ = c.Close() })
	t.Cleanup(func() { stop(); _ = c.Close() })
	go func() {
		buf := make([]byte, 4096)
		n, _, _ := c.ReadFrom(buf)
		got <- string(buf[:n])
	}()
	return c.LocalAddr().String(), got
}
