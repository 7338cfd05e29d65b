package rollout

import (
	"fmt"
	"strings"
	"time"

	"longshore/internal/state"
)

// Texts that clients match on (ecs service event messages; API_Deployment, rolloutStateReason). The parentheses
// are part of them.
const (
	reasonUnwell = "Task failed container health checks"

	textBlocked = "was unable to stop or start tasks during a deployment because of the service deployment " +
		"configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
	textThrottled = "is unable to consistently start tasks successfully."
	textProtected = "was unable to reach steady state because task set (%s) was unable to scale in. Reason: The " +
		"number of protected tasks are more than the desired count of tasks."
	textNoDefinition = "was unable to start tasks because the task definition %s no longer exists."

	textBreaker = "ECS deployment circuit breaker: tasks failed to start."
)

// noticeEvery is how long the repetition of a notice is suppressed while its cause lasts; the steady state is
// told again as often.
const noticeEvery = 6 * time.Hour

func reasonScaling(d state.DeploymentKey) string {
	return fmt.Sprintf("Scaling activity initiated by (deployment %s)", d.ID())
}

// line is a line of the service's story.
func line(s *state.Service, format string, args ...any) string {
	return fmt.Sprintf("(service %s) ", s.Key.Name()) + fmt.Sprintf(format, args...)
}

func lineOfDeployment(s *state.Service, d *state.Deployment, text string) string {
	return line(s, "(deployment %s) %s", d.Key.ID(), text)
}

// tasksLine is "has started 2 tasks: (task a) (task b)." and its like.
func tasksLine(s *state.Service, did, what string, ids []string) string {
	return line(s, "has %s %d %s: (task %s).", did, len(ids), what, strings.Join(ids, ") (task "))
}
