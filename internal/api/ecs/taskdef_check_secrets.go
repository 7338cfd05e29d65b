package ecs

import (
	"regexp"
	"strings"

	"longshore/internal/state"
)

const maxEnvironmentFiles = 10

// ssmNameForm is a parameter's name or path in the parameter store.
var ssmNameForm = regexp.MustCompile(`^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$`)

func checkEnvironment(c *state.Container) error {
	names := map[string]bool{}
	for _, e := range c.Environment {
		names[e.Name] = true
	}
	for _, s := range c.Secrets {
		if s.Name == "" {
			return client("Container '%s': secret name should not be null or empty.", c.Name)
		}
		if names[s.Name] {
			return client("The secret name must be unique and not shared with any new or existing environment "+
				"variables set on the container, such as '%s'.", s.Name)
		}
		names[s.Name] = true
	}
	if len(c.EnvironmentFiles) > maxEnvironmentFiles {
		return client("Container '%s' has more than %d environment files.", c.Name, maxEnvironmentFiles)
	}
	for _, f := range c.EnvironmentFiles {
		if f.Type != "s3" {
			return client("Container '%s': environment file type '%s' is not valid. The valid value is s3.",
				c.Name, f.Type)
		}
		if !strings.HasSuffix(f.Value, ".env") {
			return client("Container '%s': environment file '%s' must have the .env file extension.", c.Name,
				f.Value)
		}
	}
	return nil
}

// checkSecrets wants somebody who may read them, and references that can be read.
func checkSecrets(td *state.TaskDefinition) error {
	for _, c := range td.Containers {
		secrets := c.Secrets
		if c.LogConfiguration != nil {
			secrets = append(secrets[:len(secrets):len(secrets)], c.LogConfiguration.SecretOptions...)
		}
		if len(secrets) > 0 && td.ExecutionRoleARN == "" {
			return client("When you are specifying container secrets, you must also specify a value for " +
				"'executionRoleArn'.")
		}
		if c.RepositoryCredentials != "" && td.ExecutionRoleARN == "" {
			return client("When you are specifying container repository credentials, you must also specify a " +
				"value for 'executionRoleArn'.")
		}
		for _, s := range secrets {
			err := checkSecret(s)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSecret reads valueFrom: a Secrets Manager ARN, with or without :json-key:version-stage:version-id, an SSM
// parameter's ARN, or its bare name. A bare name with a suffix is no parameter name.
func checkSecret(s state.Secret) error {
	if s.ValueFrom == "" {
		return client("The valueFrom of secret %s should not be null or empty.", s.Name)
	}
	if !strings.HasPrefix(s.ValueFrom, "arn:") {
		if len(s.ValueFrom) > 2048 || !ssmNameForm.MatchString(s.ValueFrom) {
			return client("The Systems Manager parameter name specified for secret %s is invalid. The parameter "+
				"name can be up to 2048 characters and include the following letters and symbols: "+
				"a-zA-Z0-9_.-,", s.Name)
		}
		return nil
	}
	f := strings.Split(s.ValueFrom, ":")
	switch {
	case len(f) >= 6 && f[2] == "ssm" && strings.HasPrefix(f[5], "parameter/") && len(f) == 6:
	case len(f) >= 7 && f[2] == "secretsmanager" && f[5] == "secret" && (len(f) == 7 || len(f) == 10):
	default:
		return client("Invalid ARN specified for secret %s: '%s'.", s.Name, s.ValueFrom)
	}
	return nil
}
