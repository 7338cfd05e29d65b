package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var unicodeEscape = regexp.MustCompile(`\\u(10[0-9A-Fa-f]{4}|10000|[0-9A-Fa-f]{4})`)

// goPattern rewrites a Java pattern for package regexp and anchors it: AWS matches the whole value. An empty answer
// means that RE2 has no such pattern; the check is then left out, and the generator says so.
func goPattern(java string) string {
	p := unicodeEscape.ReplaceAllString(java, `\x{$1}`)
	p = strings.ReplaceAll(p, `[\w-_]`, `[\w\-_]`)
	p = "^(?:" + p + ")$"
	_, err := regexp.Compile(p)
	if err != nil {
		fmt.Fprintf(os.Stderr, "apigen: pattern %s is not checked: %v\n", java, err)
		return ""
	}
	return p
}
