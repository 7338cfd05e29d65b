//go:build e2e

package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

func TestAnyServerAnswersWhatAnotherAcknowledged(t *testing.T) {
	_, etcd := startEtcd(t)
	a, b := startServer(t, etcd), startServer(t, etcd)
	for i := range 30 {
		name := fmt.Sprint("c", i)
		createCluster(t, a, name)
		out, err := b.client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{name}})
		if err != nil || len(out.Clusters) != 1 {
			t.Fatalf("%s was acknowledged by one server, the other one says %v, %v", name, rig.Show(out), err)
		}
		a, b = b, a
	}
	createService(t, a, "c0", "web", 3)
	await(t, 5*time.Second, "tasks of a service made through either server", func() error { return tasks(b, "c0", "web", 3) })
	_, err := b.client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("c0"),
		Service: aws.String("web"), DesiredCount: aws.Int32(5)})
	if err != nil {
		t.Fatal(err)
	}
	await(t, 5*time.Second, "tasks after an update through the other server", func() error { return tasks(a, "c0", "web", 5) })
}

func createCluster(t testing.TB, s *server, name string) {
	t.Helper()
	_, err := s.client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: &name})
	if err != nil {
		t.Fatalf("create cluster %s: %v", name, err)
	}
}

func createService(t testing.TB, s *server, cluster, name string, count int32) {
	t.Helper()
	def := &ecs.RegisterTaskDefinitionInput{Family: aws.String(name), ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("main"), Image: aws.String("busybox"), Memory: aws.Int32(16)}}}
	_, err := s.client.RegisterTaskDefinition(t.Context(), def)
	if err == nil {
		_, err = s.client.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: &cluster, ServiceName: &name,
			TaskDefinition: &name, DesiredCount: &count})
	}
	if err != nil {
		t.Fatalf("create service %s: %v", name, err)
	}
}

// tasks says whether a service has as many: there are no instances, so they wait, but rollout has made them.
func tasks(s *server, cluster, service string, want int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := s.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}})
	if err != nil {
		return err
	}
	if len(out.Services) != 1 || int(out.Services[0].PendingCount) != want {
		return fmt.Errorf("want %d pending: %s", want, rig.Show(out.Services))
	}
	return nil
}

// writers create clusters through every server as fast as they are answered, and remember what was acknowledged.
type writers struct {
	mu     sync.Mutex
	acked  []string
	failed int
	wg     sync.WaitGroup
}

func (w *writers) run(ctx context.Context, s func() *ecs.Client, who int) {
	w.wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			name := fmt.Sprintf("w%d-%d", who, i)
			_, err := s().CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name})
			w.mu.Lock()
			if err == nil {
				w.acked = append(w.acked, name)
			} else {
				w.failed++
			}
			w.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
}

func (w *writers) acknowledged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acked)
}

// missing are the clusters that a server does not know.
func missing(t testing.TB, s *server, names []string) []string {
	t.Helper()
	var out []string
	for some := range slices.Chunk(names, 100) {
		found, err := s.client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: some})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found.Failures {
			out = append(out, *f.Arn)
		}
	}
	return out
}

// verdict is the last line of a run.
type verdict struct {
	Test       string `json:"test"`
	Count      int    `json:"count"`
	Acked      int    `json:"acknowledged"`
	P50        int64  `json:"p50ms"`
	Max        int64  `json:"maxMs"`
	Violations int    `json:"violations"`
}

func TestAKilledLeaderIsFollowedWithinTwoSecondsAndNothingAcknowledgedIsLost(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("FAILOVERS")); err == nil {
		kills = n
	}
	_, etcd := startEtcd(t)
	all := []*server{startServer(t, etcd), startServer(t, etcd)}
	createCluster(t, all[0], "main")
	ctx, cancel := context.WithCancel(t.Context())
	w := &writers{}
	clients := [2]*ecs.Client{all[0].client, all[1].client} // the port of a server stays over its restarts
	for i := range 4 {
		w.run(ctx, func() *ecs.Client { return clients[i%2] }, i)
	}
	v := verdict{Test: "failover", Count: kills}
	var took []time.Duration
	for i := range kills {
		old, next := leader(t, all)
		service := fmt.Sprint("s", i)
		createService(t, next, "main", service, 2)
		await(t, 5*time.Second, "the tasks of a leader", func() error { return tasks(next, "main", service, 2) })
		acked := w.acknowledged()
		old.kill()
		killed := time.Now()
		_, err := next.client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("main"), Service: &service,
			DesiredCount: aws.Int32(4)})
		if err != nil {
			t.Errorf("write through the surviving server: %v", err)
		}
		await(t, 10*time.Second, "the tasks of the next leader", func() error { return tasks(next, "main", service, 4) })
		took = append(took, time.Since(killed))
		if took[i] > 2*time.Second {
			v.Violations++
			t.Errorf("the rollout went on after %v", took[i])
		}
		lost := missing(t, next, acked)
		v.Violations += len(lost)
		if len(lost) > 0 {
			t.Errorf("acknowledged and lost: %v", lost)
		}
		old.begin()
	}
	cancel()
	w.wg.Wait()
	acked := w.acknowledged()
	for _, s := range all {
		lost := missing(t, s, acked)
		v.Violations += len(lost)
		if len(lost) > 0 {
			t.Errorf("acknowledged and lost in the end: %v", lost)
		}
	}
	if len(acked) < 20*kills {
		t.Errorf("only %d writes were acknowledged: too little load", len(acked))
	}
	slices.Sort(took)
	v.Acked, v.P50, v.Max = len(acked), took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds()
	line, _ := json.Marshal(v) // plain fields
	fmt.Println(string(line))
}

func TestWhileEtcdIsPausedReadsGoOnAndWritesAreRefusedAndEverythingComesBack(t *testing.T) {
	etcd, addr := startEtcd(t)
	all := []*server{startServer(t, addr), startServer(t, addr)}
	createCluster(t, all[0], "main")
	leader(t, all)
	for _, s := range all { // what a server has not seen before, it cannot show while etcd is away
		lost := missing(t, s, []string{"main"})
		if len(lost) > 0 {
			t.Fatalf("acknowledged and missing: %v", lost)
		}
	}
	etcd.signal(syscall.SIGSTOP)
	for i, s := range all {
		for range 3 {
			began := time.Now()
			out, err := s.client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"main"}})
			if err != nil || len(out.Clusters) != 1 || time.Since(began) > 2*time.Second {
				t.Errorf("server %d answered a read after %v with %s, %v", i, time.Since(began), rig.Show(out), err)
			}
		}
		_, err := s.client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("refused")})
		var fault *types.ServerException
		if !errors.As(err, &fault) {
			t.Errorf("server %d answered a write with %v", i, err)
		}
	}
	await(t, 3*time.Second, "no leader without etcd", func() error {
		for _, s := range all {
			h, err := s.health()
			if err != nil || h.Leads || !h.Unreachable {
				return fmt.Errorf("%+v, %v", h, err)
			}
		}
		return nil
	})
	etcd.signal(syscall.SIGCONT)
	for i, s := range all {
		took := await(t, 10*time.Second, "a write after etcd came back", func() error {
			_, err := s.client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String(fmt.Sprint("back", i))})
			return err
		})
		t.Logf("server %d writes %v after etcd came back", i, took)
	}
	leader(t, all)
	createService(t, all[0], "main", "web", 2)
	await(t, 5*time.Second, "tasks after etcd came back", func() error { return tasks(all[1], "main", "web", 2) })
}

func TestAServerOfAnotherInstallationIsRefused(t *testing.T) {
	_, etcd := startEtcd(t)
	a := startServer(t, etcd)
	createCluster(t, a, "main")
	_, elsewhere := startEtcd(t)
	b := startServer(t, elsewhere)
	b.kill()
	cmd := b.make()
	for i, arg := range cmd.Args {
		if arg == "--store" {
			cmd.Args[i+1] = "etcd://" + etcd + "/longshore"
		}
	}
	cmd.Stderr = nil
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "belongs to another installation") {
		t.Fatalf("the server started: %s", said)
	}
	t.Logf("it says: %s", said)
}
