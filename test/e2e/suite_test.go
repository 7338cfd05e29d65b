//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// scenario is one line of the suite.
type scenario struct {
	name string
	root bool // needs awsvpc, which needs root
	run  func(*testing.T)
}

// TestEndToEnd is the suite. Scenarios of one group run two at a time; a group starts when the one before is over.
func TestEndToEnd(t *testing.T) {
	groups := []struct {
		name      string
		scenarios []scenario
	}{
		{"clients", []scenario{
			{"the AWS CLI follows the README", true, followReadme},
			{"boto3 waits, pages and raises", true, driveBoto3},
			{"the Go SDK makes the round of all operations", false, driveSDK},
			{"Terraform applies, agrees and destroys", true, driveTerraform},
		}},
		{"promises", []scenario{
			{"containers tell the truth", false, tellTruth},
			{"services keep their promises", false, keepServices},
			{"tasks have addresses of their own", true, giveAddresses},
			{"strangers are refused", false, refuseStrangers},
			{"a start that cannot work is refused with a remedy", false, refuseStarts},
			{"two daemons leave each other alone", true, liveSideBySide},
			{"containers outlive the daemon", true, outliveDaemon},
			{"services come back after down and up", true, comeBack},
			{"an ordinary user runs everything but awsvpc", true, serveOrdinaryUser},
			{"an agent joins from another directory", false, joinAgent},
		}},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, s := range g.scenarios {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					if s.root && os.Geteuid() != 0 {
						t.Skip("this needs root: awsvpc is off for other users")
					}
					s.run(t)
				})
			}
		})
	}
}
