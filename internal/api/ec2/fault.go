package ec2

import (
	"net/http"

	"longshore/internal/aws/fault"
)

// notFound is the answer for an id that names nothing: InvalidVpcID.NotFound, InvalidGroup.NotFound and so on.
func notFound(code, noun, id string) error {
	return fault.Newf(code+".NotFound", "The %s '%s' does not exist", noun, id)
}

func malformed(code, id, prefix string) error {
	return fault.Newf(code+".Malformed", "Invalid id: %q (expecting \"%s...\")", id, prefix)
}

func invalidFilter(name string) error {
	return fault.Newf("InvalidParameterValue", "The filter '%s' is invalid", name)
}

func invalidValue(format string, args ...any) error {
	return fault.Newf("InvalidParameterValue", format, args...)
}

func invalidToken() error {
	return fault.New("InvalidPaginationToken", "The pagination token is not valid")
}

func togetherInvalid(a, b string) error {
	return fault.Newf("InvalidParameterCombination", "The parameter %s cannot be used with the parameter %s", a, b)
}

// wouldSucceed is how EC2 says that a dry run passed.
func wouldSucceed() error {
	return fault.New("DryRunOperation", "Request would have succeeded, but DryRun flag is set.").
		WithStatus(http.StatusPreconditionFailed)
}
