"""The main job on moto: an AWS that nobody here wrote. Its target health is always good and its instances appear at once,
so what these tests show is that the calls are right; what takes time is shown on the simulated AWS."""

import json
import pathlib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def world(moto, manifests):
    world = manifests(moto)
    world.environment(moto.make_network())
    moto.zone = moto.make_zone()
    return world


DNS = "  dns: {name: hello.internal.example.com}\n"


def test_from_a_manifest_to_a_served_release_and_from_one_image_to_the_next(moto, world):
    one = moto.make_image("hello-1.0.0", {"version": "1.0.0"})
    two = moto.make_image("hello-1.1.0", {"version": "1.1.0"})
    world.app(one, extra=DNS)
    world.run("validate")
    assert "v001" in world.run("plan", "--detailed-exitcode", code=2).stdout

    world.run("apply", "--yes")
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    group = moto.group("hello-prod-v001")
    assert (group["MinSize"], group["MaxSize"], len(group["Instances"])) == (2, 4, 2)
    assert moto.weights("hello-prod") == {"a": 100, "b": 0}
    assert moto.record("hello")["image"] == one

    world.app(two, extra=DNS)
    planned = world.run("plan", "--detailed-exitcode", code=2).stdout
    assert f"{one} (1.0.0, built " in planned and f"→ {two} (1.1.0, built " in planned
    world.run("apply", "--yes")
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")

    assert moto.weights("hello-prod") == {"a": 0, "b": 100}
    newer, older = moto.group("hello-prod-v002"), moto.group("hello-prod-v001")
    template = newer["LaunchTemplate"]
    versions = moto.ec2.describe_launch_template_versions(LaunchTemplateName=template["LaunchTemplateName"])
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert data["ImageId"] == two
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert len(older["Instances"]) == 2, "the old generation stays warm"
    registered = {
        target["Target"]["Id"] for target in moto.elb.describe_target_health(TargetGroupArn=newer["TargetGroupARNs"][0])["TargetHealthDescriptions"]
    }
    assert {instance["InstanceId"] for instance in newer["Instances"]} <= registered

    balancer = moto.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]
    records = moto.route53.list_resource_record_sets(HostedZoneId=moto.zone)["ResourceRecordSets"]
    alias = next(record for record in records if record["Name"] == "hello.internal.example.com.")
    assert alias["AliasTarget"]["DNSName"].rstrip(".").removeprefix("dualstack.") == balancer["DNSName"]
    record = moto.record("hello")
    assert (record["generation"], record["image"], record["release"]["version"]) == (2, two, "1.1.0")
    history = moto.ssm.get_parameter_history(Name="/amiable/prod/hello/deployed")["Parameters"]
    assert [json.loads(entry["Value"])["generation"] for entry in history] == [1, 2]


def test_the_old_generation_goes_when_the_manifest_keeps_none(moto, world):
    one, two = moto.make_image("hello-1"), moto.make_image("hello-2")
    world.app(one, extra="  retain: {for: 0s, generations: 0}\n")
    world.run("apply", "--yes")
    world.app(two, extra="  retain: {for: 0s, generations: 0}\n")
    world.run("apply", "--yes", "--wait-for-cleanup")
    assert moto.group("hello-prod-v001") is None
    names = [template["LaunchTemplateName"] for template in moto.ec2.describe_launch_templates()["LaunchTemplates"]]
    assert names == ["hello-prod-v002"]


def test_rollback_gives_the_traffic_back_and_stays_there_until_the_manifest_agrees(moto, world):
    one, two = moto.make_image("hello-1"), moto.make_image("hello-2")
    world.app(one)
    world.run("apply", "--yes")
    world.app(two)
    world.run("apply", "--yes")
    instances = {instance["InstanceId"] for instance in moto.group("hello-prod-v001")["Instances"]}
    world.run("rollback", "hello", "--yes", "--reason", "checkout is slow")
    assert moto.weights("hello-prod") == {"a": 100, "b": 0}
    assert {instance["InstanceId"] for instance in moto.group("hello-prod-v001")["Instances"]} == instances, "no relaunch"
    blocked = world.run("plan", "--detailed-exitcode", code=3).stdout
    assert "checkout is slow" in blocked
    assert moto.record("hello")["generation"] == 1

    world.app(one)
    world.run("apply", "--yes")
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")


def test_a_worker_and_a_rule_on_a_shared_listener(moto, world):
    network = moto.make_network()
    balancer = moto.elb.create_load_balancer(Name="shared", Subnets=network["subnets"], SecurityGroups=[network["security_group"]])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = moto.elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[fixed])["Listeners"][0]["ListenerArn"]
    world.environment(network, extra=f"  listeners: {{web: {listener}}}\n")
    image = moto.make_image("any-1")
    world.app(image, name="mailer", extra="  loadBalancer: none\n")
    world.app(image, name="shop", extra="  loadBalancer: {listener: web, hosts: [shop.example.com], priority: 10}\n")
    world.run("apply", "--yes")
    assert moto.group("mailer-prod-v001")["TargetGroupARNs"] == []
    rules = moto.elb.describe_rules(ListenerArn=listener)["Rules"]
    rule = next(rule for rule in rules if rule["Priority"] == "10")
    assert rule["Conditions"][0]["HostHeaderConfig"]["Values"] == ["shop.example.com"]
    default = next(rule for rule in rules if rule["IsDefault"])
    assert default["Actions"][0]["Type"] == "fixed-response", "what others own on the listener stays"
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")


def test_a_network_load_balancer_from_its_first_release_to_its_end(moto, world):
    one, two = moto.make_image("hello-1"), moto.make_image("hello-2")
    network = "  loadBalancer: {type: network, crossZone: true, listeners: [{port: 80, protocol: TCP}, {port: 443, protocol: TCP}]}\n"
    world.app(one, extra=network)
    world.run("apply", "--yes")
    balancer = moto.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal")
    attributes = moto.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    assert {"Key": "load_balancing.cross_zone.enabled", "Value": "true"} in attributes
    world.app(two, extra=network)
    world.run("apply", "--yes")
    assert moto.answers("hello-prod") == {80: {"a": 0, "b": 100}, 443: {"a": 0, "b": 100}}
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    world.app(two, extra=network + "  destroy: true\n")
    world.end(moto)
    assert moto.left_over() == []


def test_a_rule_with_headers_keeps_the_priority_that_was_chosen_and_its_end_leaves_the_listener(moto, world):
    network = moto.make_network()
    balancer = moto.elb.create_load_balancer(Name="shared", Subnets=network["subnets"], SecurityGroups=[network["security_group"]])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = moto.elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[fixed])["Listeners"][0]["ListenerArn"]
    world.environment(network, extra=f"  listeners: {{web: {listener}}}\n")
    rule = "  loadBalancer: {listener: web, hosts: [shop.example.com], headers: {X-Team: [shop, search]}}\n"

    def ours():
        rules = moto.elb.describe_rules(ListenerArn=listener)["Rules"]
        return next((rule for rule in rules if not rule["IsDefault"]), None)

    world.app(moto.make_image("shop-1"), extra=rule)
    world.run("apply", "--yes")
    chosen = int(ours()["Priority"])
    assert 1000 <= chosen <= 50000
    assert {condition["Field"] for condition in ours()["Conditions"]} == {"host-header", "http-header"}
    image = moto.make_image("shop-2")
    world.app(image, extra=rule)
    world.run("apply", "--yes")
    assert int(ours()["Priority"]) == chosen
    world.app(image, extra=rule.replace("headers", "priority: 42, headers").replace("shop, search", "shop"))
    world.run("apply", "--yes")
    assert ours()["Priority"] == "42"
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    world.app(image, extra=rule + "  destroy: true\n")
    world.end(moto)
    assert ours() is None
    assert moto.left_over() == ["shared"]
    assert moto.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["DefaultActions"][0]["Type"] == "fixed-response"


def test_listeners_security_groups_and_attributes_are_changed_in_place(moto, world):
    image = moto.make_image("hello-1")
    world.app(image)
    world.run("apply", "--yes")
    vpc = moto.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]["VpcId"]
    other = moto.ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
    changed = f"  loadBalancer: {{securityGroupIds: [{other}], idleTimeout: 2m, listeners: [{{port: 80}}, {{port: 81, redirect: {{protocol: HTTP, port: 80}}}}]}}\n"
    world.app(image, extra=changed)
    world.run("apply", "--yes")
    balancer = moto.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]
    assert balancer["SecurityGroups"] == [other]
    assert moto.answers("hello-prod") == {80: {"a": 100, "b": 0}, 81: "HTTP:80"}
    attributes = moto.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "120"} in attributes
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")


def test_settings_are_changed_in_place_and_drift_is_put_right(moto, world):
    image = moto.make_image("hello-1")
    world.app(image)
    world.run("apply", "--yes")
    world.app(image, extra="  loadBalancer: {deregistrationDelay: 20s}\n")
    path = world.folder / "hello.yaml"
    path.write_text(path.read_text().replace("max: 4", "max: 6").replace("/health_check", "/healthy"))
    planned = world.run("plan", "--detailed-exitcode", code=2).stdout
    assert "instances.max" in planned and "4 → 6" in planned
    world.run("apply", "--yes")
    assert moto.group("hello-prod-v001")["MaxSize"] == 6
    groups = moto.elb.describe_target_groups()["TargetGroups"]
    paths = {group["TargetGroupName"]: group["HealthCheckPath"] for group in groups}
    assert paths["hello-prod-a"] == "/healthy", "where the generation is"
    for group in groups:
        attributes = moto.elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
        assert {"Key": "deregistration_delay.timeout_seconds", "Value": "20"} in attributes

    moto.autoscaling.update_auto_scaling_group(AutoScalingGroupName="hello-prod-v001", MaxSize=9)
    assert "Drift" in world.run("plan", "--detailed-exitcode", code=2).stdout
    world.run("apply", "--yes")
    assert moto.group("hello-prod-v001")["MaxSize"] == 6


def test_several_types_on_spot_with_volumes_are_launched_as_the_manifest_says(moto, world):
    image = moto.make_image("hello-1")
    extra = """  spot: {onDemandBase: 1, allocationStrategy: capacity-optimized, maxPrice: "0.07"}
  launch:
    blockDevices: [{root: true, size: 40}, {device: /dev/sdb, size: 100, iops: 4000, throughput: 250, encrypted: false}]
    metadataOptions: {hopLimit: 1}
"""
    world.app(image, extra=extra, machine="instanceTypes: [c7g.large, m7g.large]")
    world.run("apply", "--yes")
    assert world.run("plan", "--deep", "--detailed-exitcode").stdout.startswith("No changes.")
    group = moto.group("hello-prod-v001")
    policy = group["MixedInstancesPolicy"]
    assert [override["InstanceType"] for override in policy["LaunchTemplate"]["Overrides"]] == ["c7g.large", "m7g.large"]
    distribution = policy["InstancesDistribution"]
    assert (distribution["OnDemandBaseCapacity"], distribution["OnDemandPercentageAboveBaseCapacity"]) == (1, 0)
    assert (distribution["SpotAllocationStrategy"], distribution["SpotMaxPrice"]) == ("capacity-optimized", "0.07")
    versions = moto.ec2.describe_launch_template_versions(LaunchTemplateName="hello-prod-v001", Versions=["1"])
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    devices = {device["DeviceName"]: device["Ebs"] for device in data["BlockDeviceMappings"]}
    data_volume = devices.pop("/dev/sdb")
    assert (data_volume["VolumeSize"], data_volume["Iops"], data_volume["Encrypted"]) == (100, 4000, False)
    (root,) = devices.values()
    assert (root["VolumeSize"], root["VolumeType"], root["Encrypted"]) == (40, "gp3", True)
    tagged = {tags["ResourceType"]: tags["Tags"] for tags in data["TagSpecifications"]}
    assert {"Key": "amiable:app", "Value": "hello"} in tagged["volume"]


def test_policies_timetables_and_processes_follow_the_manifest(moto, world):
    image = moto.make_image("hello-1")
    scaling = """  scaling:
    targetTracking: [{metric: ASGAverageCPUUtilization, target: 60}, {metric: ALBRequestCountPerTarget, target: 900}]
    scheduled: [{name: morning, schedule: "0 8 * * 1-5", timeZone: Europe/Berlin, max: 4}]
"""
    world.app(image, extra=scaling)
    world.run("apply", "--yes")
    assert world.run("plan", "--deep", "--detailed-exitcode").stdout.startswith("No changes.")
    name = "hello-prod-v001"
    policies = {policy["PolicyName"]: policy for policy in moto.autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]}
    requests = policies[f"{name}-tt-ALBRequestCountPerTarget"]["TargetTrackingConfiguration"]
    label = requests["PredefinedMetricSpecification"]["ResourceLabel"]
    assert label.startswith("app/hello-prod/") and "/targetgroup/hello-prod-a/" in label
    actions = moto.autoscaling.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]
    assert [(action["ScheduledActionName"], action["Recurrence"]) for action in actions] == [(f"{name}-at-morning", "0 8 * * 1-5")]

    moto.autoscaling.delete_policy(AutoScalingGroupName=name, PolicyName=f"{name}-tt-ASGAverageCPUUtilization")
    assert "scaling.targetTracking" in world.run("plan", "--deep", "--detailed-exitcode", code=2).stdout
    moto.autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Terminate"])
    world.run("apply", "--yes", "--deep")
    assert moto.group(name)["SuspendedProcesses"] == []
    assert len(moto.autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]) == 2
    world.app(image)
    world.run("apply", "--yes")
    assert moto.autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"] == []
    assert moto.autoscaling.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"] == []
    assert moto.group("hello-prod-v002") is None, "all of it is changed in place"


def test_the_plan_as_json_keeps_to_its_schema(moto, world):
    world.app(moto.make_image("hello-1"))
    plan = json.loads(world.run("plan", "-o", "json").stdout)
    schema = json.loads((ROOT / "schema" / "plan.json").read_text())
    jsonschema.validate(plan, schema)
    assert plan["summary"]["create"] == 1
    assert plan["apps"][0]["action"] == "create"


def test_user_data_is_shown_nowhere(moto, world):
    world.app(moto.make_image("hello-1"), extra='  launch: {userData: "echo canary-4711"}\n')
    for arguments in (["plan"], ["plan", "-v"], ["plan", "-o", "json"], ["plan", "-o", "markdown"], ["render", "hello"], ["apply", "--yes"], ["status"]):
        done = world.run(*arguments)
        assert "canary-4711" not in done.stdout + done.stderr, arguments


def state_of(moto):
    """Everything that could have been changed, as boto3 sees it."""
    return {
        "groups": moto.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"],
        "templates": moto.ec2.describe_launch_templates()["LaunchTemplates"],
        "targets": moto.elb.describe_target_groups()["TargetGroups"],
        "balancers": moto.elb.describe_load_balancers()["LoadBalancers"],
        "records": moto.route53.list_resource_record_sets(HostedZoneId=moto.zone)["ResourceRecordSets"],
    }


def test_what_cannot_be_deployed_is_refused_and_changes_nothing(moto, world):
    image = moto.make_image("hello-1")
    foreign = next(image for image in moto.ec2.describe_images()["Images"] if image["OwnerId"] != "123456789012")["ImageId"]
    moto.route53.change_resource_record_sets(
        HostedZoneId=moto.zone,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "taken.internal.example.com", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "elsewhere.example.com"}]
                    },
                }
            ]
        },
    )
    before = state_of(moto)

    def refused(said, *arguments, code=1, **options):
        done = world.run(*(arguments or ("apply", "--yes")), code=code, **options)
        assert said in done.stdout + done.stderr, done.stdout + done.stderr
        assert state_of(moto) == before

    world.app("ami-00000000000000bad")
    refused("ami-00000000000000bad does not exist")
    world.app(foreign)
    refused("imageOwners")
    world.app(image, extra="  dns: {name: taken.internal.example.com}\n")
    refused("already has a record")
    world.app(image)
    refused("nothing answers at http://127.0.0.1:9", url="http://127.0.0.1:9")
    refused("credentials", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_EC2_METADATA_DISABLED="true")

    network = {"vpc": "vpc-0123456789abcdef0", "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], "security_group": "sg-0123456789abcdef0"}
    missing = f"arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/gone/0123456789abcdef/0123456789abcdef"
    world.environment(network, extra=f"  listeners: {{web: '{missing}'}}\n")
    world.app(image, extra="  loadBalancer: {listener: web, hosts: [shop.example.com], priority: 10}\n")
    refused("does not exist")
    world.environment(network, account="999999999999")
    world.app(image)
    refused("999999999999")


def from_source(world, source, extra="", machine="instanceType: c7g.large"):
    """The app with another source of its image than an id."""
    world.app("ami-00000000", extra=extra, machine=machine)
    path = world.folder / "hello.yaml"
    path.write_text(path.read_text().replace("{id: ami-00000000}", source))


def test_an_image_that_an_ssm_parameter_names_is_followed(moto, world):
    one, two = moto.make_image("hello-1", {"version": "1.0.0"}), moto.make_image("hello-2", {"version": "1.1.0"})
    from_source(world, "{ssmParameter: /images/hello/stable}", extra="  loadBalancer: none\n")
    waiting = world.run("plan", "--detailed-exitcode", code=3).stdout
    assert "SSM parameter /images/hello/stable does not exist" in waiting
    moto.ssm.put_parameter(Name="/images/hello/stable", Value=one, Type="String")
    world.run("apply", "--yes")
    moto.ssm.put_parameter(Name="/images/hello/stable", Value=two, Type="String", Overwrite=True)
    planned = world.run("plan", "--detailed-exitcode", code=2).stdout
    assert f"{two} (1.1.0" in planned and "from ssmParameter /images/hello/stable" in planned
    world.run("apply", "--yes")
    record = moto.record("hello")
    assert (record["image"], record["release"]["version"]) == (two, "1.1.0")
    assert record["imageSource"] == {"source": "ssmParameter", "expression": "/images/hello/stable"}
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    # Gone, it leaves what runs alone.
    moto.ssm.delete_parameter(Name="/images/hello/stable")
    assert "v002 stays as it is" in world.run("plan", "--detailed-exitcode", code=3).stdout


def test_a_search_finds_the_newest_image_of_its_owner_by_name_and_tag(moto, world):
    old = moto.make_image("shop-1.0", {"tested": "true"})
    moto.make_image("shop-2.0")
    # Moto's images have no architecture, and so must not be searched for by one: this type's name tells none.
    machine = "instanceType: u-6tb1.56xlarge"
    from_source(world, '{search: {name: "shop-*", tags: {tested: "true"}}}', extra="  loadBalancer: none\n", machine=machine)
    world.run("apply", "--yes")
    assert moto.record("hello")["image"] == old
    new = moto.make_image("shop-1.1", {"tested": "true"})
    planned = world.run("plan").stdout
    # Moto's images are all as old as each other or a second apart: of two that are, the higher id is taken.
    expected = max(old, new) if created(moto, old) == created(moto, new) else new
    assert (new in planned) == (expected == new)
    world.run("apply", "--yes")
    assert moto.record("hello")["image"] == expected
    assert world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")


def created(moto, image):
    return moto.ec2.describe_images(ImageIds=[image])["Images"][0]["CreationDate"]
