package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"testing/synctest"
)

// Child runs one seed in a bubble and ends the process, and with it the bubble's goroutines. The report is the last
// line of standard output; the status is 0 if it was written.
func Child(c Config) {
	os.Args = os.Args[:1] // testing.Main reads flags of its own
	run := func(t *testing.T) {
		synctest.Test(t, func(*testing.T) {
			stop := profile(c.Profile)
			b, err := json.Marshal(Run(c))
			stop()
			if err == nil {
				_, err = fmt.Fprintf(os.Stdout, "%s\n", b)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "sim:", err)
				os.Exit(3)
			}
			os.Exit(0)
		})
	}
	testing.Main(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "seed", F: run}}, nil, nil)
}

// profile writes where the time goes, until it is told to stop.
func profile(path string) (stop func()) {
	if path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut short is seen to be
	}
}
