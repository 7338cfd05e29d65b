package main

import "math"

// trend is a straight line through samples.
type trend struct {
	perHour float64 // slope
	within  float64 // half the width of its 95 % confidence interval, in the same unit
}

// blocks that samples are averaged in: neighbours depend on one another, blocks of minutes hardly do.
const blocks = 20

// t18 is Student's t for 95 % and blocks-2 degrees of freedom.
const t18 = 2.101

// fit draws the line of least squares through the means of equal blocks of time. Fewer than three samples a block are
// no ground for a judgement.
func fit(seconds, values []float64) (trend, bool) {
	n := len(values) / blocks
	if n < 3 {
		return trend{}, false
	}
	x, y := make([]float64, blocks), make([]float64, blocks)
	for i := range blocks {
		x[i] = mean(seconds[i*n:(i+1)*n]) / 3600
		y[i] = mean(values[i*n : (i+1)*n])
	}
	mx, my := mean(x), mean(y)
	var xx, xy, rest float64
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		xy += (x[i] - mx) * (y[i] - my)
	}
	slope := xy / xx
	for i := range x {
		off := y[i] - my - slope*(x[i]-mx)
		rest += off * off
	}
	return trend{slope, t18 * math.Sqrt(rest/(blocks-2)/xx)}, true
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// grows says whether the line is proven to rise by more than limit an hour.
func (t trend) grows(limit float64) bool { return t.perHour-t.within > limit }
