package cli

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"

	"longshore/internal/gen/ecswire"
)

// cell is one column of a row; colours are put on after it was made as wide as its column.
type cell struct {
	text string
	code string
}

// rows lines columns up. The last column is as wide as it is.
func (v view) rows(rows [][]cell) []string {
	var wide []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], width(c.text))
		}
	}
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		var b strings.Builder
		b.WriteString("   ")
		gap := 1
		for i, c := range r {
			if wide[i] == 0 {
				continue
			}
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(v.ink.paint(c.code, c.text))
			gap = 2 + wide[i] - width(c.text)
			if i == 0 && wide[0] == 1 {
				gap = 1 // the mark stands close to what it marks
			}
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}

// waitingAttribute is where the API says why a task still waits: AWS's shape has no member for it.
const waitingAttribute = "longshore.waiting"

func (v view) task(t ecswire.Task, ports map[string][]int32) []cell {
	mark, code := "●", green
	status := val(t.LastStatus)
	switch {
	case status == "STOPPED":
		mark, code = "✗", red
	case val(t.DesiredStatus) == "STOPPED":
		mark, code = "◌", faint
	case status != "RUNNING":
		mark, code = "◐", yellow
	case val(t.HealthStatus) == "UNHEALTHY":
		mark, code = "●", red
	}
	if val(t.DesiredStatus) == "STOPPED" && status != "STOPPED" {
		status += " → STOPPED"
	}
	health := val(t.HealthStatus)
	if health == "UNKNOWN" {
		health = ""
	}
	if val(t.Connectivity) == "DISCONNECTED" {
		health = strings.TrimSpace(health + " agent away")
	}
	age := t.StartedAt
	if age == nil {
		age = t.CreatedAt
	}
	return []cell{
		{text: mark, code: code},
		{text: short(last(val(t.TaskArn)))},
		{text: last(val(t.TaskDefinitionArn))},
		{text: status, code: code},
		{text: strings.ToLower(health), code: healthCode(health)},
		{text: strings.Join(addresses(t, ports), " ")},
		{text: val(t.AvailabilityZone), code: faint},
		{text: v.since(age), code: faint},
		{text: why(t), code: yellow},
	}
}

func healthCode(health string) string {
	if health == "HEALTHY" {
		return green
	}
	return red
}

// short is enough of an id to tell it from the others.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// why says why a task waits, or what has become of it.
func why(t ecswire.Task) string {
	if val(t.DesiredStatus) == "STOPPED" {
		return clean(val(t.StoppedReason))
	}
	for _, a := range t.Attributes {
		if val(a.Name) != waitingAttribute {
			continue
		}
		code, reason, _ := strings.Cut(val(a.Value), ": ")
		return "waits: " + clean(cmp.Or(reason, code))
	}
	if t.PullStartedAt != nil && t.PullStoppedAt == nil {
		return "pulls its images"
	}
	return ""
}

// addresses are HOST:PORT of everything that a task answers on, as far as the API tells.
func addresses(t ecswire.Task, ports map[string][]int32) []string {
	var out []string
	if val(t.LastStatus) != "RUNNING" {
		return nil
	}
	for _, c := range t.Containers {
		for _, b := range c.NetworkBindings {
			host := val(b.BindIP)
			if host == "" || host == "0.0.0.0" || host == "::" {
				host = "127.0.0.1"
			}
			if n := val(b.HostPort); n != 0 {
				out = append(out, net.JoinHostPort(host, strconv.Itoa(int(n))))
			}
		}
	}
	if len(out) > 0 {
		return firstTwo(unique(out))
	}
	ip := privateAddress(t)
	if ip == "" {
		return nil
	}
	for _, p := range ports[val(t.TaskDefinitionArn)] {
		out = append(out, net.JoinHostPort(ip, strconv.Itoa(int(p))))
	}
	if len(out) == 0 {
		return []string{ip}
	}
	return firstTwo(unique(out))
}

func privateAddress(t ecswire.Task) string {
	for _, c := range t.Containers {
		for _, n := range c.NetworkInterfaces {
			if ip := val(n.PrivateIpv4Address); ip != "" {
				return ip
			}
		}
	}
	return ""
}

func unique(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			out = append(out, s)
		}
		seen[s] = true
	}
	return out
}

func firstTwo(list []string) []string {
	if len(list) > 2 {
		return append(list[:2:2], fmt.Sprintf("+%d", len(list)-2))
	}
	return list
}

// failure is the line of a task that ended by itself.
func (v view) failure(t ecswire.Task) string {
	reason := clean(val(t.StoppedReason))
	for _, c := range t.Containers {
		detail := ""
		if c.ExitCode != nil {
			detail = fmt.Sprintf("exit code %d", *c.ExitCode)
		}
		if r := clean(val(c.Reason)); r != "" {
			detail = strings.TrimPrefix(detail+", "+r, ", ")
		}
		if detail != "" {
			reason += fmt.Sprintf(" (%s: %s)", val(c.Name), detail)
			break
		}
	}
	return "    " + v.ink.paint(red, "✗") + " " + short(last(val(t.TaskArn))) + "  " + last(val(t.TaskDefinitionArn)) +
		"  " + v.ink.paint(red, "STOPPED") + "  " + v.since(t.StoppedAt) + " ago  " + reason
}
