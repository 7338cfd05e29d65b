package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// DescribeContainerInstances answers what is known of up to 100 container instances of a cluster.
func (a *API) DescribeContainerInstances(_ context.Context, c front.Caller,
	in *ecswire.DescribeContainerInstancesRequest,
) (*ecswire.DescribeContainerInstancesResponse, error) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.ContainerInstances) == 0 {
		return nil, invalid("Container instances cannot be empty.")
	}
	if len(in.ContainerInstances) > maxDescribed {
		return nil, invalid("Container instances can have at most %d items.", maxDescribed)
	}
	out := &ecswire.DescribeContainerInstancesResponse{ContainerInstances: []ecswire.ContainerInstance{},
		Failures: []ecswire.Failure{}}
	for _, ref := range in.ContainerInstances {
		key, err := instanceKey(cluster.Key, ref)
		if err != nil {
			return nil, err
		}
		i, ok := v.Instances().Get(key)
		if !ok || key.Cluster() != cluster.Key {
			out.Failures = append(out.Failures, missing(key.ARN()))
			continue
		}
		w := describeInstance(v, i)
		if slices.Contains(in.Include, includeTags) {
			w.Tags = renderTags(i.Tags)
		}
		if slices.Contains(in.Include, "CONTAINER_INSTANCE_HEALTH") {
			w.HealthStatus = renderHealth(i)
		}
		out.ContainerInstances = append(out.ContainerInstances, w)
	}
	return out, nil
}

// taken is what the tasks of an instance hold of it.
type taken struct {
	running, pending   int32
	cpu, memory, gpus  int
	tcpPorts, udpPorts []int
}

// takenFrom sums up the tasks of an instance; what a stopped one held was given back.
func takenFrom(v store.View, k state.InstanceKey) taken {
	sum := taken{}
	for t := range v.Tasks().OfInstance(k) {
		running, pending := weigh(t)
		sum.running, sum.pending = sum.running+running, sum.pending+pending
		if !t.Released.IsZero() {
			continue
		}
		sum.cpu, sum.memory, sum.gpus = sum.cpu+t.Need.CPU, sum.memory+t.Need.Memory, sum.gpus+t.Need.GPUs
		sum.tcpPorts, sum.udpPorts = append(sum.tcpPorts, t.Need.TCP...), append(sum.udpPorts, t.Need.UDP...)
		if t.Network == nil {
			sum.bind(t)
		}
	}
	return sum
}

// bind adds the ports that containers were given; those of awsvpc tasks are on an address of their own.
func (s *taken) bind(t *state.Task) {
	for i := range t.Containers {
		for _, b := range t.Containers[i].NetworkBindings {
			switch {
			case b.HostPort == 0:
			case b.Protocol == "udp":
				s.udpPorts = append(s.udpPorts, b.HostPort)
			default:
				s.tcpPorts = append(s.tcpPorts, b.HostPort)
			}
		}
	}
}

func describeInstance(v store.View, i *state.Instance) ecswire.ContainerInstance {
	return renderInstance(i, takenFrom(v, i.Key))
}
