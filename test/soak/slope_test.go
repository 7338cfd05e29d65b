package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func series(perHour, noise float64, n int) (at, values []float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		s := float64(i) * 10
		at = append(at, s)
		values = append(values, 100+perHour*s/3600+noise*r.NormFloat64())
	}
	return at, values
}

func TestALeakOfTwoMebibytesAnHourIsProvenInFiftyMinutes(t *testing.T) {
	at, v := series(2, 1.5, 300)
	l, ok := fit(at, v)
	if !ok || !l.grows(1) {
		t.Errorf("%+v, %v", l, ok)
	}
}

func TestNoiseIsNoLeak(t *testing.T) {
	at, v := series(0, 5, 300)
	l, ok := fit(at, v)
	if !ok || l.grows(1) || math.Abs(l.perHour) > l.within*2 {
		t.Errorf("%+v, %v", l, ok)
	}
}

func TestAStraightLineIsFoundExactly(t *testing.T) {
	at, v := series(7, 0, 200)
	l, ok := fit(at, v)
	if !ok || math.Abs(l.perHour-7) > 1e-9 || l.within > 1e-6 {
		t.Errorf("%+v, %v", l, ok)
	}
}

func TestAFewSamplesAreNotJudged(t *testing.T) {
	at, v := series(100, 0, 59)
	_, ok := fit(at, v)
	if ok {
		t.Error("59 samples were judged")
	}
}

func TestMessagesAreTakenFromLinesOfTheLog(t *testing.T) {
	for line, want := range map[string]string{
		`time=x level=WARN msg="cannot list \"containers\"" op=list`: `cannot list "containers"`,
		`time=x level=WARN msg=short op=list`:                        "short",
		`panic: it is over`:                                          "panic: it is over",
	} {
		if got := field(line, "msg="); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}
