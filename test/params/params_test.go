//go:build e2e

package params

import "testing"

// TestParameters runs every case on one installation, four at a time at most.
func TestParameters(t *testing.T) {
	r := start(t)
	cases := []struct {
		name string
		run  func(*testing.T, *rig)
	}{
		{"process", seeProcess},
		{"overrides", seeOverrides},
		{"limits", seeLimits},
		{"linux", seeLinux},
		{"names", seeNames},
		{"labels", seeLabels},
		{"volumes", seeVolumes},
		{"order", seeOrder},
		{"start timeout", seeStartTimeout},
		{"stop timeout", seeStopTimeout},
		{"health checks", seeChecks},
		{"ends", seeEnds},
		{"memory", seeMemory},
		{"task memory", seeTaskMemory},
		{"ports", seePorts},
		{"network host", seeHost},
		{"network none", seeNone},
		{"network awsvpc", seeAWSVPC},
		{"fargate", seeFargate},
		{"metadata on bridge", seeMetadataOnBridge},
		{"metadata on awsvpc", seeMetadataOnAWSVPC},
		{"task protection", seeProtection},
		{"awslogs", seeAWSLogs},
		{"awslogs without a group", seeMissingGroup},
		{"log drivers", seeDrivers},
	}
	t.Run("of", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, r)
			})
		}
	})
}
