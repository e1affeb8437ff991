"""What the end-to-end tests share: the program, an AWS to talk to, and boto3, which nobody here wrote, to look behind it."""

import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
AMIABLE = TARGET / "debug" / "amiable"
FAST_MOTO = pathlib.Path(__file__).with_name("fast_moto.py")
REGION = "us-west-2"
ACCOUNT = "123456789012"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


class Server:
    """A server in a process of its own, on a loopback port of its own choice."""

    def __init__(self, command, log):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=ROOT)

    def said(self, pattern):
        """What a pattern finds in the server's output; waits for it."""
        deadline = time.monotonic() + 60
        while True:
            found = re.search(pattern, pathlib.Path(self.log.name).read_text())
            if found:
                return found
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{pattern} is not in {self.log.name}")
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory):
    """Moto, whose time runs sixty times as fast as ours, as that of the simulated AWS does: faster is of no use, since looking
    at it then takes longer than the pauses between looks."""
    clock = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}*60"
    command = [sys.executable, FAST_MOTO, clock, "-H", "127.0.0.1", "-p", "0"]
    server = Server(command, tmp_path_factory.mktemp("moto") / "log")
    try:
        yield server.said(r"Running on (http://127\.0\.0\.1:\d+)").group(1), clock
    finally:
        server.stop()


@pytest.fixture
def moto(moto_server):
    """An empty account on moto."""
    url, clock = moto_server
    request = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
    urllib.request.urlopen(request, timeout=10).read()
    return Account(url, clock)


@pytest.fixture
def simulator(tmp_path):
    """A fresh simulated AWS whose time runs sixty times as fast as ours."""
    server = Server([AMIABLE, "sim", "--port", "0", "--speed", "60"], tmp_path / "sim.log")
    try:
        url = server.said(r"AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)\n").group(1)
        # The program follows the same fast clock, so that a minute's bake takes a second.
        yield Account(url, server.said(r"AMIABLE_SIM_CLOCK='(.*)'\n").group(1))
    finally:
        server.stop()


class Account:
    """boto3 clients for one endpoint, and the clock that it follows."""

    def __init__(self, url, clock):
        self.url = url
        self.clock = clock

    def __getattr__(self, service):
        name = {"elb": "elbv2"}.get(service, service)
        client = boto3.client(name, endpoint_url=self.url, **CREDENTIALS)
        setattr(self, service, client)
        return client

    def make_network(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for index, zone in enumerate("ab")
        ]
        group = self.ec2.create_security_group(GroupName="apps", Description="apps", VpcId=vpc)["GroupId"]
        return {"vpc": vpc, "subnets": subnets, "security_group": group}

    def make_image(self, name, tags=None):
        image = self.ec2.register_image(Name=name, Architecture="arm64", RootDeviceName="/dev/xvda")["ImageId"]
        if tags:
            self.ec2.create_tags(Resources=[image], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        return image

    def make_zone(self, name="internal.example.com"):
        zone = self.route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
        return zone.removeprefix("/hostedzone/")

    def group(self, name):
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found[0] if found else None

    def weights(self, balancer):
        """The weights of a load balancer's listener, by the last letter of the target group's name."""
        arn = self.elb.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
        listener = self.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]
        return forward_weights(listener["DefaultActions"])

    def answers(self, balancer):
        """What each listener of a load balancer does, by its port: weights, or where it sends clients."""
        arn = self.elb.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
        return {listener["Port"]: answer(listener["DefaultActions"]) for listener in self.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}

    def left_over(self):
        """Everything of load balancing, scaling, DNS and SSM that there is."""
        records = self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return (
            [it["LoadBalancerName"] for it in self.elb.describe_load_balancers()["LoadBalancers"]]
            + [it["TargetGroupName"] for it in self.elb.describe_target_groups()["TargetGroups"]]
            + [it["AutoScalingGroupName"] for it in self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]]
            + [it["LaunchTemplateName"] for it in self.ec2.describe_launch_templates()["LaunchTemplates"]]
            + [it["Name"] for it in records if it["Type"] not in ("NS", "SOA")]
            + [it["Name"] for it in self.ssm.describe_parameters()["Parameters"]]
        )

    def take_out_the_dead(self):
        """AWS takes an instance that ends out of its target groups; moto leaves it there, and a target group with targets is
        not deleted."""
        for group in self.elb.describe_target_groups()["TargetGroups"]:
            arn = group["TargetGroupArn"]
            targets = [one["Target"] for one in self.elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]]
            for target in targets:
                found = self.ec2.describe_instances(InstanceIds=[target["Id"]])["Reservations"][0]["Instances"][0]
                assert found["State"]["Name"] in ("shutting-down", "terminated")
            if targets:
                self.elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": target["Id"]} for target in targets])

    def record(self, app, environment="prod"):
        parameter = self.ssm.get_parameter(Name=f"/amiable/{environment}/{app}/deployed")["Parameter"]
        return json.loads(parameter["Value"])


def answer(actions):
    redirect = actions[0].get("RedirectConfig")
    return f"{redirect['Protocol']}:{redirect['Port']}" if redirect else forward_weights(actions)


def forward_weights(actions):
    groups = actions[0]["ForwardConfig"]["TargetGroups"]
    return {group["TargetGroupArn"].split("/")[1][-1]: group["Weight"] for group in groups}


class Manifests:
    """A directory of manifests, and the program run on it."""

    def __init__(self, folder, url, clock):
        self.folder = folder
        self.url = url
        self.clock = clock

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def environment(self, network, account=ACCOUNT, extra=""):
        subnets = ", ".join(network["subnets"])
        self.write(
            "prod.yaml",
            f"""apiVersion: amiable/v1
kind: Environment
metadata: {{name: prod}}
spec:
  region: {REGION}
  accountId: "{account}"
  network: {{vpcId: {network["vpc"]}, subnetIds: [{subnets}]}}
  securityGroupIds: [{network["security_group"]}]
  dnsZone: internal.example.com
{extra}""",
        )

    def app(self, image, name="hello", extra="", machine="instanceType: c7g.large"):
        self.write(
            f"{name}.yaml",
            f"""apiVersion: amiable/v1
kind: App
metadata: {{name: {name}}}
spec:
  # Which image runs; the rest seldom changes.
  image: {{id: {image}}}
  {machine}
  instances: {{min: 2, max: 4}}
  healthCheck: {{path: /health_check}}
  strategy: {{redBlack: {{bakeTime: 2s}}}}
  verification: {{stableFor: 1s}}
{extra}environments: {{prod: {{}}}}
""",
        )

    def end(self, account):
        """Applies the destruction of apps: it stops at moto's dead instances, and is taken up again when they are gone."""
        # Dead instances that stay targets are somebody else's for all that Amiable can tell.
        self.run("apply", "--yes", "--wait-for-cleanup", code=3)
        account.take_out_the_dead()
        self.run("apply", "--yes", "--wait-for-cleanup")

    def run(self, *arguments, code=0, url=None, **environment):
        """Runs the program and checks its exit code; what it printed comes back, stdout and stderr apart."""
        process = self.start(*arguments, url=url, **environment)
        stdout, stderr = communicate(process, 600)
        if code is not None:
            said = f"$ amiable {' '.join(map(str, arguments))}\n{stdout}\n{stderr}"
            assert process.returncode == code, f"exit code {process.returncode}, not {code}\n{said}"
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def run_until(self, said, *arguments, stream="stderr", signal=signal.SIGTERM):
        """Runs the program until a line of its output has this in it, and sends it a signal then, which must end it soon."""
        process = self.start(*arguments)
        # Whatever is wrong, the end of the process ends the reading.
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        try:
            output = {"stdout": "", "stderr": ""}
            for line in getattr(process, stream):
                output[stream] += line
                if said in line:
                    break
            else:
                raise AssertionError(f"{said!r} was never said:\n{output[stream]}")
            process.send_signal(signal)
            rest = dict(zip(output, communicate(process, 15)))
        finally:
            watchdog.cancel()
            process.kill()
        output = {name: text + rest[name] for name, text in output.items()}
        return subprocess.CompletedProcess(process.args, process.returncode, **output)

    def start(self, *arguments, url=None, **environment):
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": url or self.url,
            "NO_COLOR": "1",
            "AMIABLE_SIM_CLOCK": self.clock,
        }
        env.update(environment)
        env = {key: value for key, value in env.items() if value is not None}
        command = [AMIABLE, "--manifests", self.folder, *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=env, text=True, **pipes)


def communicate(process, seconds):
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


@pytest.fixture
def manifests(tmp_path):
    folder = tmp_path / "manifests"
    folder.mkdir()
    return lambda account: Manifests(folder, account.url, account.clock)
