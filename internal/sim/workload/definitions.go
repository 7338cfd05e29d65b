package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// family of task definitions, of one client.
type family struct {
	name    string
	image   string
	arn     string         // of the first revision
	revs    map[int]string // acknowledged revisions, and the marker that each was registered with
	asked   map[string]bool
	retired map[int]bool // DeregisterTaskDefinition was sent
	gone    map[int]bool // and acknowledged
}

// shapes of what is run, by weight.
func (c *client) shape() (image, kind string) {
	i := c.load.Images
	shapes := []struct {
		image, kind string
		weight      int
	}{
		{i.Web, "web", 9}, {i.Web, "pair", 4}, {i.Web, "port", 3}, {i.Web, "big", 3}, {i.Health, "health", 4}, {i.Stubborn, "stubborn", 3},
		{i.Slow, "slow", 2}, {i.Job, "job", 4}, {i.Fail, "fail", 3}, {i.Crash, "crash", 3}, {i.OOM, "oom", 1},
		{i.Sick, "sick", 1},
	}
	total := 0
	for _, s := range shapes {
		total += s.weight
	}
	n := c.rand.IntN(total)
	for _, s := range shapes {
		n -= s.weight
		if n < 0 {
			return s.image, s.kind
		}
	}
	return i.Web, "web"
}

// maxFamilies of a client; then it registers further revisions.
const maxFamilies = 8

func (c *client) register(ctx context.Context) error {
	if len(c.families) > 0 && (len(c.families) >= maxFamilies || c.rand.IntN(3) > 0) {
		return c.revise(ctx, some(c.rand, c.families))
	}
	return c.found(ctx)
}

// found a family. The first is one whose tasks run.
func (c *client) found(ctx context.Context) error {
	image, kind := c.load.Images.Web, "web"
	if len(c.families) > 0 {
		image, kind = c.shape()
	}
	f := &family{name: c.fresh(kind), image: image, revs: map[int]string{}, asked: map[string]bool{},
		retired: map[int]bool{}, gone: map[int]bool{}}
	c.families = append(c.families, f)
	return c.revise(ctx, f)
}

func (c *client) revise(ctx context.Context, f *family) error {
	marker := c.fresh("marker")
	f.asked[marker] = true
	out := struct {
		TaskDefinition definition `json:"taskDefinition"`
	}{}
	in := c.definition(f, marker)
	_, err := c.ask(ctx, "RegisterTaskDefinition", in, &out)
	c.refused("RegisterTaskDefinition", in, err)
	if err != nil {
		return err
	}
	rev := out.TaskDefinition.Revision
	old, known := f.revs[rev]
	if known {
		c.violate("D6", "revision %d of %s was given to %s and to %s", rev, f.name, old, marker)
	}
	f.revs[rev] = marker
	if f.arn == "" {
		f.arn = out.TaskDefinition.Arn
	}
	c.load.saw(f.name, rev)
	return nil
}

// definition is the request that registers a revision.
func (c *client) definition(f *family, marker string) object {
	env := []object{{"name": "MARKER", "value": marker}}
	main := object{"name": "main", "image": f.image, "essential": true, "cpu": 32, "memory": 64, "environment": env}
	kind, _, _ := strings.Cut(f.name, "-")
	list := []object{main}
	switch kind {
	case "port":
		main["portMappings"] = []object{{"containerPort": 80, "hostPort": 8080 + len(c.families)}}
	case "web":
		main["portMappings"] = []object{{"containerPort": 80}}
	case "health", "sick":
		main["healthCheck"] = object{"command": []string{"CMD-SHELL", "check"}, "interval": 5, "timeout": 2, "retries": 2}
	case "big":
		main["cpu"], main["memory"] = 256, 1800
	case "stubborn":
		main["stopTimeout"] = 5
	case "pair":
		main["dependsOn"] = []object{{"containerName": "side", "condition": "START"}}
		list = append(list, object{"name": "side", "image": c.load.Images.Web, "essential": false, "cpu": 16,
			"memory": 32, "environment": env})
	}
	return object{"family": f.name, "containerDefinitions": list, "requiresCompatibilities": []string{"EC2"}}
}

// definition as it is read.
type definition struct {
	Arn        string `json:"taskDefinitionArn"`
	Family     string `json:"family"`
	Revision   int    `json:"revision"`
	Status     string `json:"status"`
	Containers []struct {
		Name        string `json:"name"`
		Environment []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"environment"`
	} `json:"containerDefinitions"`
}

// deregister the oldest revision but the first, which carries the tags; the newest two are what is run.
func (c *client) deregister(ctx context.Context) error {
	f := some(c.rand, c.families)
	if f == nil || len(f.revs) < 4 {
		return nil
	}
	revs := sorted(f.revs)
	left := slices.DeleteFunc(revs[1:len(revs)-2], func(r int) bool {
		return f.retired[r] || c.awaits(fmt.Sprintf("%s:%d", f.name, r))
	})
	if len(left) == 0 {
		return nil
	}
	rev := left[0]
	f.retired[rev] = true
	in := object{"taskDefinition": fmt.Sprintf("%s:%d", f.name, rev)}
	_, err := c.ask(ctx, "DeregisterTaskDefinition", in, nil)
	c.refused("DeregisterTaskDefinition", in, err)
	if err == nil {
		f.gone[rev] = true
	}
	return err
}

func (c *client) readDefinition(ctx context.Context) error {
	f := some(c.rand, c.families)
	if f == nil || len(f.revs) == 0 {
		return nil
	}
	rev := sorted(f.revs)[c.rand.IntN(len(f.revs))]
	return c.checkRevision(ctx, f, rev)
}

// checkRevision expects a revision to be there whole.
func (c *client) checkRevision(ctx context.Context, f *family, rev int) error {
	out := struct {
		TaskDefinition definition `json:"taskDefinition"`
	}{}
	in := object{"taskDefinition": fmt.Sprintf("%s:%d", f.name, rev)}
	gone := f.gone[rev]
	_, err := c.ask(ctx, "DescribeTaskDefinition", in, &out)
	if r := refusal(err); r != nil {
		if f.revs[rev] != "" {
			c.violate("D1", "acknowledged revision %d of %s is gone: %v", rev, f.name, r)
		}
		return nil
	}
	if err != nil {
		return err
	}
	td := out.TaskDefinition
	if td.Revision != rev || td.Family != f.name || len(td.Containers) == 0 {
		c.violate("D2", "revision %d of %s reads %s", rev, f.name, brief(td))
	}
	for _, d := range td.Containers {
		marker := ""
		if len(d.Environment) > 0 {
			marker = d.Environment[0].Value
		}
		if known := f.revs[rev]; known != "" && known != marker || !f.asked[marker] {
			c.violate("D1", "revision %d of %s holds %q, acknowledged was %q", rev, f.name, marker, f.revs[rev])
		}
	}
	if gone && td.Status != "INACTIVE" {
		c.violate("D1", "revision %d of %s was deregistered and is %s", rev, f.name, td.Status)
	}
	if !f.retired[rev] && td.Status != "ACTIVE" {
		c.violate("D1", "revision %d of %s was not deregistered and is %s", rev, f.name, td.Status)
	}
	return nil
}

// listDefinitions reads another client's as well as its own: nobody may see less than anybody saw before.
func (c *client) listDefinitions(ctx context.Context) error {
	f := some(c.rand, some(c.rand, c.load.clients).families)
	if f == nil {
		return nil
	}
	return c.newestOf(ctx, f.name)
}

func (c *client) newestOf(ctx context.Context, name string) error {
	before := c.load.highest(name)
	out := struct {
		TaskDefinitionArns []string `json:"taskDefinitionArns"`
	}{}
	in := object{"familyPrefix": name, "sort": "DESC", "maxResults": 1, "status": "ACTIVE"}
	_, err := c.ask(ctx, "ListTaskDefinitions", in, &out)
	c.refused("ListTaskDefinitions", in, err)
	if err != nil {
		return err
	}
	rev := 0
	for _, arn := range out.TaskDefinitionArns {
		rev, err = strconv.Atoi(arn[strings.LastIndexByte(arn, ':')+1:])
		if err != nil {
			c.violate("API", "list of %s names %s", name, arn)
		}
	}
	if rev < before {
		c.violate("D3", "%s ends at revision %d, %d was seen before", name, rev, before)
	}
	c.load.saw(name, rev)
	return nil
}

func (l *Load) saw(family string, rev int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest[family] = max(l.newest[family], rev)
}

func (l *Load) highest(family string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest[family]
}

func keys[V any](m map[int]V) []int {
	out := make([]int, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

func sorted[V any](m map[int]V) []int {
	out := keys(m)
	slices.Sort(out)
	return out
}

// definitionOf picks a revision to run: of a family with one of these images, or any.
func (c *client) definitionOf(good bool) (arn, image string) {
	var fit []*family
	for _, f := range c.families {
		if len(f.revs) > 0 && (!good || !c.load.Images.Doomed(f.image)) {
			fit = append(fit, f)
		}
	}
	f := some(c.rand, fit)
	if f == nil {
		return "", ""
	}
	return fmt.Sprintf("%s:%d", f.name, slices.Max(keys(f.revs))), f.image
}
