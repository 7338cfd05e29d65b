package cli

import (
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

func (v view) task(t ecswire.Task, of definitions) []cell {
	mark, code := "●", green
	status, health := val(t.LastStatus), healthOf(t, of)
	switch {
	case status == "STOPPED":
		mark, code = "✗", red
	case val(t.DesiredStatus) == "STOPPED":
		mark, code = "◌", faint
	case status != "RUNNING":
		mark, code = "◐", yellow
	case health == "unhealthy":
		code = red
	case health == "checking":
		code = yellow
	}
	if val(t.DesiredStatus) == "STOPPED" && status != "STOPPED" {
		status += " → STOPPED"
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
		{text: health, code: healthCode(health)},
		{text: strings.Join(addresses(t, of), " ")},
		{text: val(t.AvailabilityZone), code: faint},
		{text: v.since(age), code: faint},
		{text: why(t), code: yellow},
	}
}

// healthOf is what the health checks say; a task that has none says nothing.
func healthOf(t ecswire.Task, of definitions) string {
	health := strings.ToLower(val(t.HealthStatus))
	switch {
	case health != "unknown":
		return health
	case of[val(t.TaskDefinitionArn)].checked && val(t.LastStatus) == "RUNNING" && val(t.DesiredStatus) == "RUNNING":
		return "checking"
	}
	return ""
}

func healthCode(health string) string {
	switch health {
	case "healthy":
		return green
	case "checking":
		return yellow
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

// why says in few words why a task is not just running; waits has the whole reason.
func why(t ecswire.Task) string {
	code, _ := waiting(t)
	switch {
	case val(t.DesiredStatus) == "STOPPED":
		return clean(val(t.StoppedReason))
	case code != "":
		return "waits: " + code
	case t.PullStartedAt != nil && t.PullStoppedAt == nil:
		return "pulls its images"
	}
	return ""
}

// waiting is the machine's and the people's reason why a task still waits.
func waiting(t ecswire.Task) (string, string) {
	for _, a := range t.Attributes {
		if val(a.Name) == waitingAttribute && val(t.DesiredStatus) != "STOPPED" {
			code, reason, _ := strings.Cut(val(a.Value), ": ")
			return clean(code), clean(reason)
		}
	}
	return "", ""
}

// brief leaves out what AWS puts behind every placement failure.
func brief(s string) string {
	s, _, _ = strings.Cut(s, " For more information, see the Troubleshooting section")
	return longID.ReplaceAllStringFunc(s, short)
}

// waits are the reasons of all tasks that wait, each once.
func waits(tasks []ecswire.Task) []string {
	var out []string
	for _, t := range tasks {
		_, reason := waiting(t)
		if reason != "" {
			out = append(out, brief(reason))
		}
	}
	return unique(out)
}

// addresses are HOST:PORT of everything that a task answers on, as far as the API tells.
func addresses(t ecswire.Task, of definitions) []string {
	var out []string
	if val(t.LastStatus) != "RUNNING" {
		return nil
	}
	for _, c := range t.Containers {
		for _, b := range c.NetworkBindings {
			host := val(b.BindIP)
			anywhere := host == "" || host == "0.0.0.0" || host == "::"
			switch {
			case anywhere && val(t.LaunchType) == "EXTERNAL":
				host = "*" // another machine's, whose address the API does not tell
			case anywhere:
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
	for _, p := range of[val(t.TaskDefinitionArn)].ports {
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

// failures tells what ended by itself, newest first; what ended for one reason is told once.
func (v view) failures(tasks []ecswire.Task) []string {
	var order []string
	same := map[string][]ecswire.Task{}
	for _, t := range tasks {
		reason := failure(t)
		if same[reason] == nil {
			order = append(order, reason)
		}
		same[reason] = append(same[reason], t)
	}
	var out []string
	for _, reason := range order[:min(len(order), shownFailures)] {
		of := same[reason]
		head := fmt.Sprintf("    ✗ %s  %s  STOPPED  %s ago", short(last(val(of[0].TaskArn))),
			last(val(of[0].TaskDefinitionArn)), v.since(of[0].StoppedAt))
		if len(of) > 1 {
			head += fmt.Sprintf(", %d more before it", len(of)-1)
		}
		lines := v.note("", head+"  ", reason)
		lines[0] = strings.Replace(lines[0], "✗", v.ink.paint(red, "✗"), 1)
		lines[0] = strings.Replace(lines[0], "STOPPED", v.ink.paint(red, "STOPPED"), 1)
		out = append(out, lines...)
	}
	return out
}

// failure is why a task ended by itself: its own reason, and the container's where that says more.
func failure(t ecswire.Task) string {
	reason := clean(val(t.StoppedReason))
	for _, c := range t.Containers {
		detail := ""
		if c.ExitCode != nil {
			detail = fmt.Sprintf("exit code %d", *c.ExitCode)
		}
		r := clean(val(c.Reason))
		if r != "" && !strings.Contains(reason, r) {
			detail = strings.TrimPrefix(detail+", "+r, ", ")
		}
		if detail != "" {
			return reason + fmt.Sprintf(" (%s: %s)", val(c.Name), detail)
		}
	}
	return reason
}

// noteLines bounds one note: engines can be very wordy.
const noteLines = 4

// note writes text behind a head, and what does not fit on lines below it.
func (v view) note(code, head, text string) []string {
	words := strings.Fields(text)
	indent := strings.Repeat(" ", 8)
	line, out := head, []string{}
	for i, w := range words {
		joint := " "
		if i == 0 || strings.TrimSpace(line) == "" {
			joint = ""
		}
		if v.width > 0 && width(line+joint+w) > v.width && i > 0 {
			out = append(out, v.ink.paint(code, line))
			line, joint = indent, ""
		}
		if len(out) == noteLines {
			out[noteLines-1] += "…"
			return out
		}
		line += joint + w
	}
	return append(out, v.ink.paint(code, line))
}
