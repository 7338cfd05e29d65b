package engine

import (
	"strconv"
	"strings"
	"time"
)

// behaviour is what a container does.
type behaviour struct {
	start    time.Duration // until it is up
	run      time.Duration // until it ends by itself; negative = never
	exit     int
	stop     time.Duration // from stop signal to end
	left     int           // exit code on a stop signal
	stubborn bool
	after    time.Duration // until its health, or its fate, is known
	sick     bool
	oom      bool
}

// behaviourOf reads the scheme of the package comment.
func behaviourOf(image string, words []string) behaviour {
	b := behaviour{run: -1, exit: 0, after: 10 * time.Second}
	repo, tag := splitTag(image)
	kind, ours := strings.CutPrefix(repo, "sim/")
	if !ours {
		_, kind, ours = strings.Cut(repo, "/sim/")
	}
	if !ours {
		return b
	}
	switch kind {
	case "job":
		b.run = 30 * time.Second
	case "slow":
		b.start = 4 * time.Second
	case "stubborn":
		b.stubborn = true
	case "crash":
		b.run, b.exit = 0, 1
	case "sick":
		b.sick = true
	case "oom":
		b.oom = true
	}
	for _, word := range strings.Split(tag, "_") {
		b.set(strings.Cut(word, "-"))
	}
	for _, word := range words {
		b.set(strings.Cut(word, "="))
	}
	return b
}

func (b *behaviour) set(key, value string, ok bool) {
	if !ok {
		return
	}
	d, badTime := time.ParseDuration(value)
	n, badNumber := strconv.Atoi(value)
	switch {
	case key == "exit" && badNumber == nil:
		b.exit = n
	case key == "left" && badNumber == nil:
		b.left = n
	case badTime != nil:
	case key == "start":
		b.start = d
	case key == "run":
		b.run = d
	case key == "stop":
		b.stop = d
	case key == "after":
		b.after = d
	}
}

// splitTag parts a reference into repository and tag; a digest is no tag.
func splitTag(ref string) (string, string) {
	repo, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		return repo[:i], repo[i+1:]
	}
	return repo, ""
}
