//go:build e2e

package e2e

import "testing"

func followReadme(t *testing.T)   {}
func driveBoto3(t *testing.T)     {}
func driveSDK(t *testing.T)       {}
func driveTerraform(t *testing.T) {}
func refuseStrangers(t *testing.T) {}
func refuseStarts(t *testing.T)   {}
func joinAgent(t *testing.T)      {}
func surviveEngine(t *testing.T)  {}
