package dispatch

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/acs"
	"longshore/internal/state"
	"longshore/internal/store"
)

// serveTCS takes metrics and health. The connection was authenticated when it was opened; the signature that
// agents put on every frame covers what the connection already proves.
func (d *Dispatch) serveTCS(a Authenticator, w http.ResponseWriter, r *http.Request) {
	i, _, ok := d.open(a, w, r, "containerInstance")
	if !ok {
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(2 * int64(acs.Limits{}.MaxBytes()))
	err = d.telemetry(r.Context(), conn, i.Key)
	d.Log.Debug("telemetry session ended", "node", i.Key.ID(), "err", err)
	_ = conn.Close(websocket.StatusGoingAway, "") // best effort: the connection is over either way
}

// telemetryIdle is longer than the longest pause of an agent, which publishes every 20 s.
const telemetryIdle = 3 * time.Minute

func (d *Dispatch) telemetry(ctx context.Context, conn *websocket.Conn, key state.InstanceKey) error {
	p := socket{conn}
	for {
		wait, cancel := context.WithTimeout(ctx, telemetryIdle)
		_, b, err := conn.Read(wait)
		cancel()
		if err != nil {
			return err
		}
		frame, err := acs.ParseSigned(b, acs.Limits{})
		if err != nil {
			return err
		}
		m, err := acs.Decode(frame.Body, acs.Limits{})
		if err != nil {
			return err
		}
		ack, err := d.published(ctx, key, m)
		if err != nil {
			return err
		}
		if ack == nil {
			continue
		}
		err = p.Send(ctx, ack)
		if err != nil {
			return err
		}
	}
}

// published writes down what a telemetry message says and answers its acknowledgement.
func (d *Dispatch) published(ctx context.Context, key state.InstanceKey, m acs.Message) (acs.Message, error) {
	switch m := m.(type) {
	case *acs.PublishMetricsRequest:
		return &acs.AckPublishMetric{}, nil
	case *acs.PublishHealthRequest:
		return &acs.AckPublishHealth{}, d.health(ctx, key, m)
	case *acs.PublishInstanceStatusRequest:
		return &acs.AckPublishInstanceStatus{}, d.runtimeHealth(ctx, key, m)
	}
	return nil, nil
}

func (d *Dispatch) health(ctx context.Context, key state.InstanceKey, m *acs.PublishHealthRequest) error {
	if !d.healthNews(key, m) {
		return nil
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		for _, th := range m.Tasks {
			k, ok := taskKey(th.TaskARN)
			if !ok {
				continue
			}
			old, ok := tx.Tasks().Get(k)
			if !ok || old.Instance != key || !old.Live() {
				continue
			}
			td, ok := tx.TaskDefinitions().Get(old.TaskDefinition)
			if !ok {
				continue
			}
			t := old.Clone()
			if observeHealth(t, td, th) {
				tx.Tasks().Put(t)
			}
		}
		return nil
	})
}

// healthNews spares the store a write for the reports that repeat what is known, which are nearly all.
func (d *Dispatch) healthNews(key state.InstanceKey, m *acs.PublishHealthRequest) bool {
	view := d.Store.View()
	for _, th := range m.Tasks {
		k, _ := taskKey(th.TaskARN)
		old, ok := view.Tasks().Get(k)
		if !ok || old.Instance != key {
			continue
		}
		td, ok := view.TaskDefinitions().Get(old.TaskDefinition)
		if ok && observeHealth(old.Clone(), td, th) {
			return true
		}
	}
	return false
}

func observeHealth(t *state.Task, td *state.TaskDefinition, th acs.TaskHealth) bool {
	changed := false
	for _, c := range th.Containers {
		for i := range t.Containers {
			if t.Containers[i].Name == c.ContainerName && t.Containers[i].Health != c.HealthStatus {
				t.Containers[i].Health, changed = c.HealthStatus, true
			}
		}
	}
	sum := taskHealth(t, td)
	if sum != t.Health && (changed || t.Health != "") {
		t.Health, changed = sum, true
	}
	if changed {
		t.Version++
	}
	return changed
}

func (d *Dispatch) runtimeHealth(ctx context.Context, key state.InstanceKey, m *acs.PublishInstanceStatusRequest) error {
	for _, s := range m.Statuses {
		i, ok := d.Store.View().Instances().Get(key)
		if !ok || s.Type != "ContainerRuntime" || i.RuntimeHealth == s.Status {
			continue
		}
		err := d.change(ctx, key, func(i *state.Instance) bool { i.RuntimeHealth = s.Status; return true })
		if err != nil {
			return err
		}
	}
	return nil
}
