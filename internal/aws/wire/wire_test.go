package wire_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
	"longshore/internal/gen/stswire"
)

func text(s string) *string { return &s }

func models() []*wire.Service {
	return []*wire.Service{ecswire.Model(), ec2wire.Model(), logswire.Model(), stswire.Model()}
}

func TestTablesFitTheirStructs(t *testing.T) {
	for _, s := range models() {
		for _, op := range s.Operations {
			for id, fresh := range map[wire.ShapeID]func() any{op.Input: op.NewInput, op.Output: op.NewOutput} {
				if (id == wire.NoShape) != (fresh == nil) {
					t.Errorf("%s.%s: table and struct disagree", s.Name, op.Name)
				}
				if fresh != nil {
					fits(t, s, id, reflect.TypeOf(fresh()).Elem(), map[wire.ShapeID]bool{})
				}
			}
			for _, e := range op.Errors {
				if s.Error(e) == nil {
					t.Errorf("%s.%s: error %s has no shape", s.Name, op.Name, e)
				}
			}
		}
	}
}

// fits walks a struct type and its table side by side: member i is field i, by name.
func fits(t *testing.T, s *wire.Service, id wire.ShapeID, typ reflect.Type, seen map[wire.ShapeID]bool) {
	t.Helper()
	shape := &s.Shapes[id]
	if seen[id] {
		return
	}
	seen[id] = true
	switch shape.Kind {
	case wire.List, wire.Map:
		fits(t, s, shape.Element, typ.Elem(), seen)
	case wire.Structure:
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.NumField() != len(shape.Members) {
			t.Fatalf("%s: %d fields, %d members", shape.Name, typ.NumField(), len(shape.Members))
		}
		for i, m := range shape.Members {
			if typ.Field(i).Tag.Get("json") != m.Name+",omitzero" {
				t.Errorf("%s.%s: field %d is %s", shape.Name, m.Name, i, typ.Field(i).Name)
			}
			fits(t, s, m.Shape, typ.Field(i).Type, seen)
		}
	}
}

func TestEveryPatternCompiles(t *testing.T) {
	for _, s := range models() {
		for _, sh := range s.Shapes {
			if sh.Pattern != "" && sh.GoPattern == "" {
				t.Errorf("%s.%s: pattern %s is not checked", s.Name, sh.Name, sh.Pattern)
			}
		}
	}
}

func TestBrokenConstraintsAreWordedAsAWSDoes(t *testing.T) {
	m := ecswire.Model()
	c := wire.NewCodec(m)
	cases := []struct {
		op   string
		in   any
		want string
	}{
		{"CreateService", &ecswire.CreateServiceRequest{}, "1 validation error detected: Value null at 'serviceName' " +
			"failed to satisfy constraint: Member must not be null"},
		{"CreateService", &ecswire.CreateServiceRequest{ServiceName: text("a"), LaunchType: text("MOON")},
			"1 validation error detected: Value 'MOON' at 'launchType' failed to satisfy constraint: Member must satisfy " +
				"enum value set: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]"},
		{"TagResource", &ecswire.TagResourceRequest{ResourceArn: text("a"), Tags: []ecswire.Tag{{Key: text("")}}},
			"1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have " +
				"length greater than or equal to 1"},
		{"TagResource", &ecswire.TagResourceRequest{ResourceArn: text("a"), Tags: []ecswire.Tag{{Key: text("a!")}}},
			`1 validation error detected: Value 'a!' at 'tags.1.member.key' failed to satisfy constraint: Member must ` +
				`satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`},
		{"TagResource", &ecswire.TagResourceRequest{}, "2 validation errors detected: Value null at 'resourceArn' failed " +
			"to satisfy constraint: Member must not be null; Value null at 'tags' failed to satisfy constraint: Member " +
			"must not be null"},
		{"TagResource", &ecswire.TagResourceRequest{ResourceArn: text("a"), Tags: make([]ecswire.Tag, 51)},
			"1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than " +
				"or equal to 50"},
		{"TagResource", &ecswire.TagResourceRequest{ResourceArn: text("a"), Tags: []ecswire.Tag{{Key: text("k")}}}, ""},
	}
	for _, x := range cases {
		broken := c.Check(m.Operation(x.op).Input, x.in)
		got := ""
		if len(broken) > 0 {
			got = wire.Describe(broken)
		}
		if got != x.want {
			t.Errorf("%s:\n got %s\nwant %s", x.op, got, x.want)
		}
	}
}

func TestNumbersOutOfRangeAreFound(t *testing.T) {
	m := logswire.Model()
	limit := int32(0)
	broken := wire.NewCodec(m).Check(m.Operation("DescribeLogGroups").Input, &logswire.DescribeLogGroupsRequest{Limit: &limit})
	want := "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: " +
		"Member must have value greater than or equal to 1"
	if len(broken) != 1 || wire.Describe(broken) != want || broken[0].Member != "limit" {
		t.Fatalf("got %+v", broken)
	}
}

func TestEC2ParametersAreRead(t *testing.T) {
	m := ec2wire.Model()
	in := &ec2wire.DescribeVpcsRequest{}
	form, err := url.ParseQuery("Filter.2.Name=b&Filter.1.Name=a&Filter.1.Value.1=x&Filter.1.Value.2=y&VpcId.1=vpc-1" +
		"&DryRun=true&MaxResults=7&Unknown.3.Thing=1")
	if err != nil {
		t.Fatal(err)
	}
	err = wire.NewCodec(m).DecodeForm(m.Operation("DescribeVpcs").Input, form, in, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Filters) != 2 || *in.Filters[0].Name != "a" || !slices.Equal(in.Filters[0].Values, []string{"x", "y"}) ||
		*in.Filters[1].Name != "b" || !slices.Equal(in.VpcIds, []string{"vpc-1"}) || !*in.DryRun || *in.MaxResults != 7 {
		t.Fatalf("got %+v", in)
	}
}

func TestQueryParametersAreReadWithMemberLists(t *testing.T) {
	m := stswire.Model()
	in := &stswire.AssumeRoleRequest{}
	form := url.Values{
		"RoleArn": {"arn"}, "DurationSeconds": {"900"}, "Tags.member.1.Key": {"k"}, "Tags.member.1.Value": {"v"},
		"TransitiveTagKeys.member.1": {"a"}, "TransitiveTagKeys.member.10": {"c"}, "TransitiveTagKeys.member.9": {"b"},
	}
	err := wire.NewCodec(m).DecodeForm(m.Operation("AssumeRole").Input, form, in, false)
	if err != nil {
		t.Fatal(err)
	}
	if *in.DurationSeconds != 900 || len(in.Tags) != 1 || *in.Tags[0].Value != "v" ||
		!slices.Equal(in.TransitiveTagKeys, []string{"a", "b", "c"}) {
		t.Fatalf("got %+v", in)
	}
}

func TestUnreadableParametersAreNamed(t *testing.T) {
	m := ec2wire.Model()
	for _, query := range []string{"MaxResults=many", "MaxResults=99999999999", "DryRun=yes", "VpcId.x=1", "MaxResults.1=1"} {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		err = wire.NewCodec(m).DecodeForm(m.Operation("DescribeVpcs").Input, form, &ec2wire.DescribeVpcsRequest{}, true)
		if err == nil {
			t.Errorf("%s was read", query)
		}
	}
}

func TestXMLEscapesAndNamesElements(t *testing.T) {
	m := ec2wire.Model()
	out := &ec2wire.DescribeVpcsResult{Vpcs: []ec2wire.Vpc{{
		VpcId: text("a<b&c"), Tags: []ec2wire.Tag{}, IsDefault: new(bool),
	}}}
	b := bytes.Buffer{}
	err := wire.NewCodec(m).EncodeXML(&b, m.Operation("DescribeVpcs").Output, out, true)
	want := "<vpcSet><item><isDefault>false</isDefault><tagSet></tagSet><vpcId>a&lt;b&amp;c</vpcId></item></vpcSet>"
	if err != nil || b.String() != want {
		t.Fatalf("got %s: %v", b.String(), err)
	}
}

func TestTimestampsSurviveJSONAndCBOR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-62135596800000, 253402300799000).Draw(t, "ms")
		at := wire.Timestamp{Time: time.UnixMilli(ms).UTC()}
		for name, one := range map[string]struct {
			marshal   func(any) ([]byte, error)
			unmarshal func([]byte, any) error
		}{"json": {json.Marshal, json.Unmarshal}, "cbor": {cbor.Marshal, cbor.Unmarshal}} {
			b, err := one.marshal(at)
			if err != nil {
				t.Fatal(err)
			}
			back := wire.Timestamp{}
			err = one.unmarshal(b, &back)
			if err != nil || !back.Equal(at.Time) {
				t.Fatalf("%s: %v became %v: %v", name, at, back, err)
			}
		}
	})
}

func FuzzDecodeForm(f *testing.F) {
	f.Add("Filter.1.Name=a&Filter.1.Value.1=x&VpcId.1=vpc-1&DryRun=true&MaxResults=7")
	f.Add("Filter=&VpcId.0=&" + strings.Repeat("a.", 40) + "=1")
	m := ec2wire.Model()
	c := wire.NewCodec(m)
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		in := &ec2wire.DescribeVpcsRequest{}
		err = c.DecodeForm(m.Operation("DescribeVpcs").Input, form, in, true)
		if err == nil {
			c.Check(m.Operation("DescribeVpcs").Input, in)
		}
	})
}
