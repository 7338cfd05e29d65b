package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *wire.Timestamp { return wire.At(noon.Add(-d)) }

const prefix = "arn:aws:ecs:us-east-1:000000000000:"

func aCluster() ecswire.Cluster {
	return ecswire.Cluster{
		ClusterArn: ptr(prefix + "cluster/prod"), ClusterName: ptr("prod"), Status: ptr("ACTIVE"),
		ActiveServicesCount: ptr(int32(1)), RunningTasksCount: ptr(int32(3)), PendingTasksCount: ptr(int32(1)),
		RegisteredContainerInstancesCount: ptr(int32(2)),
	}
}

func aDeployment(status, rollout string, revision string, running, pending, desired int32) ecswire.Deployment {
	return ecswire.Deployment{
		Status: &status, RolloutState: &rollout, TaskDefinition: ptr(prefix + "task-definition/web:" + revision),
		RunningCount: &running, PendingCount: &pending, DesiredCount: &desired, CreatedAt: ago(12 * time.Second),
	}
}

func aTask(id, revision, status string) ecswire.Task {
	return ecswire.Task{
		TaskArn: ptr(prefix + "task/prod/" + id), TaskDefinitionArn: ptr(prefix + "task-definition/web:" + revision),
		LastStatus: &status, DesiredStatus: ptr("RUNNING"), HealthStatus: ptr("UNKNOWN"), Group: ptr("service:web"),
		AvailabilityZone: ptr("us-east-1a"), CreatedAt: ago(20 * time.Second),
	}
}

func onAddress(t ecswire.Task, ip string) ecswire.Task {
	t.Containers = []ecswire.Container{{
		Name: ptr("web"), NetworkInterfaces: []ecswire.NetworkInterface{{PrivateIpv4Address: &ip}}}}
	t.StartedAt = ago(3 * time.Minute)
	t.HealthStatus = ptr("HEALTHY")
	return t
}

func onPort(t ecswire.Task, port int32) ecswire.Task {
	t.Containers = []ecswire.Container{{
		Name: ptr("web"), NetworkBindings: []ecswire.NetworkBinding{
			{BindIP: ptr("0.0.0.0"), HostPort: &port, ContainerPort: ptr(int32(80))},
			{BindIP: ptr("::"), HostPort: &port, ContainerPort: ptr(int32(80))},
		}}}
	return t
}

func steadyPicture() picture {
	s := ecswire.Service{
		ServiceName: ptr("web"), Status: ptr("ACTIVE"), LaunchType: ptr("FARGATE"),
		DesiredCount: ptr(int32(2)), RunningCount: ptr(int32(2)), PendingCount: ptr(int32(0)),
		Deployments: []ecswire.Deployment{aDeployment("PRIMARY", "COMPLETED", "2", 2, 0, 2)},
		Events:      []ecswire.ServiceEvent{{Id: ptr("1"), CreatedAt: ago(time.Second), Message: ptr("(service web) has reached a steady state.")}},
	}
	return picture{
		of: definitions{prefix + "task-definition/web:2": {ports: []int32{8080}}, prefix + "task-definition/web:3": {checked: true}},
		clusters: []clusterPicture{{info: aCluster(), services: []servicePicture{{info: s, tasks: []ecswire.Task{
			onAddress(aTask("3f2a91c0aaaa", "2", "RUNNING"), "172.31.0.12"),
			onAddress(aTask("91b2aa01bbbb", "2", "RUNNING"), "172.31.16.7"),
		}}}}},
	}
}

func rolloutPicture() picture {
	p := steadyPicture()
	s := &p.clusters[0].services[0]
	s.info.DesiredCount, s.info.RunningCount = ptr(int32(3)), ptr(int32(3))
	s.info.Deployments = []ecswire.Deployment{
		aDeployment("PRIMARY", "IN_PROGRESS", "3", 1, 1, 3), aDeployment("ACTIVE", "COMPLETED", "2", 2, 0, 3)}
	s.info.Deployments[0].FailedTasks = ptr(int32(1))
	waiting := aTask("7711aab2cccc", "3", "PROVISIONING")
	waiting.Attributes = []ecswire.Attribute{{Name: ptr(waitingAttribute),
		Value: ptr("RESOURCE:MEMORY: no instance has 512 MiB of memory left")}}
	young := aTask("8811aab2cccc", "3", "RUNNING")
	leaving := onAddress(aTask("0011aab2dddd", "2", "RUNNING"), "172.31.0.13")
	leaving.DesiredStatus, leaving.StoppedReason = ptr("STOPPED"), ptr("Scaling activity initiated by (deployment ecs-svc/1)")
	s.tasks = append(s.tasks, waiting, young, leaving)
	dead := aTask("dead0000eeee", "3", "STOPPED")
	dead.StoppedAt, dead.StoppedReason = ago(5*time.Second), ptr("Essential container in task exited")
	dead.Containers = []ecswire.Container{{Name: ptr("web"), ExitCode: ptr(int32(137)), Reason: ptr("OutOfMemoryError: \x1b[31mkilled")}}
	s.failed = []ecswire.Task{dead}
	loose := onPort(aTask("10053aaaffff", "9", "RUNNING"), 32768)
	p.clusters[0].loose = []ecswire.Task{loose}
	return p
}

func TestPicturesAreDrawnAsTheirGoldenFilesSay(t *testing.T) {
	failed := rolloutPicture()
	d := failed.clusters[0].services[0].info.Deployments[:1]
	d[0].RolloutState = ptr("FAILED")
	failed.clusters[0].services[0].info.Deployments = d
	failed.clusters[0].services[0].tasks, failed.clusters[0].loose = nil, nil
	for name, p := range map[string]picture{"steady": steadyPicture(), "rollout": rolloutPicture(), "failed": failed} {
		got := strings.Join(view{now: noon, tasks: 12}.lines(p), "\n") + "\n"
		path := filepath.Join("testdata", "view", name+".txt")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			err := os.WriteFile(path, []byte(got), 0o644)
			if err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is drawn as\n%s\nwant\n%s", name, got, want)
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("%s has colours or foreign control characters without a terminal", name)
		}
	}
}

func TestColoursChangeNothingButColours(t *testing.T) {
	for _, p := range []picture{steadyPicture(), rolloutPicture()} {
		plain := view{now: noon, tasks: 12}.lines(p)
		painted := view{ink: true, now: noon, tasks: 12}.lines(p)
		for i := range plain {
			if bare(painted[i]) != plain[i] {
				t.Errorf("with colours: %q, without: %q", bare(painted[i]), plain[i])
			}
		}
	}
}

// bare takes the colours away.
func bare(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := escape(s[i:])
		if n > 0 {
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func TestBarsAreAlwaysAsWide(t *testing.T) {
	for whole := int32(0); whole < 60; whole++ {
		for running := int32(0); running <= whole+2; running++ {
			for pending := int32(0); pending <= 3; pending++ {
				b := bar(running, pending, whole)
				if width(b) != barWidth {
					t.Fatalf("bar(%d, %d, %d) is %d wide: %s", running, pending, whole, width(b), b)
				}
				if whole > 0 && running < whole && strings.Count(b, "█") == barWidth {
					t.Fatalf("bar(%d, %d, %d) is full: %s", running, pending, whole, b)
				}
			}
		}
	}
}

func TestManyTasksAreCutToThoseThatNeedAttention(t *testing.T) {
	var tasks []ecswire.Task
	for range 40 {
		tasks = append(tasks, aTask("aaaaaaaa", "1", "RUNNING"))
	}
	tasks = append(tasks, aTask("bbbbbbbb", "1", "PENDING"))
	shown, hidden := view{tasks: 3}.choose(tasks)
	if len(shown) != 3 || hidden != 38 || val(shown[2].LastStatus) != "PENDING" {
		t.Errorf("%d shown, %d hidden, the last is %s", len(shown), hidden, val(shown[2].LastStatus))
	}
}

func TestSpansAreInTheUnitThatMatters(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", 3 * time.Hour: "3 h", 72 * time.Hour: "3 d",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}
