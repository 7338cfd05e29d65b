package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"
)

type attribute struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

type resource struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Integer int      `json:"integerValue,omitempty"`
	Strings []string `json:"stringSetValue,omitzero"`
}

type device struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type registration struct {
	Cluster     string      `json:"cluster"`
	ARN         string      `json:"containerInstanceArn,omitempty"`
	ClientToken string      `json:"clientToken"`
	Document    string      `json:"instanceIdentityDocument"`
	Signature   string      `json:"instanceIdentityDocumentSignature"`
	Attributes  []attribute `json:"attributes"`
	Resources   []resource  `json:"totalResources"`
	Devices     []device    `json:"platformDevices,omitempty"`
	Tags        []tag       `json:"tags,omitempty"`
}

type registered struct {
	Instance struct {
		ARN        string      `json:"containerInstanceArn"`
		Attributes []attribute `json:"attributes"`
	} `json:"containerInstance"`
}

// join registers the instance, under its old name if it has one, and tries until the server has answered.
func (a *Agent) join(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := a.register(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case kindOf(err) == "ClusterNotFoundException":
			if a.cfg.Cluster == "default" {
				// As the official agent does: the default cluster comes into being with its first instance.
				_ = a.api.call(ctx, "CreateCluster", map[string]string{"clusterName": "default"}, nil)
			}
		case final(err) && a.arn() != "":
			a.cfg.Log.Warn("the server does not know this instance any more, registering anew", "op", "register", "err", err)
			err = a.startOver()
			if err != nil {
				return err
			}
			continue
		case final(err):
			return fmt.Errorf("register container instance: %w", err)
		}
		wait := a.jitter(backoff(attempt, time.Second, time.Minute))
		a.cfg.Log.Warn("cannot register yet", "cluster", a.cfg.Cluster, "op", "register", "err", err)
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// startOver gives up the old name; what still runs under it is disowned and removed.
func (a *Agent) startOver() error {
	a.mu.Lock()
	m := a.machine
	a.machine, a.id = nil, identity{}
	a.mu.Unlock()
	a.keys.reject()
	if m != nil {
		m.Disown()
	}
	return forgetIdentity(a.cfg.DataDir)
}

func (a *Agent) register(ctx context.Context) error {
	in := registration{
		Cluster: a.cfg.Cluster, ARN: a.arn(), ClientToken: a.cfg.NewID(), Attributes: a.attributes(),
		Resources: a.cfg.Resources.list(),
	}
	for _, id := range a.cfg.Resources.GPUs {
		in.Devices = append(in.Devices, device{ID: id, Type: "GPU"})
	}
	for _, k := range slices.Sorted(maps.Keys(a.cfg.Tags)) {
		in.Tags = append(in.Tags, tag{Key: k, Value: a.cfg.Tags[k]})
	}
	var out registered
	err := a.api.call(ctx, "RegisterContainerInstance", in, &out)
	if err != nil {
		return err
	}
	if out.Instance.ARN == "" {
		return errors.New("register container instance: the answer has no ARN")
	}
	err = echoed(in.Attributes, out.Instance.Attributes)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.id.Cluster, a.id.ARN = a.cfg.Cluster, out.Instance.ARN
	id := a.id
	a.mu.Unlock()
	return id.save(a.cfg.DataDir)
}

// echoed checks that the server kept every attribute with a value, as the official agent does: one that is lost
// would silently misplace tasks.
func echoed(sent, got []attribute) error {
	have := map[string]string{}
	for _, at := range got {
		have[at.Name] = at.Value
	}
	for _, at := range sent {
		if have[at.Name] != at.Value {
			return &apiError{
				Op: "RegisterContainerInstance", Status: http.StatusBadRequest, Kind: "AttributeValidation",
				Message: fmt.Sprintf("attribute %s was sent as %q and came back as %q", at.Name, at.Value, have[at.Name]),
			}
		}
	}
	return nil
}

func (r Resources) list() []resource {
	return []resource{
		{Name: "CPU", Type: "INTEGER", Integer: r.CPU},
		{Name: "MEMORY", Type: "INTEGER", Integer: r.MemoryMiB},
		{Name: "PORTS", Type: "STRINGSET", Strings: texts(r.ReservedTCP)},
		{Name: "PORTS_UDP", Type: "STRINGSET", Strings: texts(r.ReservedUDP)},
	}
}

func texts(ports []int) []string {
	out := make([]string, 0, len(ports))
	for _, p := range ports {
		out = append(out, strconv.Itoa(p))
	}
	return out
}

// attributes lists what this node can do; a capability is left out when the part that serves it is missing.
func (a *Agent) attributes() []attribute {
	var out []attribute
	add := func(prefix string, names ...string) {
		for _, n := range names {
			out = append(out, attribute{Name: prefix + n})
		}
	}
	const caps, com = "ecs.capability.", "com.amazonaws.ecs.capability."
	add(com, "privileged-container", "ecr-auth")
	add(com+"docker-remote-api.", "1.17", "1.18", "1.19", "1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.28", "1.29",
		"1.30", "1.32")
	add(com+"logging-driver.", "json-file", "none", "syslog", "journald", "gelf", "fluentd", "splunk")
	add(caps, "container-ordering", "full-sync", "network.container-port-range", "container-restart-policy",
		"task-cpu-mem-limit", "increased-task-cpu-limit", "container-health-check", "docker-plugin.local",
		"pid-ipc-namespace-sharing", "ecr-endpoint", "execution-role-ecr-pull")
	if a.cfg.Tasks.Logs != nil {
		add(com, "logging-driver.awslogs")
		add(caps, "execution-role-awslogs")
	}
	if a.cfg.Tasks.Metadata != nil {
		add(com, "task-iam-role", "task-iam-role-network-host")
	}
	if a.cfg.Tasks.Networks != nil {
		add(caps, "task-eni", "task-eni-block-instance-metadata")
	}
	if a.cfg.Tasks.Secrets != nil {
		add(caps, "secrets.ssm.environment-variables", "secrets.asm.environment-variables", "env-files.s3")
	}
	if a.cfg.Tasks.Registries != nil {
		add(caps, "private-registry-authentication.secretsmanager")
	}
	out = append(out, attribute{"ecs.os-type", "linux"}, attribute{"ecs.os-family", "LINUX"},
		attribute{"ecs.cpu-architecture", architecture(runtime.GOARCH)})
	switch a.cfg.Kind {
	case KindExternal:
		add(caps, "external")
	case KindFargate:
		out = append(out, attribute{attributeKind, KindFargate})
	}
	if a.cfg.Managed {
		out = append(out, attribute{attributeManaged, "true"})
	}
	for _, k := range slices.Sorted(maps.Keys(a.cfg.Attributes)) {
		out = append(out, attribute{k, a.cfg.Attributes[k]})
	}
	return out
}

// architecture is ECS's word for Go's; containers run on the machine that the agent was built for.
func architecture(goarch string) string {
	if goarch == "amd64" {
		return "x86_64"
	}
	return goarch
}

// endpoints is where the websockets are.
type endpoints struct {
	ACS string `json:"endpoint"`
	TCS string `json:"telemetryEndpoint"`
	at  time.Time
}

// endpointMemory is how long an answer of DiscoverPollEndpoint holds; an older one still serves when asking fails.
const endpointMemory = 12 * time.Hour

func (a *Agent) discover(ctx context.Context) (endpoints, error) {
	a.mu.Lock()
	known := a.endpoint
	a.mu.Unlock()
	if known.ACS != "" && a.cfg.Now().Sub(known.at) < endpointMemory {
		return known, nil
	}
	in := map[string]string{"containerInstance": a.arn(), "cluster": a.cfg.Cluster, "zoneId": ""}
	var got endpoints
	err := a.api.call(ctx, "DiscoverPollEndpoint", in, &got)
	if err == nil && got.ACS == "" {
		err = errors.New("discover poll endpoint: the answer has none")
	}
	if err != nil && known.ACS != "" {
		return known, nil
	}
	if err != nil {
		return endpoints{}, err
	}
	got.at = a.cfg.Now()
	a.mu.Lock()
	a.endpoint = got
	a.mu.Unlock()
	return got, nil
}

// forgetEndpoint makes the next connection ask again: the server may have moved.
func (a *Agent) forgetEndpoint() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endpoint.at = time.Time{}
}
