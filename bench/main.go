package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// figure is one measured value and what it is compared with.
type figure struct {
	Name      string  `json:"name"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Peer      string  `json:"peer"`
	PeerValue float64 `json:"peer_value"`
	Ratio     float64 `json:"ratio"`
	Target    string  `json:"target"`
}

// bench is one run.
type bench struct {
	context.Context
	bin     string
	dir     string // temporary
	image   string
	figures []figure
}

func (b *bench) add(f figure) {
	if f.PeerValue != 0 {
		f.Ratio = f.Value / f.PeerValue
	}
	b.figures = append(b.figures, f)
	fmt.Fprintf(os.Stderr, "  %s: %.3g %s (%s: %.3g, ratio %.3g)\n", f.Name, f.Value, f.Unit, f.Peer, f.PeerValue, f.Ratio)
}

// part is a group of figures that are measured together.
type part struct {
	name  string
	run   func(*bench) error
	probe bool // it runs containers of the probe's image
}

// parts in the order of the table.
func parts() []part {
	return []part{
		{"boot", boot, false}, {"bridge", bridgeStart, true}, {"awsvpc", awsvpcStart, true}, {"service", service50, true},
		{"describe", describeServices, false}, {"register", registerTaskDefinition, false},
		{"placement", placement, false},
		{"store", durable, false}, {"restart", restart, false}, {"million", heldMillion, false},
		{"api", heldAPI, false}, {"calls", burst, false}, {"waiters", waiters, false}, {"cpu", controlPlane, false},
	}
}

func partNames() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// chosen are the parts to run, in the order of the table.
func chosen(only string) ([]part, error) {
	if only == "" {
		return parts(), nil
	}
	asked := strings.Split(only, ",")
	for _, name := range asked {
		if !slices.Contains(partNames(), name) {
			return nil, fmt.Errorf("-only %s is not known: say one or more of %s", name, strings.Join(partNames(), ","))
		}
	}
	return slices.DeleteFunc(parts(), func(p part) bool { return !slices.Contains(asked, p.name) }), nil
}

func main() {
	only := flag.String("only", "", "comma-separated parts: "+strings.Join(partNames(), ",")+"; empty = all")
	bin := flag.String("bin", "bin/longshore", "the binary to measure")
	out := flag.String("out", "bench/last.json", "where the figures go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, *bin, *out, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, out, only string) error {
	todo, err := chosen(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "longshore-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	b := &bench{Context: ctx, bin: bin, dir: dir}
	where := machine(ctx)
	if slices.ContainsFunc(todo, func(p part) bool { return p.probe }) {
		err = b.loadImage()
		if err != nil {
			return fmt.Errorf("load the probe image: %w", err)
		}
	}
	for _, p := range todo {
		fmt.Fprintf(os.Stderr, "%s …\n", p.name)
		err := p.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Printf("%s\n\n", where)
	b.print()
	text, err := json.MarshalIndent(b.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

func (b *bench) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tvalue\tunit\tpeer\tpeer value\tratio\tto reach")
	for _, f := range b.figures {
		peer, ratio := "", ""
		if f.PeerValue != 0 {
			peer, ratio = fmt.Sprintf("%.4g", f.PeerValue), fmt.Sprintf("%.3g×", f.Ratio)
		}
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.Value, f.Unit, f.Peer, peer, ratio, f.Target)
	}
	_ = w.Flush() // to stdout
}
