package workload

import (
	"context"
	"slices"
)

// record is something small that one client alone writes.
type record struct {
	name  string
	value cell[string]
	on    string // the resource that it is on
}

// maxClusters that a client has made and not deleted.
const maxClusters = 3

func (c *client) createCluster(ctx context.Context) error {
	open := 0
	for _, r := range c.clusters {
		if r.value.value == "ACTIVE" {
			open++
		}
	}
	if open >= maxClusters {
		return c.deleteCluster(ctx)
	}
	r := &record{name: c.fresh("cluster")}
	c.clusters = append(c.clusters, r)
	in := object{"clusterName": r.name, "tags": []object{{"key": "owner", "value": c.name}}}
	err := write(ctx, c, &r.value, "ACTIVE", "CreateCluster", in, nil)
	c.refused("CreateCluster", in, err)
	return err
}

func (c *client) deleteCluster(ctx context.Context) error {
	r := some(c.rand, c.clusters)
	if r == nil || r.value.value != "ACTIVE" || len(r.value.maybe) > 0 {
		return nil
	}
	began := c.load.Now()
	in := object{"cluster": r.name}
	again, err := c.ask(ctx, "DeleteCluster", in, nil)
	if again && refusal(err) != nil { // an earlier try may have deleted it
		r.value.sent("INACTIVE", false, true, began, c.load.Linger)
		c.refused("DeleteCluster", in, err, "ClusterNotFoundException")
		return err
	}
	c.refused("DeleteCluster", in, err)
	r.value.sent("INACTIVE", err == nil, again, c.load.Now(), c.load.Linger)
	return err
}

func (c *client) readClusters(ctx context.Context) error {
	r := some(c.rand, c.clusters)
	if r == nil {
		return nil
	}
	return c.checkCluster(ctx, r)
}

func (c *client) checkCluster(ctx context.Context, r *record) error {
	out := struct {
		Clusters []struct{ ClusterName, Status string }
	}{}
	asked := c.load.Now()
	in := object{"clusters": []string{r.name}}
	_, err := c.ask(ctx, "DescribeClusters", in, &out)
	c.refused("DescribeClusters", in, err)
	if err != nil {
		return err
	}
	status := ""
	if len(out.Clusters) > 0 {
		status = out.Clusters[0].Status
	}
	was := r.value
	if !r.value.read(status, asked) {
		c.violate("D1", "cluster %s is %q, acknowledged was %q (possible: %v)", r.name, status, was.value, was.maybe)
	}
	return nil
}

// tag sets or removes one tag of a task definition.
func (c *client) tag(ctx context.Context) error {
	if len(c.tags) < 3 {
		arn := c.taggable()
		if arn == "" || slices.ContainsFunc(c.tags, func(r *record) bool { return r.on == arn }) {
			return nil
		}
		c.tags = append(c.tags, &record{name: "color", on: arn})
	}
	r := some(c.rand, c.tags)
	if c.rand.IntN(4) == 0 {
		in := object{"resourceArn": r.on, "tagKeys": []string{r.name}}
		err := write(ctx, c, &r.value, "", "UntagResource", in, nil)
		c.refused("UntagResource", in, err)
		return err
	}
	v := c.fresh("color")
	in := object{"resourceArn": r.on, "tags": []object{{"key": r.name, "value": v}}}
	err := write(ctx, c, &r.value, v, "TagResource", in, nil)
	c.refused("TagResource", in, err)
	return err
}

// taggable is the first cluster of its own that it will not delete: the clusters' ARNs are learnt from the list.
func (c *client) taggable() string {
	for _, f := range c.families {
		if f.arn != "" {
			return f.arn
		}
	}
	return ""
}

func (c *client) readTags(ctx context.Context) error {
	r := some(c.rand, c.tags)
	if r == nil {
		return nil
	}
	return c.checkTag(ctx, r)
}

func (c *client) checkTag(ctx context.Context, r *record) error {
	out := struct{ Tags []struct{ Key, Value string } }{}
	asked := c.load.Now()
	in := object{"resourceArn": r.on}
	_, err := c.ask(ctx, "ListTagsForResource", in, &out)
	c.refused("ListTagsForResource", in, err)
	if err != nil {
		return err
	}
	v := ""
	for _, t := range out.Tags {
		if t.Key == r.name {
			v = t.Value
		}
	}
	was := r.value
	if !r.value.read(v, asked) {
		c.violate("D1", "tag of %s is %q, acknowledged was %q (possible: %v)", r.on, v, was.value, was.maybe)
	}
	return nil
}

// mark writes the client's own attribute on one instance.
func (c *client) mark(ctx context.Context) error {
	if c.marks.on == "" {
		c.marks.on = c.anInstance(ctx)
	}
	if c.marks.on == "" {
		return nil
	}
	name := "mark-" + c.name
	v, op := c.fresh("v"), "PutAttributes"
	attribute := object{"name": name, "value": v, "targetType": "container-instance", "targetId": c.marks.on}
	if c.rand.IntN(4) == 0 {
		v, op = "", "DeleteAttributes"
		delete(attribute, "value")
	}
	in := object{"cluster": c.load.Cluster, "attributes": []object{attribute}}
	err := write(ctx, c, &c.marks.value, v, op, in, nil)
	c.refused(op, in, err, "TargetNotFoundException")
	return err
}

// readMarks reads the attribute where it is shown in any state of the instance; the list has ACTIVE ones alone.
func (c *client) readMarks(ctx context.Context) error {
	if c.marks.on == "" {
		return nil
	}
	name := "mark-" + c.name
	list := object{"cluster": c.load.Cluster, "targetType": "container-instance", "attributeName": name}
	_, err := c.ask(ctx, "ListAttributes", list, nil)
	c.refused("ListAttributes", list, err)
	out := struct {
		ContainerInstances []struct {
			Attributes []struct{ Name, Value string }
		}
	}{}
	asked := c.load.Now()
	in := object{"cluster": c.load.Cluster, "containerInstances": []string{c.marks.on}}
	_, err = c.ask(ctx, "DescribeContainerInstances", in, &out)
	c.refused("DescribeContainerInstances", in, err)
	if err != nil || len(out.ContainerInstances) == 0 {
		return err // it may have been deregistered
	}
	v := ""
	for _, a := range out.ContainerInstances[0].Attributes {
		if a.Name == name {
			v = a.Value
		}
	}
	was := c.marks.value
	if !c.marks.value.read(v, asked) {
		c.violate("D1", "attribute mark-%s is %q, acknowledged was %q (possible: %v)", c.name, v, was.value, was.maybe)
	}
	return nil
}

// anInstance of the home cluster.
func (c *client) anInstance(ctx context.Context) string {
	list := c.instances(ctx)
	if len(list) == 0 {
		return ""
	}
	return list[c.rand.IntN(len(list))]
}

func (c *client) instances(ctx context.Context) []string {
	out := struct{ ContainerInstanceArns []string }{}
	in := object{"cluster": c.load.Cluster}
	_, err := c.ask(ctx, "ListContainerInstances", in, &out)
	c.refused("ListContainerInstances", in, err)
	if err != nil {
		return nil
	}
	return out.ContainerInstanceArns
}

// drain sends the tasks of an instance elsewhere, or takes it back. One instance at a time, by one client.
func (c *client) drain(ctx context.Context) error {
	if !c.first {
		return nil
	}
	if len(c.drained) > 0 {
		return c.undrain(ctx)
	}
	instance := c.anInstance(ctx)
	if instance == "" {
		return nil
	}
	c.drained = append(c.drained, instance)
	return c.setState(ctx, instance, "DRAINING")
}

func (c *client) undrain(ctx context.Context) error {
	for len(c.drained) > 0 {
		err := c.readInstances(ctx)
		if err != nil {
			return err
		}
		err = c.setState(ctx, c.drained[0], "ACTIVE")
		if err != nil {
			return err
		}
		c.drained = c.drained[1:]
	}
	return nil
}

func (c *client) setState(ctx context.Context, instance, status string) error {
	if c.state.on != instance {
		c.state = record{on: instance, value: cell[string]{value: "ACTIVE"}}
	}
	in := object{"cluster": c.load.Cluster, "containerInstances": []string{instance}, "status": status}
	err := write(ctx, c, &c.state.value, status, "UpdateContainerInstancesState", in, nil)
	c.refused("UpdateContainerInstancesState", in, err)
	return err
}

func (c *client) readInstances(ctx context.Context) error {
	list := c.instances(ctx)
	if len(list) == 0 {
		return nil
	}
	out := struct {
		ContainerInstances []struct{ ContainerInstanceArn, Status string }
	}{}
	asked := c.load.Now()
	in := object{"cluster": c.load.Cluster, "containerInstances": list}
	_, err := c.ask(ctx, "DescribeContainerInstances", in, &out)
	c.refused("DescribeContainerInstances", in, err)
	for _, i := range out.ContainerInstances {
		was := c.state
		if i.ContainerInstanceArn == was.on && i.Status != "INACTIVE" && !c.state.value.read(i.Status, asked) {
			c.violate("D1", "instance %s is %s, acknowledged was %s (possible: %v)", was.on, i.Status, was.value.value,
				was.value.maybe)
		}
	}
	return err
}

// setting writes an account setting that nothing here depends on.
func (c *client) setting(ctx context.Context) error {
	if !c.first {
		return nil
	}
	v := []string{"enabled", "disabled"}[c.rand.IntN(2)]
	in := object{"name": "containerInsights", "value": v}
	_, err := c.ask(ctx, "PutAccountSetting", in, nil)
	c.refused("PutAccountSetting", in, err)
	return err
}
