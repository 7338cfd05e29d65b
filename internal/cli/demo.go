package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"longshore/internal/gen/ecswire"
	"longshore/internal/node/docker"
)

type demoCommand struct {
	installation
	Down       bool   `help:"Remove the demo's service, task definitions, log group, cluster and image."`
	DockerHost string `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
}

// What the demo is made of.
const (
	demoCluster = "demo"
	demoService = "web"
	demoFamily  = "web"
	demoGroup   = "/ecs/demo"
	demoPort    = 8080
	demoTasks   = 3
)

// demo is one run of the command.
type demo struct {
	r       *run
	api     *client
	engine  *docker.Engine
	screen  *screen
	flag    string // --data-dir of the commands to type next
	vpc     bool   // awsvpc works here
	account string
}

// Run deploys the demo, or takes it away.
func (c *demoCommand) Run(r *run) error {
	api, err := c.connect(r)
	if err != nil {
		return err
	}
	engine, err := docker.New(docker.Config{Host: c.DockerHost, Log: logger(r.Notes, false)})
	if err != nil {
		return err
	}
	defer engine.Close()
	d := &demo{r: r, api: api, engine: engine, screen: newScreen(r), flag: c.flag(), vpc: true}
	if c.Down {
		return d.down(r)
	}
	return d.up(r)
}

func (d *demo) up(ctx context.Context) error {
	err := d.look(ctx)
	if err != nil {
		return err
	}
	image, err := d.load(ctx)
	if err != nil {
		return err
	}
	err = d.prepare(ctx)
	if err != nil {
		return err
	}
	definition, err := d.register(ctx, image)
	if err != nil {
		return err
	}
	err = d.deploy(ctx, definition)
	if err != nil {
		return err
	}
	w := watch{
		photographer: &photographer{api: d.api, cluster: demoCluster, services: []string{demoService}, known: definitions{}},
		screen:       d.screen, now: d.r.Now,
	}
	err = d.screen.print("")
	if err != nil {
		return err
	}
	p, err := w.untilSteady(ctx)
	if err != nil {
		return err
	}
	return d.prove(ctx, p)
}

// look asks the daemon what works on its machine.
func (d *demo) look(ctx context.Context) error {
	var health struct {
		Off []string `json:"off"`
	}
	err := d.api.get(ctx, "/_longshore/health", &health)
	if err != nil {
		return err
	}
	for _, off := range health.Off {
		switch {
		case strings.HasPrefix(off, "containers:"):
			return fmt.Errorf("the daemon cannot run containers: %s; longshore doctor says how to mend it",
				strings.TrimPrefix(off, "containers: "))
		case strings.HasPrefix(off, "awsvpc"):
			d.vpc = false
			err = d.screen.print(d.ok("off", off+" (the demo uses bridge mode instead)"))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ok is the line of a step that is done.
func (d *demo) ok(what, result string) string {
	return fmt.Sprintf("%s %-16s %s", d.screen.ink.paint(green, "✓"), what, result)
}

// load puts the image into the engine, unless it is there.
func (d *demo) load(ctx context.Context) (demoImage, error) {
	self, err := os.Executable()
	if err != nil {
		return demoImage{}, fmt.Errorf("find longshore's own binary: %w", err)
	}
	image, err := newDemoImage(self)
	if err != nil {
		return image, err
	}
	_, err = d.engine.ImageInspect(ctx, image.ref)
	if err == nil {
		return image, d.screen.print(d.ok("image", image.ref+" is loaded already"))
	}
	if !errors.Is(err, docker.ErrNotFound) {
		return image, fmt.Errorf("look into Docker Engine: %w; longshore doctor says what is wrong", err)
	}
	archive := image.reader()
	defer archive.Close()
	err = d.engine.LoadImage(ctx, archive)
	if err != nil {
		return image, fmt.Errorf("load the demo's image: %w; longshore doctor says what is wrong", err)
	}
	return image, d.screen.print(d.ok("image", fmt.Sprintf("%s, made of this binary (%d MB)", image.ref, image.size>>20)))
}

// prove asks a task for its page and prints what it said: an address is only shown once it has answered.
func (d *demo) prove(ctx context.Context, p picture) error {
	var last error
	for _, c := range p.clusters {
		for _, s := range c.services {
			for _, t := range s.tasks {
				for _, a := range addresses(t, p.of) {
					page, err := fetch(ctx, "http://"+a+"/")
					if err != nil {
						last = err
						continue
					}
					return d.finish(s.info, "http://"+a, page)
				}
			}
		}
	}
	if last == nil {
		last = errors.New("no running task has an address")
	}
	return fmt.Errorf("the service is steady but does not answer: %w; longshore doctor looks for the reason", last)
}

func (d *demo) finish(s ecswire.Service, url, page string) error {
	lines := []string{"", d.screen.ink.paint(strong+";"+green, url) + " answers:"}
	for l := range strings.Lines(page) {
		lines = append(lines, "  "+clean(strings.TrimSpace(l)))
	}
	try := []struct{ command, what string }{
		{"curl " + url, "ask it yourself"},
		{d.r.Name + " status" + d.flag, "what runs, and where"},
		{d.r.Name + " logs -f " + demoGroup + d.flag, "its log, live"},
		{d.r.Name + " events --cluster " + demoCluster + d.flag, "what happened, and why"},
		{"eval \"$(" + d.r.Name + " env" + d.flag + ")\"", "keys for the AWS CLI, SDKs and Terraform"},
		{fmt.Sprintf("aws ecs update-service --cluster %s --service %s --desired-count %d", demoCluster, demoService,
			val(s.DesiredCount)+2), "two more"},
		{d.r.Name + " demo" + d.flag, "the next version, without a gap"},
		{d.r.Name + " demo --down" + d.flag, "all of it gone"},
	}
	wide := 0
	for _, t := range try {
		wide = max(wide, len(t.command))
	}
	lines = append(lines, "", d.screen.ink.paint(strong, "Try next"))
	for _, t := range try {
		lines = append(lines, fmt.Sprintf("  %-*s  %s", wide, t.command, d.screen.ink.paint(faint, t.what)))
	}
	return d.screen.print(lines...)
}

// fetch reads one small page. Neither a proxy nor a kept connection stands between.
func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	c := http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, res.Status)
	}
	return string(page), err
}

// ours says whether a task definition was registered by the demo: its image is.
func ours(d *ecswire.TaskDefinition) bool {
	return d != nil && slices.ContainsFunc(d.ContainerDefinitions, func(c ecswire.ContainerDefinition) bool {
		return strings.HasPrefix(val(c.Image), demoRepository+":")
	})
}
