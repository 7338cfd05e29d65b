package ecs

import (
	"fmt"

	"longshore/internal/aws/fault"
)

// The faults of Amazon ECS, in its own words where they are known. Clients match on both code and text.

func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterException", fmt.Sprintf(format, args...))
}

func client(format string, args ...any) *fault.Error {
	return fault.New("ClientException", fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) *fault.Error {
	return fault.New("UnsupportedFeatureException", fmt.Sprintf(format, args...))
}

func clusterNotFound() *fault.Error {
	return fault.New("ClusterNotFoundException", "Cluster not found.")
}

func clusterInactive() *fault.Error {
	return fault.New("ClusterNotFoundException", "The referenced cluster was inactive.")
}

func clusterContainsInstances() *fault.Error {
	return fault.New("ClusterContainsContainerInstancesException",
		"The Cluster cannot be deleted while Container Instances are active or draining.")
}

func clusterContainsServices() *fault.Error {
	return fault.New("ClusterContainsServicesException",
		"The Cluster cannot be deleted while Services are active.")
}

func clusterContainsTasks() *fault.Error {
	return fault.New("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
}

func resourceInUse(message string) *fault.Error { return fault.New("ResourceInUseException", message) }

func attributeLimitExceeded(target string) *fault.Error {
	return fault.New("AttributeLimitExceededException",
		"You have reached the maximum number of custom attributes for the resource "+target+".")
}

func targetNotFound(target string) *fault.Error {
	return fault.New("TargetNotFoundException", "The specified target wasn't found: "+target)
}

// taskDefinitionUnknown is what DescribeTaskDefinition and the calls on revisions say.
func taskDefinitionUnknown() *fault.Error { return client("Unable to describe task definition.") }

// taskDefinitionNotFound is what RunTask, CreateService and UpdateService say.
func taskDefinitionNotFound() *fault.Error { return client("TaskDefinition not found.") }

func taskDefinitionInactive() *fault.Error { return client("TaskDefinition is inactive") }

func taskNotFound() *fault.Error { return invalid("The referenced task was not found.") }

func serviceNotFound() *fault.Error {
	return fault.New("ServiceNotFoundException", "Service not found.")
}

func serviceNotActive() *fault.Error {
	return fault.New("ServiceNotActiveException", "Service was not ACTIVE.")
}

func serviceDeploymentNotFound() *fault.Error {
	return fault.New("ServiceDeploymentNotFoundException", "Service deployment not found.")
}

func instanceNotFound() *fault.Error {
	return invalid("The referenced container instance was not found.")
}

func resourceNotFound(arn string) *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified resource was not found: "+arn)
}

// tokenConflict is a client token that was used with other parameters; the ARNs are what the first call made.
func tokenConflict(arns []string) *fault.Error {
	return fault.New("ConflictException",
		"The client token was already used with different parameters.").With("resourceIds", arns)
}

func platformUnknown(version string) *fault.Error {
	return fault.New("PlatformUnknownException", fmt.Sprintf("The platform version %s does not exist.", version))
}

func malformedARN() *fault.Error { return invalid("Unexpected number of separators") }

// foreign is an ARN of another account or region: nothing of it can be reached from here.
func foreign(account, ours string) *fault.Error {
	return invalid("Identifier is for %s. Your accountId is %s", account, ours)
}
