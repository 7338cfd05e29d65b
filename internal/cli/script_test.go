package cli

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"longshore": func() {
			os.Exit(Main(context.Background(), Process{
				Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Notes: os.Stderr}))
		},
	})
}

func TestCommandsSayWhatToDo(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_DATA_HOME", e.WorkDir)
			return nil
		},
	})
}
