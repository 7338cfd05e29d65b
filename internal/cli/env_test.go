package cli

import "testing"

func TestAnAWSCLIThatIgnoresTheEndpointIsRecognised(t *testing.T) {
	for version, want := range map[string]bool{
		"aws-cli/2.9.19 Python/3.11.2 Linux/6.1 source/x86_64.debian.12 prompt/off": true,
		"aws-cli/2.13.0 Python/3.11.4 Linux/6.1 exe/x86_64":                         false,
		"aws-cli/2.31.2 Python/3.13.7 Linux/6.1 exe/x86_64":                         false,
		"aws-cli/1.22.34 Python/3.10.12 Linux/6.1 botocore/1.23.34":                 true,
		"aws-cli/1.45.11 Python/3.11.7 Linux/6.1 botocore/1.43.11":                  false,
		"": false, "something else": false,
	} {
		if got := deaf(version); got != want {
			t.Errorf("%q: got %v", version, got)
		}
	}
}
