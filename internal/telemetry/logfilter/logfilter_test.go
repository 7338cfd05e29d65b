package logfilter

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatternsKeepWhatTheyShould(t *testing.T) {
	clf := `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	doc := `{"eventType":"UpdateTrail","sourceIPAddress":"123.123.1.9","n":5,"big":1.5e3,"neg":-2,"nil":null,` +
		`"yes":true,"no":false,"a":{"b":"x","c":[1,{"d":"deep"}]},"errorCode":"400","größe":"weit","dots.in":"y",` +
		`"objectList":[{"id":1},{"id":7}]}`
	cases := []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{" ", "", true},
		{"ERROR", "[ERROR 400] BAD", true},
		{"ERROR", "ERRORS", false},
		{"ERROR", "MYERROR ERROR", true},
		{"ERROR", "error", false},
		{"ERROR 400", "400 then ERROR", true},
		{"ERROR 400", "ERROR 419", false},
		{"ERROR -EXITING", "ERROR EXITING", false},
		{"ERROR -EXITING", "ERROR 1", true},
		{"-WARN", "INFO", true},
		{"?ERROR ?WARN", "WARN 1", true},
		{"?ERROR ?WARN", "INFO", false},
		{"INFO ?ERROR", "INFO", true},
		{"INFO ?ERROR", "ERROR", false},
		{`"INTERNAL SERVER ERROR"`, "500 INTERNAL SERVER ERROR!", true},
		{`"INTERNAL SERVER ERROR"`, "INTERNAL ERROR SERVER", false},
		{`-"health check"`, "GET health check", false},
		{`"a \"b\""`, `say a "b" now`, true},
		{`%4\d\d%`, "status404!", true},
		{`-%4\d\d%`, "status404!", false},
		{"größe", "die größe zählt", true},
		{"gr", "die größe", false},
		{"日本", "これは日本語です", true},
		{`{ $.eventType = "UpdateTrail" }`, doc, true},
		{`{ $.eventType = UpdateTrail }`, doc, true},
		{`{ $.eventType = "Update*" }`, doc, true},
		{`{ $.eventType = "*date*ail" }`, doc, true},
		{`{ $.eventType = "*date*x" }`, doc, false},
		{`{ $.eventType != "Other" }`, doc, true},
		{`{ $.missing != "Other" }`, doc, false},
		{`{ $.sourceIPAddress = 123.123.* }`, doc, true},
		{`{ $.sourceIPAddress != 123.123.* }`, doc, false},
		{`{ $.n = 5 }`, doc, true},
		{`{ $.n = 5.0 }`, doc, true},
		{`{ $.n > 4 && $.n < 6 }`, doc, true},
		{`{ $.n >= 5 && $.n <= 5 }`, doc, true},
		{`{ $.big = 1.5e3 }`, doc, true},
		{`{ $.big >= 15e2 }`, doc, true},
		{`{ $.neg < -1 }`, doc, true},
		{`{ $.n != 5 }`, doc, false},
		{`{ $.eventType > 3 }`, doc, false},
		{`{ $.nil IS NULL }`, doc, true},
		{`{ $.missing IS NULL }`, doc, false},
		{`{ $.yes IS TRUE }`, doc, true},
		{`{ $.no IS FALSE }`, doc, true},
		{`{ $.no is true }`, doc, false},
		{`{ $.missing NOT EXISTS }`, doc, true},
		{`{ $.a NOT EXISTS }`, doc, false},
		{`{ $.a.b = "x" && ($.n > 30 || $.nil IS NULL) }`, doc, true},
		{`{ $.n > 30 || $.n = 5 && $.a.b = "x" }`, doc, true},
		{`{ ($.n = 5 || $.n = 6) && $.a.b = "q" }`, doc, false},
		{`{ $.a.c[0] = 1 }`, doc, true},
		{`{ $.a.c[1].d = "deep" }`, doc, true},
		{`{ $.a.c[9] = 1 }`, doc, false},
		{`{ $.a = "*" }`, doc, false},
		{`{ $.objectList[*].id = 7 }`, doc, true},
		{`{ $.objectList[*].id = 8 }`, doc, false},
		{`{ $.a.* = "x" }`, doc, true},
		{`{ $["dots.in"] = y }`, doc, true},
		{`{ $.größe = "weit" }`, doc, true},
		{`{ $.eventType = %^Up% }`, doc, true},
		{`{ $.eventType != %^Up% }`, doc, false},
		{`{ $.n = 5 }`, "not json", false},
		{`{ $.n = 5 }`, `{"n":5} trailing`, false},
		{`{$.n=5}`, ` {"n": 5}`, true},
		{`[ip, id, user, timestamp, request, status, size]`, clf, true},
		{`[ip, id, user, timestamp, request, status]`, clf, false},
		{`[ip, user, ...]`, clf, true},
		{`[..., status, size]`, clf, true},
		{`[ip, ..., status=4*, size]`, clf, true},
		{`[ip, ..., status=5*, size]`, clf, false},
		{`[ip, user, ..., status=4*, bytes>1000]`, clf, true},
		{`[ip, id, user, ts, request=*.html*, status=4* || status=5*, size]`, clf, true},
		{`[..., status>=400 && status<500, size]`, clf, true},
		{`[..., (status=200 || status=404) && status != 500, size]`, clf, true},
		{`[w1=INFO, ...]`, "INFO started", true},
		{`[w1!="INFO", ...]`, "INFO started", false},
		{`[..., size=%^15%]`, clf, true},
		{`[a, b]`, `[open "unclosed`, true},
		{`[a]`, ``, false},
		{`[...]`, ``, true},
	}
	for _, c := range cases {
		t.Run(c.pattern, func(t *testing.T) {
			p, err := Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(c.message); got != c.want {
				t.Errorf("%s on %q = %t", c.pattern, c.message, got)
			}
		})
	}
}

func TestMalformedPatternsAreRefused(t *testing.T) {
	for _, pattern := range []string{
		`foo:bar`, `"open`, `%open`, `%%`, `%a(b)%`, `%something!%`, `%é%`, `%[%`, `?`, `-`, `a ? b`,
		`%a% %b% %c%`, `{`, `{}`, `{ $.a }`, `{ $.a = }`, `{ $ = 1 }`, `{ a = 1 }`, `{ $.a = 1`, `{ $.a = 1 } x`,
		`{ $.a > "x" }`, `{ $.a > x }`, `{ $.a EXISTS }`, `{ $.a IS NOT NULL }`, `{ $.a = 1 & $.b = 2 }`,
		`{ $.a[x] = 1 }`, `{ $.a[0 = 1 }`, `{ ($.a = 1 }`, `{ $.a = 1) }`, `{ $.a == 1 }`, `[`, `[]`, `[a,]`, `[a b]`,
		`[a, ..., b, ...]`, `[a=1 && b=2]`, `[a] x`, `[a IS NULL]`, "\xff", strings.Repeat("a", 1025),
		`{ ` + strings.Repeat("(", 65) + `$.a=1` + strings.Repeat(")", 65) + ` }`,
		`{ $.a[99999999999999999999] = 1 }`, `'a'`,
	} {
		_, err := Parse(pattern)
		if err == nil {
			t.Errorf("%s was accepted", pattern)
		}
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	for _, pattern := range []string{
		strings.Repeat("ä", 1024),
		`{ ` + strings.Repeat("(", 64) + `$.a=1` + strings.Repeat(")", 64) + ` }`,
	} {
		_, err := Parse(pattern)
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNamedValuesAreExtracted(t *testing.T) {
	cases := []struct {
		pattern, message string
		want             map[string]string
	}{
		{`ERROR`, "ERROR", map[string]string{}},
		{`[ip, ..., code>1]`, "1.2.3.4 x y 404", map[string]string{"$ip": "1.2.3.4", "$code": "404"}},
		{`{ $.a.b = * && $.n > 1 }`, `{"a":{"b":"x"},"n":1.50}`, map[string]string{"$.a.b": "x", "$.n": "1.50"}},
		{`{ $.a = * }`, `plain`, map[string]string{}},
	}
	for _, c := range cases {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Extract(c.message); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.pattern, got, c.want)
		}
	}
}

func TestWildcardsAgreeWithANaiveMatcher(t *testing.T) {
	var naive func(p, s string) bool
	naive = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		if p[0] == '*' {
			return naive(p[1:], s) || s != "" && naive(p, s[1:])
		}
		return s != "" && p[0] == s[0] && naive(p[1:], s[1:])
	}
	rapid.Check(t, func(r *rapid.T) {
		p := rapid.StringMatching(`[ab*]{0,6}`).Draw(r, "pattern")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(r, "text")
		if wildcard(p, s) != naive(p, s) {
			r.Fatalf("%q on %q", p, s)
		}
	})
}

func FuzzNoPatternAndNoEventCausesAPanic(f *testing.F) {
	for _, pattern := range []string{
		`a -b ?c`, `"x y" %\d+%`, `{ $.a.b[0]["c"].* = "x*" && ($.n > 3 || $.c IS NULL) || $.d NOT EXISTS }`,
		`[ip, ..., (status=4* || status=5*) && status!=%50\d%, bytes>1000]`, `%\`, `{$.`, `[...,`,
	} {
		f.Add(pattern, `{"a":{"b":[{"c":{"z":"x1"}}]},"n":4}`)
		f.Add(pattern, `1.1.1.1 [a b] "c d" 404 2000`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		p.Match(message)
		p.Extract(message)
	})
}

func BenchmarkMatch(b *testing.B) {
	line := `{"level":"info","msg":"request served","path":"/api/v1/items","status":200,"ms":12}`
	for _, pattern := range []string{`ERROR -health`, `{ $.status >= 500 }`, `[..., status=5*, ms]`, `%5\d\d%`} {
		p, err := Parse(pattern)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(pattern, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(line)
			}
		})
	}
}
