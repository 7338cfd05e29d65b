package etcd

import (
	"slices"
	"strings"
	"testing"
)

func TestAnAddressSaysWhereEtcdIs(t *testing.T) {
	a, err := Parse("etcd://ann@10.0.0.1:2379,[::1]:2379/team/longshore/?ca=ca.pem&cert=c.pem&key=k.pem&password-file=p")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Endpoints, []string{"10.0.0.1:2379", "[::1]:2379"}) || a.Prefix != "/team/longshore" ||
		a.Username != "ann" || !a.TLS || a.CA != "ca.pem" || a.Cert != "c.pem" || a.Key != "k.pem" || a.PasswordFile != "p" {
		t.Errorf("read as %+v", a)
	}
	c, err := Address{Endpoints: a.Endpoints, Prefix: a.Prefix, Username: "ann", PasswordFile: "p", TLS: true}.
		Config(func(string) ([]byte, error) { return []byte("secret\n"), nil })
	if err != nil || c.Password != "secret" || c.TLS == nil {
		t.Errorf("made %+v of it, %v", c, err)
	}
}

func TestAnAddressThatIsWrongIsRefusedWithTheReason(t *testing.T) {
	for address, want := range map[string]string{
		"http://a:1/p":                  "begin with",
		"etcd://a/p":                    "HOST:PORT",
		"etcd://a:1,/p":                 "HOST:PORT",
		"etcd://a:1":                    "prefix",
		"etcd://a:1/":                   "prefix",
		"etcd://u:secret@a:1/p":         "list of processes",
		"etcd://u@a:1/p":                "go together",
		"etcd://a:1/p?cert=c":           "go together",
		"etcd://a:1/p?tls=no":           "tls=true",
		"etcd://a:1/p?colour=red":       "unknown",
		"etcd://a:1/p?password-file=%z": "options",
	} {
		_, err := Parse(address)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to speak of %q", address, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("etcd://ann@10.0.0.1:2379,[::1]:2379/team/longshore/?ca=ca.pem&tls=true")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err == nil && (len(a.Endpoints) == 0 || len(a.Prefix) < 2) {
			t.Errorf("%q is read as %+v", s, a)
		}
	})
}
