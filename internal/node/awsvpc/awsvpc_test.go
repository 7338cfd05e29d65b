package awsvpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/knftables"
)

func testConfig() Config {
	return Config{
		Installation: "test", Engine: &imageEngine{}, NewID: func() string { return "0123456789" },
		Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.DiscardHandler), Root: true, Arch: "amd64",
		Exec: func(context.Context, string, ...string) ([]byte, error) { return nil, nil },
	}
}

func testManager(t *testing.T, change func(*Config)) *Manager {
	t.Helper()
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no installation":        func(c *Config) { c.Installation = "" },
		"installation with pipe": func(c *Config) { c.Installation = "a|b" },
		"no engine":              func(c *Config) { c.Engine = nil },
		"no clock":               func(c *Config) { c.Now = nil },
		"no program":             func(c *Config) { c.Arch = "vax" },
	} {
		cfg := testConfig()
		change(&cfg)
		_, err := New(cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAvailableSaysWhatIsMissing(t *testing.T) {
	proc := t.TempDir()
	err := os.MkdirAll(filepath.Join(proc, "sys/net/ipv4"), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(filepath.Join(proc, "sys/net/ipv4/ip_forward"), nil, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	without := func(tool string) func(*Config) {
		return func(c *Config) {
			c.Proc = proc
			c.Exec = func(_ context.Context, name string, _ ...string) ([]byte, error) {
				if name == tool {
					return nil, errors.New("not found")
				}
				return nil, nil
			}
		}
	}
	for want, change := range map[string]func(*Config){
		"":                 without(""),
		"root":             func(c *Config) { c.Root = false },
		"nft":              without("nft"),
		"iptables":         without("iptables"),
		"network settings": func(c *Config) { c.Proc = filepath.Join(proc, "none") },
	} {
		err := testManager(t, change).Available(t.Context())
		if want == "" && err != nil {
			t.Errorf("everything there: %v", err)
		}
		if want != "" && (!errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), want)) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}

func TestRequestsThatCannotBeRoutedAreRefused(t *testing.T) {
	good := Request{
		TaskID: "0123", Address: netip.MustParseAddr("172.31.0.4"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1},
		SubnetCIDR: netip.MustParsePrefix("172.31.0.0/20"), VPCCIDR: netip.MustParsePrefix("172.31.0.0/16"),
	}
	err := good.validate()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"no task":            func(r *Request) { r.TaskID = "" },
		"task with a pipe":   func(r *Request) { r.TaskID = "a|b" },
		"no address":         func(r *Request) { r.Address = netip.Addr{} },
		"IPv6":               func(r *Request) { r.Address = netip.MustParseAddr("::1") },
		"multicast MAC":      func(r *Request) { r.MAC = net.HardwareAddr{1, 0, 0, 0, 0, 1} },
		"reserved address":   func(r *Request) { r.Address = netip.MustParseAddr("172.31.0.2") },
		"another subnet":     func(r *Request) { r.Address = netip.MustParseAddr("172.31.16.9") },
		"subnet not in VPC":  func(r *Request) { r.VPCCIDR = netip.MustParsePrefix("10.0.0.0/16") },
		"no subnet":          func(r *Request) { r.SubnetCIDR = netip.Prefix{} },
		"MAC of wrong width": func(r *Request) { r.MAC = net.HardwareAddr{2, 0, 0, 0, 0, 1, 2, 3} },
	} {
		r := good
		change(&r)
		if r.validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHostsFileNamesTheAddressOnce(t *testing.T) {
	r := Request{Address: netip.MustParseAddr("10.0.0.4"), Hostname: "ip-10-0-0-4.ec2.internal"}
	want := "127.0.0.1\tlocalhost\n10.0.0.4\tip-10-0-0-4.ec2.internal ip-10-0-0-4 ip-abc\n"
	if got := hostsFile(r, "ip-abc"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Hostname = "ip-abc"
	if got := hostsFile(r, "ip-abc"); got != "127.0.0.1\tlocalhost\n10.0.0.4\tip-abc\n" {
		t.Errorf("got %q", got)
	}
}

func TestTasksGetNameServersThatTheyCanReach(t *testing.T) {
	for name, c := range map[string]struct {
		given        []string
		host, behind string
		want         string
	}{
		"given ones win":       {[]string{"10.0.0.2"}, "nameserver 192.0.2.1\n", "", "nameserver 10.0.0.2\n"},
		"the host's otherwise": {nil, "# by hand\nsearch a.example\nnameserver 192.0.2.1\n", "", "search a.example\nnameserver 192.0.2.1\n"},
		"never loopback":       {nil, "nameserver 127.0.0.1\nnameserver 192.0.2.1\n", "", "nameserver 192.0.2.1\n"},
		"those behind a local one": {
			nil, "nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.9\n", "nameserver 192.0.2.9\n",
		},
		"none if there are none": {nil, "nameserver ::1\noptions edns0\n", "", "options edns0\n"},
	} {
		dir := t.TempDir()
		behind := filepath.Join(dir, "behind")
		err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "etc/resolv.conf"), []byte(c.host), 0o644)
		}
		if err == nil && c.behind != "" {
			err = os.WriteFile(behind, []byte(c.behind), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := testManager(t, func(c *Config) { c.Resolv = behind }).resolvFile(root, c.given)
		if err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		_ = root.Close()
	}
}

func FuzzResolvFilesNeverKeepALoopbackServer(f *testing.F) {
	f.Add("nameserver 127.0.0.53\nsearch x\n")
	f.Fuzz(func(t *testing.T, text string) {
		once, some := reachable(text)
		twice, again := reachable(once)
		if once != twice || some != again || strings.Contains(once, "nameserver 127.") {
			t.Errorf("%q became %q, then %q", text, once, twice)
		}
	})
}

func TestNftablesRulesAreWrittenAndRepeatable(t *testing.T) {
	m := testManager(t, nil)
	fake := knftables.NewFake(knftables.IPv4Family, m.names.table)
	m.table = fake
	for range 2 {
		err := fake.Run(t.Context(), m.baseRules(fake))
		if err != nil {
			t.Fatal(err)
		}
		err = fake.Run(t.Context(), m.redirectRules(fake, 8123, true))
		if err != nil {
			t.Fatal(err)
		}
		err = m.knowVPC(t.Context(), netip.MustParsePrefix("172.31.0.0/16"))
		if err != nil {
			t.Fatal(err)
		}
	}
	dump := fake.Dump()
	for _, want := range []string{
		`guard iifname "` + m.names.prefix + `*" fib saddr . iif oif missing drop`,
		`leave_vpc iifname "` + m.names.prefix + `*" oifname != "` + m.names.prefix + `*" ip daddr != @vpcs masquerade`,
		`metadata_local ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:8123`,
		`vpcs { 172.31.0.0/16 }`,
	} {
		if strings.Count(dump, want) != 1 {
			t.Errorf("%q stands there %d times in\n%s", want, strings.Count(dump, want), dump)
		}
	}
	err := fake.Run(t.Context(), m.redirectRules(fake, 0, false))
	if err != nil || strings.Contains(fake.Dump(), "dnat to") {
		t.Errorf("redirection stays (%v)", err)
	}
}

func TestForwardingIsAcceptedOnceInDockersChainOrElseInForward(t *testing.T) {
	for _, chain := range []string{"DOCKER-USER", "FORWARD"} {
		rules := map[string]int{}
		m := testManager(t, func(c *Config) {
			c.Exec = func(_ context.Context, _ string, args ...string) ([]byte, error) {
				key := strings.Join(args[2:], " ")
				switch {
				case args[1] == "-n" && args[3] != chain, args[1] == "-C" && rules[key] == 0:
					return nil, errors.New("no such thing")
				case args[1] == "-I":
					rules[key]++
				}
				return nil, nil
			}
		})
		for range 2 {
			err := m.acceptForwarding(t.Context())
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(rules) != 2 {
			t.Errorf("%s: %v", chain, rules)
		}
		for rule, n := range rules {
			if n != 1 || !strings.HasPrefix(rule, chain) || !strings.Contains(rule, "longshore:test") {
				t.Errorf("%s: %q was inserted %d times", chain, rule, n)
			}
		}
	}
}

func TestListenersOnTheAddressAreSeen(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
	for line, want := range map[string]bool{
		"":                                     false,
		"   0: 02AAFEA9:0050 00000000:0000 0A": true,
		"   0: 02AAFEA9:9C40 00000000:0000 0A": true,
		"   0: 02AAFEA9:0050 0100007F:8000 01": false,
		"   0: 00000000:0050 00000000:0000 0A": false,
	} {
		proc := t.TempDir()
		err := os.MkdirAll(filepath.Join(proc, "thread-self/net"), 0o755)
		if err != nil {
			t.Fatal(err)
		}
		err = os.WriteFile(filepath.Join(proc, "thread-self/net/tcp"), []byte(head+line+"\n"), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		got, err := testManager(t, func(c *Config) { c.Proc = proc }).served()
		if err != nil || got != want {
			t.Errorf("%q: %v (%v)", line, got, err)
		}
	}
}
