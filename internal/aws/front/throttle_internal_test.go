package front

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/wire"
)

var someRates = []Rate{
	{Name: "reads", Ops: []string{"List", "Describe"}, Burst: 50, PerSecond: 20},
	{Name: "writes", Ops: []string{"Create"}, Burst: 20, PerSecond: 1},
}

func someThrottle(t *testing.T) *throttle {
	t.Helper()
	ops := map[string]*operation{"List": {}, "Describe": {}, "Create": {}, "Other": {}}
	s := &service{Service: Service{Wire: &wire.Service{Name: "ECS"}, Rates: someRates}, ops: ops}
	out, err := newThrottle([]*service{s}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// passed counts the calls that are let through.
func passed(t *testing.T, th *throttle, c Caller, op string, calls int) int {
	t.Helper()
	n := 0
	for range calls {
		err := th.take(c, "ECS", op)
		if err == nil {
			n++
		} else if !fault.Is(err, "ThrottlingException") {
			t.Fatal(err)
		}
	}
	return n
}

func TestABucketGivesItsBurstAndThenItsSustainedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th, c := someThrottle(t), Caller{Account: "1", Region: "a"}
		if n := passed(t, th, c, "List", 30) + passed(t, th, c, "Describe", 30); n != 50 {
			t.Errorf("%d of the group's 50 calls passed at once", n)
		}
		total := 0
		for range 100 { // 10 s in which far more is asked for than is allowed
			time.Sleep(100 * time.Millisecond)
			total += passed(t, th, c, "List", 20)
		}
		if total != 200 {
			t.Errorf("%d calls passed in 10 s, 20 a second are allowed", total)
		}
		time.Sleep(time.Hour)
		if n := passed(t, th, c, "List", 100); n != 50 {
			t.Errorf("after a rest %d calls passed at once", n)
		}
	})
}

func TestEveryAccountRegionAndGroupHasItsOwnBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := someThrottle(t)
		for _, c := range []Caller{{Account: "1", Region: "a"}, {Account: "1", Region: "b"}, {Account: "2", Region: "a"}} {
			if n := passed(t, th, c, "List", 100); n != 50 {
				t.Errorf("%+v: %d", c, n)
			}
			if n := passed(t, th, c, "Create", 100); n != 20 {
				t.Errorf("%+v: %d writes", c, n)
			}
		}
	})
}

func TestAgentsAndOperationsWithoutAQuotaAreNeverRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := someThrottle(t)
		user := Caller{Account: "1", Region: "a"}
		agent := Caller{Account: "1", Region: "a", Instance: "arn:aws:ecs:a:1:container-instance/c/i"}
		passed(t, th, user, "Create", 1000) // the account's quota is gone
		if n := passed(t, th, agent, "Create", 1000); n != 1000 {
			t.Errorf("%d reports of an agent passed", n)
		}
		if n := passed(t, th, user, "Other", 1000); n != 1000 {
			t.Errorf("%d calls without a quota passed", n)
		}
	})
}

func TestManyRegionsDoNotFillTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := someThrottle(t)
		for i := range 20_000 {
			if passed(t, th, Caller{Account: "1", Region: fmt.Sprint(i)}, "List", 1) != 1 {
				t.Fatal("refused")
			}
			time.Sleep(time.Millisecond)
		}
		if len(th.buckets) > 2*minTidy {
			t.Errorf("%d buckets are held", len(th.buckets))
		}
	})
}

func TestARateOfAnUnknownOperationIsAMistake(t *testing.T) {
	s := &service{Service: Service{Wire: &wire.Service{Name: "ECS"}, Rates: someRates}, ops: map[string]*operation{}}
	_, err := newThrottle([]*service{s}, time.Now)
	if err == nil {
		t.Error("it was taken")
	}
}
