"""Every kind of release on moto, looked at with boto3: workers, shared listeners, changes in place, and the end, after which
nothing is left. What moto cannot show (draining, sick targets, launches that fail; CloudWatch, whose protocol of today it does
not speak) is shown on the simulated AWS."""

import pytest

from conftest import forward_weights


@pytest.fixture
def world(moto, manifests):
    world = manifests(moto)
    world.network = moto.make_network()
    world.environment(world.network)
    moto.zone = moto.make_zone()
    return world


def matches(world):
    return world.run("plan", "--detailed-exitcode").stdout.startswith("No changes.")


def shared_listener(moto, world):
    """A load balancer of somebody else's, with a rule of theirs."""
    network = world.network
    balancer = moto.elb.create_load_balancer(Name="shared", Subnets=network["subnets"], SecurityGroups=[network["security_group"]])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = moto.elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[fixed])["Listeners"][0]["ListenerArn"]
    theirs = {"Field": "host-header", "HostHeaderConfig": {"Values": ["theirs.example.com"]}}
    moto.elb.create_rule(ListenerArn=listener, Priority=5, Conditions=[theirs], Actions=[fixed])
    world.environment(network, extra=f"  listeners: {{web: {listener}}}\n")
    return listener


def rules(moto, listener):
    return {rule["Priority"]: rule for rule in moto.elb.describe_rules(ListenerArn=listener)["Rules"]}


def test_a_worker_goes_from_one_image_to_the_next(moto, world):
    one, two = moto.make_image("mailer-1"), moto.make_image("mailer-2")
    extra = "  loadBalancer: none\n  retain: {for: 0s}\n"
    world.app(one, name="mailer", extra=extra)
    world.run("apply", "--yes")
    world.app(two, name="mailer", extra=extra)
    world.run("apply", "--yes", "--wait-for-cleanup")
    assert moto.group("mailer-prod-v001") is None
    group = moto.group("mailer-prod-v002")
    assert (len(group["Instances"]), group["TargetGroupARNs"], group["HealthCheckType"]) == (2, [], "EC2")
    assert moto.elb.describe_target_groups()["TargetGroups"] == []
    assert moto.record("mailer")["image"] == two
    assert matches(world)


def test_behind_a_shared_listener_only_the_apps_own_rule_moves(moto, world):
    listener = shared_listener(moto, world)
    before = rules(moto, listener)
    one, two = moto.make_image("shop-1"), moto.make_image("shop-2")
    rule = "  loadBalancer: {{listener: web, hosts: [{hosts}], priority: 10}}\n"
    world.app(one, name="shop", extra=rule.format(hosts="shop.example.com"))
    world.run("apply", "--yes")
    assert forward_weights(rules(moto, listener)["10"]["Actions"]) == {"a": 100, "b": 0}
    world.app(two, name="shop", extra=rule.format(hosts="shop.example.com, www.example.com"))
    world.run("apply", "--yes")
    after = rules(moto, listener)
    assert forward_weights(after["10"]["Actions"]) == {"a": 0, "b": 100}
    assert sorted(after["10"]["Conditions"][0]["HostHeaderConfig"]["Values"]) == ["shop.example.com", "www.example.com"]
    assert {key: after[key] for key in before} == before, "what others own there is as it was"
    assert matches(world)


def test_settings_of_every_kind_change_in_place(moto, world):
    image = moto.make_image("hello-1")
    world.app(image, extra="  dns: {name: hello.internal.example.com}\n")
    world.run("apply", "--yes")
    instances = {instance["InstanceId"] for instance in moto.group("hello-prod-v001")["Instances"]}
    world.app(
        image,
        extra="  dns: {name: hello.internal.example.com, evaluateTargetHealth: true}\n"
        "  loadBalancer: {deregistrationDelay: 20s}\n",
    )
    path = world.folder / "hello.yaml"
    text = path.read_text().replace("min: 2, max: 4", "min: 1, max: 6").replace("{name: hello}", "{name: hello, labels: {team: shop}}")
    path.write_text(text.replace("path: /health_check", "path: /healthy, matcher: '200-299', interval: 20s, gracePeriod: 4m"))
    planned = world.run("plan", "--detailed-exitcode", code=2).stdout
    for field in ("instances.min", "instances.max", "healthCheck.path", "healthCheck.gracePeriod", "dns.evaluateTargetHealth"):
        assert field in planned, planned
    assert "replaces" not in planned
    world.run("apply", "--yes")

    group = moto.group("hello-prod-v001")
    assert (group["MinSize"], group["MaxSize"], group["HealthCheckGracePeriod"]) == (1, 6, 240)
    assert {"team": "shop"}.items() <= {tag["Key"]: tag["Value"] for tag in group["Tags"]}.items()
    assert {instance["InstanceId"] for instance in group["Instances"]} == instances, "no instance was replaced"
    target = next(group for group in moto.elb.describe_target_groups()["TargetGroups"] if group["TargetGroupName"] == "hello-prod-a")
    assert (target["HealthCheckPath"], target["Matcher"]["HttpCode"], target["HealthCheckIntervalSeconds"]) == ("/healthy", "200-299", 20)
    records = moto.route53.list_resource_record_sets(HostedZoneId=moto.zone)["ResourceRecordSets"]
    assert next(record for record in records if record["Name"] == "hello.internal.example.com.")["AliasTarget"]["EvaluateTargetHealth"]
    assert moto.group("hello-prod-v002") is None
    assert matches(world)


def as_canary(world, steps):
    path = world.folder / "hello.yaml"
    text = path.read_text()
    path.write_text(text.replace("{redBlack: {bakeTime: 2s}}", f"{{canary: {{steps: [{steps}], bakeTime: 2s}}}}"))


def stickiness(moto, balancer):
    arn = moto.elb.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
    actions = moto.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["DefaultActions"]
    return actions[0]["ForwardConfig"].get("TargetGroupStickinessConfig", {}).get("Enabled", False)


def test_a_canary_takes_its_share_waits_for_a_promotion_and_takes_everything(moto, world):
    one, two = moto.make_image("hello-1"), moto.make_image("hello-2")
    steps = "{weight: 10}, {pause: {}}, {weight: 50}, {pause: 2s}"
    world.app(one)
    as_canary(world, steps)
    world.run("apply", "--yes")
    assert moto.weights("hello-prod") == {"a": 100, "b": 0}, "the first generation takes everything at once"

    world.app(two)
    as_canary(world, steps)
    assert "shift 10%" in world.run("plan").stdout
    waiting = world.run_until("`amiable promote hello`", "apply", "--yes")
    assert waiting.returncode == 130, waiting.stderr
    assert moto.weights("hello-prod") == {"a": 90, "b": 10}
    assert stickiness(moto, "hello-prod"), "a visitor stays on one version"
    assert "promote" in world.run("status", "hello").stdout

    world.run("promote", "hello", "--reason", "looks good", "--yes")
    assert moto.weights("hello-prod") == {"a": 0, "b": 100}
    assert not stickiness(moto, "hello-prod"), "or some would stay on the old one"
    assert moto.record("hello")["image"] == two
    assert "looks good" in world.run("events", "hello").stdout
    assert matches(world)


def test_a_network_load_balancer_goes_from_one_image_to_the_next(moto, world):
    one, two = moto.make_image("hello-1"), moto.make_image("hello-2")
    extra = "  loadBalancer: {type: network, listeners: [{port: 80, protocol: TCP}]}\n"

    def write(image):
        world.app(image, extra=extra)
        path = world.folder / "hello.yaml"
        path.write_text(path.read_text().replace("healthCheck: {path: /health_check}", "healthCheck: {protocol: TCP, port: 80}"))

    write(one)
    world.run("apply", "--yes")
    balancer = moto.elb.describe_load_balancers(Names=["hello-prod"])["LoadBalancers"][0]
    assert balancer["Type"] == "network"
    assert {group["Protocol"] for group in moto.elb.describe_target_groups()["TargetGroups"]} == {"TCP"}
    write(two)
    world.run("apply", "--yes")
    assert moto.weights("hello-prod") == {"a": 0, "b": 100}
    assert moto.record("hello")["image"] == two
    assert matches(world)


def leftovers(moto):
    """Everything that boto3 finds of what an app may own, but for terminated instances, which AWS shows for an hour."""
    running = moto.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}])
    balancers = moto.elb.describe_load_balancers()["LoadBalancers"]
    listeners = [one for balancer in balancers for one in moto.elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]]
    found_rules = [rule for listener in listeners for rule in moto.elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]]
    records = moto.route53.list_resource_record_sets(HostedZoneId=moto.zone)["ResourceRecordSets"]
    return {
        "instances": [one["InstanceId"] for reservation in running["Reservations"] for one in reservation["Instances"]],
        "groups": [group["AutoScalingGroupName"] for group in moto.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]],
        "templates": [one["LaunchTemplateName"] for one in moto.ec2.describe_launch_templates(MaxResults=200)["LaunchTemplates"]],
        "target groups": [group["TargetGroupName"] for group in moto.elb.describe_target_groups()["TargetGroups"]],
        "load balancers": [balancer["LoadBalancerName"] for balancer in balancers],
        "listeners": [listener["ListenerArn"] for listener in listeners],
        "rules": sorted(rule["Priority"] for rule in found_rules),
        "records": sorted(record["Type"] for record in records),
        "parameters": [parameter["Name"] for parameter in moto.ssm.describe_parameters()["Parameters"]],
    }


def test_nothing_is_left_of_an_app_that_was_destroyed_and_nothing_else_is_touched(moto, world):
    listener = shared_listener(moto, world)
    before = leftovers(moto)
    one, two = moto.make_image("any-1"), moto.make_image("any-2")
    apps = {
        "hello": "  dns: {name: hello.internal.example.com}\n",
        "shop": "  loadBalancer: {listener: web, hosts: [shop.example.com], priority: 10}\n",
        "mailer": "  loadBalancer: none\n",
    }
    for image in (one, two):
        for name, extra in apps.items():
            world.app(image, name=name, extra=extra)
        world.run("apply", "--yes")
    full = leftovers(moto)
    assert len(full["groups"]) >= 5 and len(full["parameters"]) >= 3 and len(full["load balancers"]) == 2

    for name, extra in apps.items():
        world.app(two, name=name, extra=extra + "  destroy: true\n")
    shown = world.run("plan", "--detailed-exitcode", code=2).stdout
    assert "3 to destroy" in shown, shown
    world.end(moto)
    assert leftovers(moto) == before
    assert rules(moto, listener)["5"]["Conditions"][0]["HostHeaderConfig"]["Values"] == ["theirs.example.com"]
    world.run("apply", "--yes")
    assert leftovers(moto) == before, "once more changes nothing"
