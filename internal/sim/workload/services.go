package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// service of one client.
type service struct {
	name    string
	in      object
	made    bool // acknowledged
	at      cell[int]
	runs    cell[string] // task definition
	deleted bool         // DeleteService was sent
	gone    bool         // and acknowledged
	began   time.Time
	breaker bool // what runs is not always what was asked for
	left    bool // nobody changes it
}

// maxServices that a client keeps.
const maxServices = 2

// alive are the services that a client changes.
func (c *client) alive() []*service {
	return slices.DeleteFunc(slices.Clone(c.services), func(s *service) bool { return s.deleted || s.left })
}

func (c *client) createService(ctx context.Context) error {
	for _, s := range c.alive() {
		if !s.made {
			return c.create(ctx, s)
		}
	}
	definition, _ := c.definitionOf(true)
	if len(c.alive()) >= maxServices || definition == "" {
		return c.scale(ctx)
	}
	low, high := c.drawPercents()
	s := &service{name: c.fresh("svc"), began: c.load.Now(), breaker: true}
	count := 1 + c.rand.IntN(4)
	s.in = object{"cluster": c.load.Cluster, "serviceName": s.name, "taskDefinition": definition, "desiredCount": count,
		"launchType": "EC2", "clientToken": s.name, "deploymentConfiguration": object{"minimumHealthyPercent": low,
			"maximumPercent": high, "deploymentCircuitBreaker": object{"enable": true, "rollback": c.rand.IntN(3) > 0}}}
	if c.rand.IntN(5) == 0 {
		s.in["availabilityZoneRebalancing"] = "DISABLED"
	}
	if c.first && c.rand.IntN(4) == 0 {
		s.in["schedulingStrategy"] = "DAEMON"
		s.in["deploymentConfiguration"] = object{"minimumHealthyPercent": 0, "maximumPercent": 100}
		delete(s.in, "desiredCount")
		delete(s.in, "availabilityZoneRebalancing")
		count = 0
	}
	s.at.value, s.runs.value = count, definition
	c.services = append(c.services, s)
	return c.create(ctx, s)
}

// abandon makes a service that cannot run and leaves it alone, so that its circuit breaker has the time to trip. Among
// clients in a hurry no other deployment lives that long.
func (c *client) abandon(ctx context.Context) error {
	for _, s := range c.services {
		switch {
		case s.left && !s.made && !s.deleted:
			return c.create(ctx, s)
		case s.left:
			return nil
		}
	}
	f := &family{name: c.fresh("crash"), image: c.load.Images.Crash, revs: map[int]string{}, asked: map[string]bool{},
		retired: map[int]bool{}, gone: map[int]bool{}}
	err := c.revise(ctx, f)
	if err != nil {
		return err
	}
	definition := fmt.Sprintf("%s:%d", f.name, slices.Max(keys(f.revs)))
	s := &service{name: c.fresh("left"), began: c.load.Now(), breaker: true, left: true}
	s.at.value, s.runs.value = 1+c.rand.IntN(3), definition
	s.in = object{"cluster": c.load.Cluster, "serviceName": s.name, "taskDefinition": definition,
		"desiredCount": s.at.value, "launchType": "EC2", "clientToken": s.name, "deploymentConfiguration": object{
			"deploymentCircuitBreaker": object{"enable": true, "rollback": true}}}
	c.services = append(c.services, s)
	return c.create(ctx, s)
}

// awaits says that a service of the definition is still to be made: its creation will be tried again as it was.
func (c *client) awaits(definition string) bool {
	return slices.ContainsFunc(c.services, func(s *service) bool {
		return !s.made && !s.deleted && s.runs.value == definition
	})
}

func (s *service) daemon() bool { return s.in["schedulingStrategy"] == "DAEMON" }

func (c *client) create(ctx context.Context, s *service) error {
	_, err := c.ask(ctx, "CreateService", s.in, nil)
	c.refused("CreateService", s.in, err)
	s.began = c.load.Now()
	s.made = s.made || err == nil
	s.deleted = s.deleted || refusal(err) != nil
	return err
}

// drawPercents that leave room for a deployment.
func (c *client) drawPercents() (low, high int) {
	pairs := [][2]int{{100, 200}, {50, 200}, {50, 150}, {66, 134}, {0, 100}, {75, 125}, {34, 100}, {100, 150}}
	p := pairs[c.rand.IntN(len(pairs))]
	return p[0], p[1]
}

// own service that an update may go to.
func (c *client) own() *service {
	s := some(c.rand, c.alive())
	if s == nil || !s.made {
		return nil
	}
	return s
}

func (c *client) scale(ctx context.Context) error {
	s := c.own()
	if s == nil || s.daemon() {
		return nil
	}
	n := c.rand.IntN(6)
	in := object{"cluster": c.load.Cluster, "service": s.name, "desiredCount": n}
	err := write(ctx, c, &s.at, n, "UpdateService", in, nil)
	c.refused("UpdateService", in, err)
	return err
}

// deploy another revision, in one of three cases one that does not work.
func (c *client) deploy(ctx context.Context) error {
	s := c.own()
	if s == nil {
		return nil
	}
	definition, _ := c.definitionOf(c.rand.IntN(3) > 0)
	if definition == "" {
		return nil
	}
	in := object{"cluster": c.load.Cluster, "service": s.name, "taskDefinition": definition}
	if c.rand.IntN(3) == 0 && !s.daemon() {
		low, high := c.drawPercents()
		in["deploymentConfiguration"] = object{"minimumHealthyPercent": low, "maximumPercent": high,
			"deploymentCircuitBreaker": object{"enable": true, "rollback": true}}
	}
	err := write(ctx, c, &s.runs, definition, "UpdateService", in, nil)
	c.refused("UpdateService", in, err, "ClientException")
	return err
}

func (c *client) force(ctx context.Context) error {
	s := c.own()
	if s == nil {
		return nil
	}
	in := object{"cluster": c.load.Cluster, "service": s.name, "forceNewDeployment": true}
	_, err := c.ask(ctx, "UpdateService", in, nil)
	c.refused("UpdateService", in, err)
	return err
}

func (c *client) percents(ctx context.Context) error {
	s := c.own()
	if s == nil || s.daemon() {
		return nil
	}
	low, high := c.drawPercents()
	in := object{"cluster": c.load.Cluster, "service": s.name, "deploymentConfiguration": object{
		"minimumHealthyPercent": low, "maximumPercent": high}}
	_, err := c.ask(ctx, "UpdateService", in, nil)
	c.refused("UpdateService", in, err)
	return err
}

// deleteService deletes what no late CreateService can make again.
func (c *client) deleteService(ctx context.Context) error {
	s := c.own()
	if s == nil || c.load.Now().Sub(s.began) < c.load.Linger || c.rand.IntN(2) == 0 {
		return nil
	}
	s.deleted = true
	in := object{"cluster": c.load.Cluster, "service": s.name, "force": true}
	again, err := c.ask(ctx, "DeleteService", in, nil)
	if again {
		c.refused("DeleteService", in, err, "ServiceNotFoundException")
	} else {
		c.refused("DeleteService", in, err)
	}
	s.gone = err == nil
	return err
}

// stopDeployment ends a deployment that is on its way.
func (c *client) stopDeployment(ctx context.Context) error {
	s := c.own()
	if s == nil || s.daemon() {
		return nil
	}
	out := struct {
		ServiceDeployments []struct{ ServiceDeploymentArn, Status string }
	}{}
	in := object{"cluster": c.load.Cluster, "service": s.name}
	_, err := c.ask(ctx, "ListServiceDeployments", in, &out)
	c.refused("ListServiceDeployments", in, err)
	for _, d := range out.ServiceDeployments {
		if d.Status == "IN_PROGRESS" {
			stop := object{"serviceDeploymentArn": d.ServiceDeploymentArn, "stopType": "ROLLBACK"}
			_, err = c.ask(ctx, "StopServiceDeployment", stop, nil)
			c.refused("StopServiceDeployment", stop, err, "ConflictException", "ServiceDeploymentNotFoundException")
			break
		}
	}
	return err
}

// serviceRead is a service as it is read.
type serviceRead struct {
	ServiceName, Status, TaskDefinition string
	DesiredCount                        int
	RunningCount, PendingCount          int
	Deployments                         []struct {
		Status, RolloutState, TaskDefinition string
		DesiredCount                         int
	}
}

func (c *client) readServices(ctx context.Context) error {
	s := some(c.rand, c.services)
	if s == nil {
		return nil
	}
	return c.checkService(ctx, s)
}

func (c *client) checkService(ctx context.Context, s *service) error {
	out := struct {
		Services []serviceRead
		Failures []failure
	}{}
	in := object{"cluster": c.load.Cluster, "services": []string{s.name}}
	asked := c.load.Now()
	made, deleted, gone := s.made, s.deleted, s.gone
	_, err := c.ask(ctx, "DescribeServices", in, &out)
	c.refused("DescribeServices", in, err)
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		if made {
			c.violate("D1", "acknowledged service %s is gone: %s", s.name, brief(out.Failures))
		}
		return nil
	}
	r := out.Services[0]
	switch {
	case gone && r.Status == "ACTIVE":
		c.violate("D1", "service %s was deleted and is %s", s.name, r.Status)
	case !deleted && r.Status != "ACTIVE":
		c.violate("D1", "service %s was not deleted and is %s", s.name, r.Status)
	case deleted:
	case !s.daemon() && !s.at.read(r.DesiredCount, asked):
		c.violate("D1", "service %s: desired count %d was acknowledged (%v are possible), %d is there", s.name,
			s.at.value, s.at.maybe, r.DesiredCount)
	case len(r.Deployments) == 0:
		c.violate("D2", "service %s has no deployment", s.name)
	}
	c.checkPrimary(s, r, deleted)
	return nil
}

// checkPrimary expects one PRIMARY deployment, of a revision that was asked for at some time.
func (c *client) checkPrimary(s *service, r serviceRead, deleted bool) {
	primary := 0
	for _, d := range r.Deployments {
		if d.Status == "PRIMARY" {
			primary++
		}
	}
	if !deleted && primary != 1 {
		c.violate("D2", "service %s has %d PRIMARY deployments: %s", s.name, primary, brief(r))
	}
}

// settleService expects the service to run the revision that was acknowledged last, unless a deployment of it failed.
func (c *client) settleService(ctx context.Context, s *service) error {
	err := c.checkService(ctx, s)
	if err != nil || !s.made || s.deleted {
		return err
	}
	r, err := c.scaledIn(ctx, s)
	if err != nil || r.ServiceName == "" {
		return err
	}
	short := definitionOf(r)
	if !s.runs.may(short) && !s.breaker {
		c.violate("D1", "service %s: %s was acknowledged, %s is there", s.name, s.runs.value, short)
	}
	if c.over(s, r) {
		c.violate("O4", "service %s runs %d of %d tasks long after the last change: %s", s.name, r.RunningCount,
			r.DesiredCount, brief(r))
	}
	return nil
}

// scaledIn reads a service again while it runs more than it is asked to. Settling itself puts drained instances back,
// and a rollout that had no room goes on at that moment: up to maximumPercent until its tasks are healthy.
func (c *client) scaledIn(ctx context.Context, s *service) (serviceRead, error) {
	const every, bound = 3 * time.Second, 5 * time.Minute
	for waited := time.Duration(0); ; waited += every {
		out := struct{ Services []serviceRead }{}
		_, err := c.ask(ctx, "DescribeServices", object{"cluster": c.load.Cluster, "services": []string{s.name}}, &out)
		if err != nil || len(out.Services) == 0 {
			return serviceRead{}, err
		}
		r := out.Services[0]
		if waited >= bound || !c.over(s, r) {
			return r, nil
		}
		err = pause(ctx, every)
		if err != nil {
			return serviceRead{}, err
		}
	}
}

// over says whether a service, of tasks that can be healthy, runs more of them than it is asked to.
func (c *client) over(s *service, r serviceRead) bool {
	return r.RunningCount > r.DesiredCount && !s.daemon() && !c.load.Images.Doomed(c.imageOf(definitionOf(r)))
}

func definitionOf(r serviceRead) string {
	return r.TaskDefinition[strings.LastIndexByte(r.TaskDefinition, '/')+1:]
}

func (c *client) imageOf(definition string) string {
	name, _, _ := strings.Cut(definition, ":")
	for _, f := range c.families {
		if f.name == name {
			return f.image
		}
	}
	return fmt.Sprintf("of %s", definition)
}
