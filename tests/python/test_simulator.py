"""The main job on the simulated AWS, seen by boto3: a client that nobody here wrote must understand every answer, and find
what the command line shows."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from conftest import forward_weights


@pytest.fixture
def world(simulator, manifests):
    world = manifests(simulator)
    subnets = simulator.ec2.describe_subnets()["Subnets"]
    groups = simulator.ec2.describe_security_groups()["SecurityGroups"]
    world.environment(
        {
            "vpc": subnets[0]["VpcId"],
            "subnets": [subnet["SubnetId"] for subnet in subnets],
            "security_group": groups[0]["GroupId"],
        }
    )
    return world


def deploy(world, image, extra="", code=0):
    world.app(image, extra=extra)
    path = world.folder / "hello.yaml"
    path.write_text(path.read_text().replace("c7g.large", "m7i.large"))
    return world.run("apply", "--yes", code=code)


STEPS = """  scaling:
    step:
      - name: busy
        customMetric: {namespace: Shop, name: Jobs, dimensions: {Queue: mail}}
        comparison: GreaterThanThreshold
        threshold: 10
        evaluationPeriods: 1
        steps: [{lowerBound: 0, adjustment: 2}]
"""


def test_what_boto3_publishes_steps_a_group(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"], STEPS)
    assert simulator.group("hello-prod-v001")["DesiredCapacity"] == 2
    jobs = {"MetricName": "Jobs", "Dimensions": [{"Name": "Queue", "Value": "mail"}], "Value": 25, "Unit": "Count"}
    deadline = time.monotonic() + 60
    while simulator.group("hello-prod-v001")["DesiredCapacity"] == 2:
        assert time.monotonic() < deadline, simulator.cloudwatch.describe_alarms()["MetricAlarms"]
        simulator.cloudwatch.put_metric_data(Namespace="Shop", MetricData=[jobs])
        time.sleep(0.2)
    assert simulator.group("hello-prod-v001")["DesiredCapacity"] == 4
    (alarm,) = simulator.cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["StateValue"]) == ("hello-prod-v001-step-busy", "ALARM")
    (policy,) = simulator.autoscaling.describe_policies(AutoScalingGroupName="hello-prod-v001")["ScalingPolicies"]
    assert (policy["PolicyType"], alarm["AlarmActions"]) == ("StepScaling", [policy["PolicyARN"]])
    assert alarm["Dimensions"] == jobs["Dimensions"]
    tags = simulator.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert {"Key": "amiable:app", "Value": "hello"} in tags
    # As with AWS, the launches follow the new size a moment later.
    def launches():
        return simulator.autoscaling.describe_scaling_activities(AutoScalingGroupName="hello-prod-v001")["Activities"]

    while len(launches()) < 4:
        assert time.monotonic() < deadline, launches()
        time.sleep(0.1)
    for launch in launches()[:2]:
        assert "in state ALARM triggered policy hello-prod-v001-step-busy" in launch["Cause"]
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes."), "the size belongs to scaling"
    deploy(world, known["hello 1.1.0"], STEPS + "  retain: {for: 0s}\n")
    world.run("apply", "--yes", "--wait-for-cleanup")
    assert [alarm["AlarmName"] for alarm in simulator.cloudwatch.describe_alarms()["MetricAlarms"]] == ["hello-prod-v002-step-busy"]


def images(account):
    return {image["Name"]: image["ImageId"] for image in account.ec2.describe_images(Owners=["self"])["Images"]}


def test_boto3_sees_a_release_as_the_command_line_tells_it(simulator, world):
    known = images(simulator)
    dns = "  dns: {name: hello.internal.example.com}\n"
    deploy(world, known["hello 1.0.0"], dns)
    deploy(world, known["hello 1.1.0"], dns)
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")

    newer = simulator.group("hello-prod-v002")
    assert [instance["LifecycleState"] for instance in newer["Instances"]] == ["InService", "InService"]
    assert len({instance["AvailabilityZone"] for instance in newer["Instances"]}) == 2
    health = simulator.elb.describe_target_health(TargetGroupArn=newer["TargetGroupARNs"][0])["TargetHealthDescriptions"]
    assert [target["TargetHealth"]["State"] for target in health] == ["healthy", "healthy"]
    assert simulator.weights("hello-prod") == {"a": 0, "b": 100}
    reservations = simulator.ec2.describe_instances(InstanceIds=[instance["InstanceId"] for instance in newer["Instances"]])
    launched = [instance for reservation in reservations["Reservations"] for instance in reservation["Instances"]]
    assert {instance["ImageId"] for instance in launched} == {known["hello 1.1.0"]}
    assert {instance["MetadataOptions"]["HttpTokens"] for instance in launched} == {"required"}
    tags = {tag["Key"]: tag["Value"] for tag in launched[0]["Tags"]}
    assert tags["amiable:app"] == "hello"
    activities = simulator.autoscaling.describe_scaling_activities(AutoScalingGroupName="hello-prod-v002")["Activities"]
    assert {activity["StatusCode"] for activity in activities} == {"Successful"}

    zone = simulator.route53.list_hosted_zones_by_name(DNSName="internal.example.com")["HostedZones"][0]["Id"]
    records = simulator.route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    balancer = simulator.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]
    alias = next(record for record in records if record["Name"] == "hello.internal.example.com.")["AliasTarget"]
    assert alias["DNSName"].rstrip(".").removeprefix("dualstack.").lower() == balancer["DNSName"].lower()
    assert alias["HostedZoneId"] == balancer["CanonicalHostedZoneId"]

    status = json.loads(world.run("status", "-o", "json").stdout)
    assert (status[0]["app"], status[0]["image"]) == ("hello", known["hello 1.1.0"])
    history = json.loads(world.run("history", "hello", "-o", "json").stdout)
    assert [record["generation"] for record in history] == [2, 1]


def test_a_bad_image_fails_in_aws_words_and_the_old_one_goes_on_serving(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"])
    done = deploy(world, known["hello 1.2.0"], "  progressDeadline: 3m\n", code=4)
    assert "Health checks failed with these codes" in done.stderr
    assert simulator.weights("hello-prod") == {"a": 100, "b": 0}
    deadline = time.monotonic() + 60
    while simulator.group("hello-prod-v002")["Instances"] and time.monotonic() < deadline:
        time.sleep(0.5)
    tombstone = simulator.group("hello-prod-v002")
    assert tombstone["DesiredCapacity"] == 0 and not tombstone["Instances"]
    tags = {tag["Key"]: tag["Value"] for tag in tombstone["Tags"]}
    assert "Health checks failed" in tags["amiable:failed"]
    world.run("plan", "--detailed-exitcode", code=3)
    assert "v002" in world.run("status", "hello").stdout


def test_destroying_leaves_nothing_behind(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"], "  dns: {name: hello.internal.example.com}\n")
    deploy(world, known["hello 1.0.0"], "  dns: {name: hello.internal.example.com}\n  destroy: true\n")
    assert simulator.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert simulator.elb.describe_load_balancers()["LoadBalancers"] == []
    assert simulator.elb.describe_target_groups()["TargetGroups"] == []
    assert simulator.ec2.describe_launch_templates()["LaunchTemplates"] == []
    with pytest.raises(ClientError, match="ParameterNotFound"):
        simulator.record("hello")
    zone = simulator.route53.list_hosted_zones_by_name(DNSName="internal.example.com")["HostedZones"][0]["Id"]
    records = simulator.route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert {record["Type"] for record in records} <= {"NS", "SOA"}


def test_what_is_interrupted_is_finished_by_the_next_run(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"])
    slow = "  strategy: {redBlack: {bakeTime: 10m}}\n"
    world.app(known["hello 1.1.0"])
    path = world.folder / "hello.yaml"
    text = path.read_text().replace("c7g.large", "m7i.large").replace("  strategy: {redBlack: {bakeTime: 2s}}\n", slow)
    path.write_text(text)
    stopped = world.run("apply", "--yes", "--timeout", "4m", code=5)
    assert "goes on from here" in stopped.stderr
    assert "v002 has all traffic, and nobody watches it now: `amiable apply hello` goes on watching it" in stopped.stderr
    assert "`amiable abort hello` gives the traffic back to v001" in stopped.stderr
    world.run("apply", "--yes")
    assert simulator.weights("hello-prod") == {"a": 0, "b": 100}
    assert simulator.record("hello")["generation"] == 2


def test_a_rollback_shows_before_its_question_that_the_image_of_where_it_goes_is_gone(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"])
    deploy(world, known["hello 1.1.0"])
    simulator.ec2.deregister_image(ImageId=known["hello 1.0.0"])
    time.sleep(2)
    asked = world.run("rollback", "hello", code=64)
    assert "nobody is at the terminal to say yes" in asked.stderr
    assert f"its image {known['hello 1.0.0']} is" in asked.stdout, asked.stdout
    assert simulator.weights("hello-prod") == {"a": 0, "b": 100}
    world.run("rollback", "hello", "--yes")
    assert simulator.weights("hello-prod") == {"a": 100, "b": 0}


def test_aws_own_refusals_are_the_ones_that_boto3_knows(simulator):
    with pytest.raises(simulator.elb.exceptions.LoadBalancerNotFoundException):
        simulator.elb.describe_load_balancers(Names=["no-such"])
    with pytest.raises(simulator.ssm.exceptions.ParameterNotFound):
        simulator.ssm.get_parameter(Name="/no/such")
    with pytest.raises(simulator.route53.exceptions.NoSuchHostedZone):
        simulator.route53.list_resource_record_sets(HostedZoneId="Z0NOSUCHZONE")
    with pytest.raises(ClientError, match="InvalidAMIID.NotFound"):
        simulator.ec2.describe_images(ImageIds=["ami-0123456789abcdef0"])
    with pytest.raises(ClientError, match="ValidationError"):
        simulator.autoscaling.update_auto_scaling_group(AutoScalingGroupName="no-such", MinSize=1)


def test_faults_on_demand_meet_every_client_and_a_release_gets_over_them(simulator, world):
    known = images(simulator)
    deploy(world, known["hello 1.0.0"])
    port = simulator.url.rsplit(":", 1)[1]
    fault = lambda *arguments: world.run("sim", "fault", *arguments, "--port", port)
    fault("add", "Describe*", "throttled", "--percent", "20")
    fault("add", "ModifyListener", "reply-lost", "--times", "1")
    fault("add", "CreateAutoScalingGroup", "refused=InternalFailure: not now", "--containing", "hello-prod-v002", "--times", "1")
    deploy(world, known["hello 1.1.0"])
    met = {one["operation"]: one["met"] for one in json.loads(fault("list", "-o", "json").stdout)["faults"]}
    assert list(met) == ["Describe*"] and met["Describe*"] > 0, "the others were met as often as they were to be"
    fault("end")
    assert simulator.weights("hello-prod") == {"a": 0, "b": 100}

    fault("add", "DescribeVpcs", "refused=UnauthorizedOperation: by the simulated AWS")
    with pytest.raises(ClientError) as refused:
        simulator.ec2.describe_vpcs()
    assert refused.value.response["Error"] == {"Code": "UnauthorizedOperation", "Message": "by the simulated AWS"}
    assert "DescribeVpcs  refused=UnauthorizedOperation: by the simulated AWS  met 1 so far" in fault("list").stdout
