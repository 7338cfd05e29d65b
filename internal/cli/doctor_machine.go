package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func effectiveRoot() bool { return os.Geteuid() == 0 }

func (e *examination) checkSystem(context.Context) finding {
	f := finding{what: "system", detail: runtime.GOOS + "/" + runtime.GOARCH}
	if runtime.GOOS != "linux" {
		f.verdict, f.mend = broken, "containers run on Linux: run longshore in a Linux machine or virtual machine"
		return f
	}
	var u unix.Utsname
	err := unix.Uname(&u)
	if err == nil {
		f.detail += ", kernel " + unix.ByteSliceToString(u.Release[:])
	}
	return f
}

func (e *examination) checkUser(context.Context) finding {
	f := finding{what: "user"}
	if e.root {
		f.detail = "root"
		return f
	}
	f.verdict, f.detail = lacking, "not root: awsvpc, 169.254.170.2 and limits of whole tasks are off"
	f.mend = "start the daemon with sudo to have them"
	return f
}

func (e *examination) checkFirewall(ctx context.Context) finding {
	f := finding{what: "packet filter", detail: "nft and iptables are here"}
	var absent []string
	for _, tool := range []string{"nft", "iptables"} {
		_, err := exec.LookPath(tool)
		if err != nil {
			absent = append(absent, tool)
		}
	}
	if len(absent) > 0 {
		f.verdict, f.detail = lacking, strings.Join(absent, " and ")+" not found: awsvpc is off"
		f.mend = "apt-get install nftables iptables"
		return f
	}
	if !e.root {
		return f
	}
	out, err := exec.CommandContext(ctx, "nft", "list", "tables").CombinedOutput()
	if err != nil {
		f.verdict, f.detail = lacking, "nft does not work: "+firstLine(out)
		f.mend = "awsvpc needs nf_tables in the kernel: modprobe nf_tables"
	}
	return f
}

func (e *examination) checkForwarding(context.Context) finding {
	f := finding{what: "ip forwarding", detail: "on"}
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err == nil && strings.TrimSpace(string(b)) == "1" {
		return f
	}
	f.verdict, f.detail = lacking, "off: tasks reach neither each other nor the network"
	f.mend = "sysctl -w net.ipv4.ip_forward=1 (Docker does it when it starts)"
	return f
}

// metadataAddress is where containers ask for their metadata and credentials.
const metadataAddress = "169.254.170.2"

func (e *examination) checkMetadata(context.Context) finding {
	f := finding{what: "task metadata", detail: metadataAddress + " is free"}
	holder := holderOf(metadataAddress)
	switch {
	case !e.root && !e.running:
		f.verdict, f.detail = lacking, metadataAddress+" can be served by root only: tasks have neither metadata nor roles"
		f.mend = "start the daemon with sudo to have it"
	case !e.root:
		f.detail = "as the daemon says above"
	case holder == "lo":
		f.detail = metadataAddress + " is on lo already; daemons of this machine share it"
	case holder != "":
		f.verdict, f.detail = lacking, fmt.Sprintf("%s is held on %s by something else: tasks' metadata may be off", metadataAddress, holder)
		f.mend = "stop the Amazon ECS agent or ecs-local-container-endpoints if one runs here; ip addr show " + holder
	}
	return f
}

// holderOf names the interface that has an address, or "".
func holderOf(address string) string {
	all, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if strings.HasPrefix(a.String(), address+"/") {
				return i.Name
			}
		}
	}
	return ""
}

func (e *examination) checkDirectory(context.Context) finding {
	dir := e.dir()
	f := finding{what: "data directory", detail: dir}
	if e.running {
		f.detail += " is the daemon's"
		return f
	}
	at := existing(dir)
	err := unix.Access(at, unix.W_OK|unix.X_OK)
	if err != nil {
		f.verdict, f.detail = broken, fmt.Sprintf("%s: %v", at, err)
		f.mend = "make it yours, or choose another with --data-dir DIR"
		return f
	}
	_, err = os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		f.detail += " can be made"
		return f
	}
	f.detail += " is writable"
	return f
}

// existing is the nearest directory above that is there.
func existing(dir string) string {
	for {
		_, err := os.Stat(dir)
		up := filepath.Dir(dir)
		if err == nil || up == dir {
			return dir
		}
		dir = up
	}
}

// Space below which records, logs or images may soon not fit.
const (
	littleSpace = 2 << 30
	noSpace     = 200 << 20
)

func (e *examination) checkSpace(context.Context) finding {
	at := existing(e.dir())
	f := finding{what: "free space"}
	var s unix.Statfs_t
	err := unix.Statfs(at, &s)
	if err != nil {
		f.verdict, f.detail, f.mend = lacking, fmt.Sprintf("%s: %v", at, err), "choose another directory with --data-dir DIR"
		return f
	}
	free := uint64(s.Bavail) * uint64(s.Bsize)
	f.detail = fmt.Sprintf("%.1f GB where %s is", float64(free)/1e9, at)
	switch {
	case free < noSpace:
		f.verdict, f.mend = broken, "free some space, or choose another directory with --data-dir DIR"
	case free < littleSpace:
		f.verdict, f.mend = lacking, "logs and images may soon not fit: docker system prune frees what Docker does not use"
	}
	return f
}

func (e *examination) checkClock(context.Context) finding {
	now := e.r.Now()
	f := finding{what: "clock", detail: now.UTC().Format(time.RFC3339)}
	if now.Year() < 2025 {
		f.verdict, f.mend = broken, "set it: signatures are good for 15 minutes only; timedatectl set-ntp true"
		return f
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err == nil && state == unix.TIME_ERROR {
		f.detail += ", not synchronised: good enough for clients on this machine, not for agents elsewhere"
	}
	return f
}
