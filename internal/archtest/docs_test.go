package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longshore/internal/cli"
)

// document is one Markdown file, taken apart.
type document struct {
	path  string // from the root
	prose string // without fenced blocks
	spans []string
	fence []block
}

// block is a fenced block; lang is what stands behind the fence.
type block struct{ lang, text string }

var (
	fenceForm = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	spanForm  = regexp.MustCompile("`([^`\n]+)`")
	linkForm  = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	headForm  = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// documents are all Markdown files of the tree.
func documents(t *testing.T) []document {
	t.Helper()
	var out []document
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".."
		if d.IsDir() && (hidden || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".md") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		out = append(out, parseDocument(filepath.ToSlash(strings.TrimPrefix(p, root+"/")), string(b)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 12 {
		t.Fatalf("found only %d documents: the walk is broken", len(out))
	}
	return out
}

func parseDocument(name, text string) document {
	d := document{path: name, prose: fenceForm.ReplaceAllString(text, "")}
	for _, m := range fenceForm.FindAllStringSubmatch(text, -1) {
		d.fence = append(d.fence, block{m[1], m[2]})
	}
	for _, m := range spanForm.FindAllStringSubmatch(d.prose, -1) {
		d.spans = append(d.spans, m[1])
	}
	return d
}

// typed is what a reader may type: shell blocks and spans, one command line each.
func (d document) typed() []string {
	out := slices.Clone(d.spans)
	for _, b := range d.fence {
		if b.lang == "sh" {
			out = append(out, strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")...)
		}
	}
	return out
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}

func TestEveryLinkInTheDocumentsResolves(t *testing.T) {
	all := documents(t)
	anchors := map[string][]string{}
	for _, d := range all {
		for _, m := range headForm.FindAllStringSubmatch(d.prose, -1) {
			anchors[d.path] = append(anchors[d.path], slug(m[1]))
		}
	}
	for _, d := range all {
		for _, m := range linkForm.FindAllStringSubmatch(d.prose, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := path.Join(path.Dir(d.path), file)
			if file == "" {
				to = d.path
			}
			if !exists(to) {
				t.Errorf("%s links to %s, which does not exist", d.path, m[1])
			}
			if anchor != "" && !slices.Contains(anchors[to], anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", d.path, m[1], to)
			}
		}
	}
}

// slug is the anchor of a heading.
func slug(heading string) string {
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(strings.TrimSpace(heading)))
}

var (
	makeForm   = regexp.MustCompile(`(?:^|[\s(])make ([a-z][a-z0-9-]*)`)
	targetForm = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

func TestEveryMakeTargetInTheDocumentsExists(t *testing.T) {
	b, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{}
	for _, m := range targetForm.FindAllStringSubmatch(string(b), -1) {
		targets = append(targets, m[1])
	}
	for _, d := range documents(t) {
		for _, line := range d.typed() {
			for _, m := range makeForm.FindAllStringSubmatch(line, -1) {
				if !slices.Contains(targets, m[1]) {
					t.Errorf("%s says make %s; the Makefile has %v", d.path, m[1], targets)
				}
			}
		}
	}
}

var (
	commandForm = regexp.MustCompile(`(?:^|[\s"(/])longshore( [^|;&)>#]*)`)
	wordForm    = regexp.MustCompile(`^[a-z][a-z-]*$`)
	flagForm    = regexp.MustCompile(`^--?[a-z][a-z-]*`)
)

// help is what a command says of itself, "" for none of that name.
func help(t *testing.T, command string) string {
	t.Helper()
	var out, notes bytes.Buffer
	none := func(string) (string, bool) { return "", false }
	cli.Main(t.Context(), cli.Process{Args: []string{command, "--help"}, Out: &out, Notes: &notes, Env: none})
	if !strings.HasPrefix(out.String(), "Usage: longshore "+command) {
		return ""
	}
	return out.String()
}

func TestEveryCommandAndFlagInTheDocumentsExists(t *testing.T) {
	known := map[string]string{}
	seen := 0
	for _, d := range documents(t) {
		for _, line := range d.typed() {
			for _, m := range commandForm.FindAllStringSubmatch(line, -1) {
				words := strings.Fields(m[1])
				if len(words) == 0 || !wordForm.MatchString(words[0]) {
					continue
				}
				seen++
				_, asked := known[words[0]]
				if !asked {
					known[words[0]] = help(t, words[0])
				}
				checkCommand(t, d.path, words, known[words[0]])
			}
		}
	}
	if seen < 20 {
		t.Errorf("found only %d commands in the documents: the pattern is broken", seen)
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+) {2,}`).FindAllStringSubmatch(usage(t), -1) {
		if known[m[1]] == "" && m[1] != "version" {
			t.Errorf("no document names longshore %s", m[1])
		}
	}
}

func checkCommand(t *testing.T, file string, words []string, says string) {
	t.Helper()
	if says == "" {
		t.Errorf("%s says longshore %s, which is no command", file, words[0])
		return
	}
	for _, w := range words[1:] {
		flag := flagForm.FindString(strings.TrimLeft(w, `[`))
		if flag == "" {
			continue
		}
		there := regexp.MustCompile(`(?m)(?:^|[ ,])` + flag + `(?:[=, ]|$)`)
		if !there.MatchString(says) {
			t.Errorf("%s says longshore %s %s, which has no such flag", file, words[0], flag)
		}
	}
}

func usage(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	cli.Main(t.Context(), cli.Process{Args: []string{"--help"}, Out: &out, Notes: &out})
	return out.String()
}

var pathForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(/[A-Za-z0-9_.-]+)+/?$`)

// A span that begins like a directory of the tree is a path, from the root or from internal.
func TestEveryPathNamedInTheDocumentsExists(t *testing.T) {
	for _, d := range documents(t) {
		for _, s := range d.spans {
			first, _, _ := strings.Cut(s, "/")
			if !pathForm.MatchString(s) || !exists(first) && !exists("internal/"+first) || s == "bin/longshore" ||
				s == "bench/last.json" {
				continue
			}
			if !exists(s) && !exists("internal/"+s) {
				t.Errorf("%s names %s, which does not exist", d.path, s)
			}
		}
	}
}

// The tree of ARCHITECTURE.md: two spaces a level, names end in a slash.
func TestTheTreeInTheArchitectureIsTheTree(t *testing.T) {
	b, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "## The tree")
	m := fenceForm.FindStringSubmatch(rest)
	if m == nil {
		t.Fatal("ARCHITECTURE.md has no tree")
	}
	var above []string
	for line := range strings.Lines(m[2]) {
		words := strings.Fields(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		above = append(above[:min(depth, len(above))], words[0])
		own, parent := path.Join(above...), path.Join(above[:len(above)-1]...)
		if !exists(own) {
			t.Errorf("the tree names %s, which does not exist", own)
		}
		for _, w := range words[1:] {
			w = strings.TrimRight(w, ":;,.")
			if strings.HasSuffix(w, "/") && !exists(path.Join(own, w)) && !exists(path.Join(parent, w)) && !exists(w) {
				t.Errorf("the tree names %s below %s, which does not exist", w, own)
			}
		}
	}
}

var nounRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| `([^`]+)` \\|")

func TestTheGlossaryIsTheTree(t *testing.T) {
	b, err := os.ReadFile(root + "/docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	named := []string{}
	for _, m := range nounRow.FindAllStringSubmatch(string(b), -1) {
		named = append(named, m[1])
		if !exists(m[1]) {
			t.Errorf("the glossary names %s, which does not exist", m[1])
		}
	}
	for _, s := range sources(t) {
		noun := s.path
		if strings.HasPrefix(s.pkg, "internal/control/") {
			noun = s.pkg
		} else if s.pkg != "internal/state" || path.Base(noun) == "doc.go" || path.Base(noun) == "arns.go" {
			continue
		}
		if !s.test && !slices.Contains(named, noun) {
			t.Errorf("%s is not in docs/glossary.md", noun)
		}
	}
}
