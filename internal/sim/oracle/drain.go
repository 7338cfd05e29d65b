package oracle

import (
	"encoding/json"
	"time"

	"longshore/internal/state"
)

// undrainLimit is how long a request may be on its way.
const undrainLimit = 30 * time.Second

// Asked is told of every call before it is sent: some things only a client may change.
func (o *Oracle) Asked(op string, body []byte) {
	var in struct {
		ContainerInstances []string `json:"containerInstances"`
		Status             string   `json:"status"`
	}
	if op != "UpdateContainerInstancesState" || json.Unmarshal(body, &in) != nil {
		return
	}
	for _, arn := range in.ContainerInstances {
		o.StateAsked(arn, in.Status)
	}
}

// StateAsked is told of every request to set the state of an instance.
func (o *Oracle) StateAsked(instance, status string) {
	if status == state.StatusActive {
		o.undrain[instance] = o.Now()
	}
}

// drained expects a DRAINING instance to stay that until somebody asks for something else: an agent that starts again
// or a server that does is no reason.
func (o *Oracle) drained(old, now *state.Instance) {
	if old == nil || old.Status != state.StatusDraining || now.Status != state.StatusActive {
		return
	}
	asked, ok := o.undrain[now.Key.ARN()]
	if !ok || o.Now().Sub(asked) > undrainLimit {
		o.violate("D1", "instance %s was set DRAINING and is ACTIVE, which nobody has asked for", now.Key)
	}
}
