// Package arn reads and writes Amazon Resource Names and knows nothing of what they name.
package arn

import (
	"errors"
	"strings"
)

// ARN is arn:partition:service:region:account:resource; the resource keeps its colons and slashes.
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string
}

// ErrMalformed is every text that is no ARN.
var ErrMalformed = errors.New("malformed ARN")

// maxLength is AWS's own bound for an ARN.
const maxLength = 2048

// Parse takes a text apart. Region and account may be empty, as IAM's and the service's own ARNs have them.
func Parse(text string) (ARN, error) {
	part := strings.SplitN(text, ":", 6)
	if len(text) > maxLength || len(part) != 6 || part[0] != "arn" {
		return ARN{}, ErrMalformed
	}
	if part[1] == "" || part[2] == "" || part[5] == "" {
		return ARN{}, ErrMalformed
	}
	return ARN{Partition: part[1], Service: part[2], Region: part[3], Account: part[4], Resource: part[5]}, nil
}

// New is an ARN of the partition "aws".
func New(service, region, account, resource string) ARN {
	return ARN{Partition: "aws", Service: service, Region: region, Account: account, Resource: resource}
}

// Is says whether a text claims to be an ARN at all: names may hold anything else.
func Is(text string) bool { return strings.HasPrefix(text, "arn:") }

func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Split cuts the resource at its first slash or colon: "task/prod/0123" is "task" and "prod/0123".
func (a ARN) Split() (kind, name string) {
	i := strings.IndexAny(a.Resource, "/:")
	if i < 0 {
		return "", a.Resource
	}
	return a.Resource[:i], a.Resource[i+1:]
}
