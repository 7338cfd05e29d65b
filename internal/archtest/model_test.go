package archtest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longshore/internal/daemon"
)

// SCOPE.md is written by hand and checked here: one row per operation of every model.
var scopeRow = regexp.MustCompile("(?m)^\\| `([a-z0-9]+):([A-Za-z0-9]+)` \\| (served|refused) \\|(.*)\\|$")

func TestScopeNamesEveryOperationOfEveryModel(t *testing.T) {
	b, err := os.ReadFile(root + "/SCOPE.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	reasons := map[string]string{}
	for _, m := range scopeRow.FindAllStringSubmatch(string(b), -1) {
		said[m[1]+":"+m[2]] = m[3]
		reasons[m[1]+":"+m[2]] = strings.TrimSpace(m[4])
	}
	if len(said) < 200 {
		t.Fatalf("SCOPE.md has %d rows; regenerate it with longshore scope", len(said))
	}
	for _, op := range daemon.Operations() {
		name := op.Service + ":" + op.Name
		want := "refused"
		if op.Served {
			want = "served"
		}
		if said[name] != want {
			t.Errorf("SCOPE.md says %q of %s, the code says %q", said[name], name, want)
		}
		if !op.Served && reasons[name] == "" {
			t.Errorf("SCOPE.md gives no reason for refusing %s", name)
		}
		delete(said, name)
	}
	for name := range said {
		t.Errorf("SCOPE.md names %s, which no model has", name)
	}
}

var faultCode = regexp.MustCompile(`fault\.(?:New|Newf|Server)\("([A-Za-z.]+)"`)

// commonCodes may be answered by any operation, whatever its model lists.
var commonCodes = []string{
	"AccessDeniedException", "ValidationException", "SerializationException", "UnknownOperationException",
	"InternalFailure", "ServerException", "ThrottlingException", "RequestEntityTooLargeException",
}

func TestEveryFaultCodeIsInTheModelOfItsService(t *testing.T) {
	codes := map[string][]string{}
	for _, op := range daemon.Operations() {
		codes[op.Service] = append(codes[op.Service], op.Errors...)
	}
	for _, s := range sources(t) {
		service, ok := strings.CutPrefix(s.pkg, "internal/api/")
		if s.pkg == "internal/dispatch" {
			service, ok = "ecs", true
		}
		// The EC2 API's model lists no errors at all.
		if !ok || s.test || service == "ec2" {
			continue
		}
		for _, m := range faultCode.FindAllStringSubmatch(s.text, -1) {
			if !slices.Contains(codes[service], m[1]) && !slices.Contains(commonCodes, m[1]) {
				t.Errorf("%s answers %s, which no operation of %s has in its model", s.path, m[1], service)
			}
		}
	}
}
