"""Drives Longshore with boto3 as scripts in the wild do: waiters, paginators, failures, exceptions, events of logs."""
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

# Clients older than AWS_ENDPOINT_URL are told where to go.
where = dict(endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=Config(retries={"max_attempts": 0}))
ecs = boto3.client("ecs", **where)
ec2 = boto3.client("ec2", **where)
logs = boto3.client("logs", **where)
sts = boto3.client("sts", **where)
quick = {"Delay": 1, "MaxAttempts": 60}


def refused(exception, message, call, **arguments):
    try:
        call(**arguments)
    except exception as e:
        said = e.response["Error"]["Message"]
        assert message in said, said
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400, e.response
        assert e.response["ResponseMetadata"]["RequestId"], e.response
        return e
    raise AssertionError("not refused: " + repr(arguments))


assert sts.get_caller_identity()["Account"] == "000000000000"

# Exceptions have the classes that scripts catch.
refused(ecs.exceptions.ClusterNotFoundException, "Cluster not found.", ecs.list_tasks, cluster="nowhere")
refused(ecs.exceptions.ClientException, "Unable to describe task definition.", ecs.describe_task_definition, taskDefinition="none")
ecs.create_cluster(clusterName="boto", tags=[{"key": "team", "value": "blue"}], settings=[{"name": "containerInsights", "value": "enabled"}])
assert ecs.create_cluster(clusterName="boto")["cluster"]["status"] == "ACTIVE"  # once more is no error
refused(ecs.exceptions.ServiceNotFoundException, "Service not found.", ecs.update_service, cluster="boto", service="none")
refused(ecs.exceptions.InvalidParameterException, "", ecs.describe_tasks, cluster="boto", tasks=[])

# Failures are not exceptions.
answer = ecs.describe_clusters(clusters=["boto", "nowhere"], include=["TAGS", "SETTINGS", "STATISTICS"])
assert [f["reason"] for f in answer["failures"]] == ["MISSING"], answer
assert answer["clusters"][0]["tags"] == [{"key": "team", "value": "blue"}], answer
assert answer["clusters"][0]["settings"] == [{"name": "containerInsights", "value": "enabled"}], answer
answer = ecs.describe_services(cluster="boto", services=["none"])
assert [f["reason"] for f in answer["failures"]] == ["MISSING"], answer

# Paginators.
for i in range(12):
    ecs.create_cluster(clusterName=f"page-{i}")
arns = [a for p in ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 5}) for a in p["clusterArns"]]
assert len(arns) == len(set(arns)) == 13, arns


def define(family, command, **more):
    container = dict(name="main", image=os.environ["IMAGE"], command=command, memory=32, essential=True, **more)
    return ecs.register_task_definition(family=family, containerDefinitions=[container])["taskDefinition"]


for _ in range(7):
    define("paged", ["wait"])
pages = list(ecs.get_paginator("list_task_definitions").paginate(
    familyPrefix="paged", sort="DESC", PaginationConfig={"PageSize": 3}))
assert len(pages) == 3, pages
arns = [a for p in pages for a in p["taskDefinitionArns"]]
assert [int(a.rsplit(":", 1)[1]) for a in arns] == [7, 6, 5, 4, 3, 2, 1], arns
refused(ecs.exceptions.InvalidParameterException, "", ecs.list_task_definitions, nextToken="nonsense")
refused(ecs.exceptions.InvalidParameterException, "", ecs.list_clusters, maxResults=101)

# The default of what was not given is echoed.
definition = define("echo", ["wait"])
container = definition["containerDefinitions"][0]
for key, value in dict(cpu=0, portMappings=[], environment=[], mountPoints=[], volumesFrom=[], systemControls=[]).items():
    assert container[key] == value, container
assert definition["compatibilities"] and definition["status"] == "ACTIVE" and definition["registeredAt"], definition

# tasks_running and tasks_stopped, as they come.
deadline = time.time() + 20
while not ecs.list_container_instances(cluster="boto")["containerInstanceArns"]:
    assert time.time() < deadline, "no container instance"
task = ecs.run_task(cluster="boto", taskDefinition="echo", launchType="EC2", startedBy="boto")["tasks"][0]["taskArn"]
ecs.get_waiter("tasks_running").wait(cluster="boto", tasks=[task], WaiterConfig=quick)
assert ecs.list_tasks(cluster="boto", startedBy="boto")["taskArns"] == [task]
ecs.stop_task(cluster="boto", task=task, reason="enough")
ecs.get_waiter("tasks_stopped").wait(cluster="boto", tasks=[task], WaiterConfig=quick)
stopped = ecs.describe_tasks(cluster="boto", tasks=[task])["tasks"][0]
assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough"), stopped
assert stopped["createdAt"] <= stopped["startedAt"] <= stopped["stoppingAt"] <= stopped["stoppedAt"], stopped
try:
    ecs.get_waiter("tasks_running").wait(cluster="boto", tasks=[task], WaiterConfig=quick)
    raise AssertionError("tasks_running waits for a task that has stopped")
except WaiterError:
    pass

# What cannot be placed is a failure with a reason.
huge = define("huge", ["wait"], memoryReservation=16)["taskDefinitionArn"]
answer = ecs.run_task(cluster="boto", taskDefinition=huge, launchType="EC2",
                      overrides={"containerOverrides": [{"name": "main", "memoryReservation": 10_000_000, "memory": 10_000_001}]})
assert not answer["tasks"] and answer["failures"][0]["reason"] == "RESOURCE:MEMORY", answer

# services_stable and services_inactive, with the waiters' own patience.
ecs.create_service(cluster="boto", serviceName="web", taskDefinition="echo", desiredCount=2, launchType="EC2",
                   propagateTags="SERVICE", enableECSManagedTags=True, tags=[{"key": "tier", "value": "front"}])
ecs.get_waiter("services_stable").wait(cluster="boto", services=["web"], WaiterConfig=quick)
service = ecs.describe_services(cluster="boto", services=["web"], include=["TAGS"])["services"][0]
assert service["runningCount"] == 2 and service["tags"] == [{"key": "tier", "value": "front"}], service
tasks = ecs.list_tasks(cluster="boto", serviceName="web")["taskArns"]
tags = {t["key"]: t["value"] for t in ecs.describe_tasks(cluster="boto", tasks=tasks[:1], include=["TAGS"])["tasks"][0]["tags"]}
assert tags == {"tier": "front", "aws:ecs:clusterName": "boto", "aws:ecs:serviceName": "web"}, tags
refused(ecs.exceptions.InvalidParameterException, "Creation of service was not idempotent.", ecs.create_service,
        cluster="boto", serviceName="web", taskDefinition="echo", desiredCount=3, launchType="EC2")
refused(ecs.exceptions.ClusterContainsServicesException, "while Services are active", ecs.delete_cluster, cluster="boto")
service = ecs.update_service(cluster="boto", service="web", forceNewDeployment=True)["service"]
assert len(service["deployments"]) == 2, service["deployments"]
ecs.get_waiter("services_stable").wait(cluster="boto", services=["web"], WaiterConfig=quick)
assert not set(tasks) & set(ecs.list_tasks(cluster="boto", serviceName="web")["taskArns"]), "a forced deployment replaces every task"
ecs.delete_service(cluster="boto", service="web", force=True)
ecs.get_waiter("services_inactive").wait(cluster="boto", services=["web"], WaiterConfig=quick)
refused(ecs.exceptions.ServiceNotActiveException, "Service was not ACTIVE.", ecs.update_service, cluster="boto", service="web", desiredCount=1)

# EC2 and CloudWatch Logs speak their own protocols.
vpc = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"][0]
subnets = [s for p in ec2.get_paginator("describe_subnets").paginate() for s in p["Subnets"]]
assert {s["VpcId"] for s in subnets} == {vpc["VpcId"]} and len({s["AvailabilityZone"] for s in subnets}) == 3, subnets
try:
    ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    raise AssertionError("RunInstances is served")
except ClientError as e:
    assert e.response["Error"]["Code"], e.response
logs.create_log_group(logGroupName="/boto")
refused(logs.exceptions.ResourceAlreadyExistsException, "", logs.create_log_group, logGroupName="/boto")
logs.create_log_stream(logGroupName="/boto", logStreamName="s")
now = int(time.time() * 1000)
logs.put_log_events(logGroupName="/boto", logStreamName="s",
                    logEvents=[{"timestamp": now + i, "message": f"event {i} " + ("ERROR" if i % 10 == 0 else "fine")} for i in range(100)])
events = logs.get_log_events(logGroupName="/boto", logStreamName="s", startFromHead=True)["events"]
assert [e["message"].split()[1] for e in events] == [str(i) for i in range(100)], events
found = [e for p in logs.get_paginator("filter_log_events").paginate(
    logGroupName="/boto", filterPattern="ERROR", PaginationConfig={"PageSize": 3}) for e in p["events"]]
assert len(found) == 10, found
refused(logs.exceptions.ResourceNotFoundException, "The specified log group does not exist.", logs.get_log_events,
        logGroupName="/none", logStreamName="s")
ecs.delete_cluster(cluster="boto")
print("boto3 is content")
