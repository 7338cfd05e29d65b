// Command apigen turns the API facts in models/ into the Go packages under internal/gen, without prose and without
// randomness: the same models give the same bytes.
//
// Usage, from the module root: go run ./cmd/apigen [-models models] [-out internal/gen]
package main

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

// job is one generated package. Where served is set, shapes are generated only for these operations: EC2's model is
// large, and the rest of its operations need no more than a name to be refused properly.
type job struct {
	model  string
	served []string
}

func jobs() []job {
	return []job{
		{model: "ecs"},
		{model: "logs"},
		{model: "sts"},
		{model: "ec2", served: []string{
			"DescribeAccountAttributes", "DescribeAvailabilityZones", "DescribeInternetGateways",
			"DescribeNetworkInterfaces", "DescribeRegions", "DescribeRouteTables", "DescribeSecurityGroupRules",
			"DescribeSecurityGroups", "DescribeSubnets", "DescribeTags", "DescribeVpcAttribute", "DescribeVpcs",
		}},
	}
}

func main() {
	models := flag.String("models", "models", "directory of the API facts")
	out := flag.String("out", "internal/gen", "directory of the generated packages")
	flag.Parse()
	for _, j := range jobs() {
		err := generate(*models, *out, j)
		if err != nil {
			fmt.Fprintf(os.Stderr, "apigen: %s: %v\n", j.model, err)
			os.Exit(1)
		}
	}
}

func generate(models, out string, j job) error {
	m, err := readModel(filepath.Join(models, j.model+".json"))
	if err != nil {
		return err
	}
	p, err := newPkg(j, m)
	if err != nil {
		return err
	}
	dir := filepath.Join(out, p.name)
	err = os.MkdirAll(dir, 0o755)
	if err != nil {
		return err
	}
	files, err := p.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		src, err := format.Source([]byte(f.text))
		if err != nil {
			return fmt.Errorf("format %s: %w", f.name, err)
		}
		err = os.WriteFile(filepath.Join(dir, f.name), src, 0o644)
		if err != nil {
			return err
		}
	}
	return nil
}

type file struct{ name, text string }

func (p *pkg) files() ([]file, error) {
	all := []file{
		{"doc.go", p.doc()},
		{"types.go", p.types()},
		{"enums.go", p.enums()},
		{"ops.go", p.operations()},
		{"constraints.go", p.shapes()},
	}
	if !p.speaksJSON() {
		return all, nil
	}
	text, err := p.appenders()
	return append(all, file{"json.go", text}), err
}
