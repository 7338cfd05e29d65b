package planted_test

import (
	"regexp"
	"testing"

	"longshore/internal/sim/planted"
)

var switchCall = regexp.MustCompile(`planted\("([a-z-]+)"\)`)

func TestEveryBugFitsTheProductAndIsAskedForByItsName(t *testing.T) {
	_, err := planted.Overlay("../../..", t.TempDir(), planted.Bugs())
	if err != nil {
		t.Fatal(err)
	}
	known, asked := map[string]bool{}, map[string]bool{}
	for _, b := range planted.Bugs() {
		if known[b.Name] {
			t.Errorf("%s is there twice", b.Name)
		}
		known[b.Name] = true
		for _, e := range b.Edits {
			for _, m := range switchCall.FindAllStringSubmatch(e.Replace, -1) {
				asked[m[1]] = true
			}
		}
	}
	if len(known) < 30 {
		t.Errorf("%d bugs", len(known))
	}
	for name := range known {
		if !asked[name] {
			t.Errorf("nobody asks whether %s is awake", name)
		}
	}
	for name := range asked {
		if !known[name] {
			t.Errorf("%s is asked for and unknown", name)
		}
	}
}
