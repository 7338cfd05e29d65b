// Command recordgen writes internal/gen/records: how each noun of package state becomes bytes and comes back. The
// number of a field is drawn once and kept in fields.txt for ever, those of fields that are gone too.
package main

import (
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"longshore/internal/state"
)

// roots are the nouns that have a table.
func roots() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[state.Cluster](), reflect.TypeFor[state.CapacityProvider](), reflect.TypeFor[state.Family](),
		reflect.TypeFor[state.TaskDefinition](), reflect.TypeFor[state.AccountSetting](),
		reflect.TypeFor[state.ClientToken](), reflect.TypeFor[state.Task](), reflect.TypeFor[state.Instance](),
		reflect.TypeFor[state.Service](), reflect.TypeFor[state.Deployment](),
		reflect.TypeFor[state.ServiceDeployment](), reflect.TypeFor[state.ServiceRevision](),
		reflect.TypeFor[state.Event](), reflect.TypeFor[state.VPC](), reflect.TypeFor[state.Subnet](),
		reflect.TypeFor[state.SecurityGroup](), reflect.TypeFor[state.LogGroup](), reflect.TypeFor[state.LogStream](),
	}
}

func main() {
	dir := "internal/gen/records"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	err := run(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "recordgen:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	path := filepath.Join(dir, "fields.txt")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	n, err := parseNumbers(string(text))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	code, err := generate(n)
	if err != nil {
		return err
	}
	source, err := format.Source([]byte(code))
	if err != nil {
		return fmt.Errorf("format: %w\n%s", err, code)
	}
	err = os.WriteFile(filepath.Join(dir, "records.go"), source, 0o644)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(n.text()), 0o644)
}
