package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// source is one hand-written Go file.
type source struct {
	path  string // from the root, slash-separated
	pkg   string // its directory
	test  bool
	lines int
	text  string
	file  *ast.File
	fset  *token.FileSet
}

// sources parses every hand-written Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, root+"/"))
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || rel == "internal/gen" || rel == "web") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, b, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{
			path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"),
			lines: strings.Count(string(b), "\n"), text: string(b), file: f, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("found only %d Go files: the walk is broken", len(out))
	}
	return out
}

// imports are the paths that a file imports.
func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func TestNoFileIsLongerThan400Lines(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > 400 {
			t.Errorf("%s has %d lines; split it by what its parts are about", s.path, s.lines)
		}
	}
}

func TestNoFileHasAnInitFunction(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function; build it in a constructor and pass it in", s.path)
			}
		}
	}
}

func TestNoPackageIsADrawer(t *testing.T) {
	for _, s := range sources(t) {
		switch filepath.Base(s.pkg) {
		case "util", "utils", "common", "helpers", "helper", "misc", "testutil", "testutils":
			t.Errorf("%s: put things where they are used, or name what they are", s.pkg)
		}
	}
}

func TestEveryPackageOpensWithASentence(t *testing.T) {
	documented, all := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		all[s.pkg] = true
		if s.file.Doc != nil && len(s.file.Doc.Text()) > 30 {
			documented[s.pkg] = true
		}
	}
	for pkg := range all {
		if !documented[pkg] {
			t.Errorf("package %s has no package comment: open it with a sentence of promise", pkg)
		}
	}
}

func TestTestsDoNotSleepOutsideABubble(t *testing.T) {
	for _, s := range sources(t) {
		if s.test && strings.Contains(s.text, "time.Sleep(") && !strings.Contains(s.text, "synctest.Test(") {
			t.Errorf("%s sleeps: use testing/synctest, or wait for the event itself", s.path)
		}
	}
}

// Package-level variables that are written are weather; literal tables, sentinels and guards are not.
func TestNoPackageVariableIsAssigned(t *testing.T) {
	all := sources(t)
	names := map[string]bool{}
	for _, s := range all {
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || s.test {
				continue
			}
			for _, spec := range g.Specs {
				for _, n := range spec.(*ast.ValueSpec).Names {
					names[s.pkg+"."+n.Name] = true
				}
			}
		}
	}
	for _, s := range all {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test || f.Body == nil {
				continue
			}
			for _, name := range assigned(f) {
				if names[s.pkg+"."+name] {
					t.Errorf("%s: %s assigns package variable %s; pass it in", s.path, f.Name.Name, name)
				}
			}
		}
	}
}

// assigned are the plain names that a function assigns without having declared them anywhere in it.
func assigned(f *ast.FuncDecl) []string {
	var out []string
	own := map[string]bool{"_": true}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok {
					own[id.Name] = true
				}
			}
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				id, ok := l.(*ast.Ident)
				if ok && n.Tok == token.DEFINE {
					own[id.Name] = true
				}
				if ok && n.Tok != token.DEFINE {
					out = append(out, id.Name)
				}
			}
		}
		return true
	})
	return slices.DeleteFunc(out, func(name string) bool { return own[name] })
}
