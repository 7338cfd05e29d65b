package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run says which build this is.
func (c *versionCommand) Run(r *run) error {
	_, err := fmt.Fprintf(r.Out, "longshore %s %s %s/%s\n", buildName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildName is the module's version where it has one, else the commit that it was built from.
func buildName() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	v := info.Main.Version
	if v != "" && v != "(devel)" {
		return v
	}
	commit, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = " " + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " modified"
		}
	}
	return "devel" + commit + modified
}
