package arn

import "testing"

func TestARNsAreTakenApartAndPutTogether(t *testing.T) {
	cases := []struct{ text, kind, name string }{
		{"arn:aws:ecs:eu-west-1:000000000000:task/prod/0123", "task", "prod/0123"},
		{"arn:aws:ecs:eu-west-1:000000000000:task-definition/web:7", "task-definition", "web:7"},
		{"arn:aws:iam::000000000000:root", "", "root"},
		{"arn:aws:logs:eu-west-1:000000000000:log-group:/ecs/web:*", "log-group", "/ecs/web:*"},
	}
	for _, c := range cases {
		a, err := Parse(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		kind, name := a.Split()
		if a.String() != c.text || kind != c.kind || name != c.name {
			t.Errorf("%s: got %s, %q, %q", c.text, a, kind, name)
		}
	}
}

func TestWhatIsNoARNIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "arn", "arn:aws:ecs:eu-west-1:000000000000", "arn::ecs:r:a:x", "arn:aws::r:a:x", "arn:aws:ecs:r:a:", "task/x",
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%q was taken for an ARN", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:ecs:eu-west-1:000000000000:task/prod/0123")
	f.Add("arn:::::")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err == nil && a.String() != text {
			t.Fatalf("%q became %q", text, a)
		}
		a.Split()
	})
}
