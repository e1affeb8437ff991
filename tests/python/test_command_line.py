"""What the command line says and refuses, and with which exit code, on the simulated AWS."""

import json
import signal

import pytest

BROKEN = """apiVersion: amiable/v1
kind: App
metadata: {name: broken}
spec: {image: {id: ami-0123456789abcdef0}, instanceType: c7g.large, instances: {min: 3, max: 2}}
environments: {prod: {}}
"""


@pytest.fixture
def world(simulator, manifests):
    world = manifests(simulator)
    subnets = simulator.ec2.describe_subnets()["Subnets"]
    groups = simulator.ec2.describe_security_groups()["SecurityGroups"]
    world.environment({"vpc": subnets[0]["VpcId"], "subnets": [it["SubnetId"] for it in subnets], "security_group": groups[0]["GroupId"]})
    world.images = {it["Name"]: it["ImageId"] for it in simulator.ec2.describe_images(Owners=["self"])["Images"]}
    return world


def deploy(world, image="hello 1.0.0", extra="", name="hello", code=0):
    world.app(world.images[image], name=name, extra=extra, machine="instanceType: m7i.large")
    return world.run("apply", "--yes", code=code)


def text(world, name="hello"):
    return (world.folder / f"{name}.yaml").read_text()


def edit(world, old, new, name="hello"):
    assert old in text(world, name)
    world.write(f"{name}.yaml", text(world, name).replace(old, new))


def test_a_manifest_with_errors_stops_nothing_but_its_own_app(world):
    deploy(world)
    world.write("broken.yaml", BROKEN)
    planned = world.run("plan", code=1)
    assert "instances.min" in planned.stderr
    assert "broken" in planned.stdout and "its manifest has errors" in planned.stdout
    assert "1 app unchanged" in planned.stdout, planned.stdout
    assert "nothing was done" in world.run("apply", "--yes", code=1).stderr
    world.run("apply", "hello", "--yes")
    world.run("suspend", "hello", "--reason", "a test")
    world.run("resume", "hello")
    refused = world.run("suspend", "broken", "--reason", "x", code=1).stderr
    assert "instances.min" in refused and "nothing of it runs yet" in refused
    world.run("status")
    world.run("render", "hello")
    world.run("render", "broken", code=1)


def test_what_runs_of_an_app_whose_manifest_cannot_be_read_is_no_orphan(world):
    deploy(world)
    good = text(world)
    world.write("hello.yaml", good + "\t: {\n")
    planned = world.run("plan", code=1)
    assert "may be one of those that cannot be read" in planned.stdout
    assert "rphaned" not in planned.stdout, planned.stdout
    suspended = world.run("suspend", "hello", "--reason", "x").stderr
    assert "hello in prod is suspended" in suspended, "a brake does not depend on what is broken"
    world.write("hello.yaml", good.replace("min: 2", "min: 9"))
    assert "rphaned" not in world.run("plan", code=1).stdout
    world.write("hello.yaml", good)
    world.run("resume", "hello", "--yes")
    assert world.run("plan").stdout.startswith("No changes.")


def test_an_environment_with_errors_stops_only_work_in_it(world):
    deploy(world)
    world.write("test.yaml", (world.folder / "prod.yaml").read_text().replace("name: prod", "name: test").replace("region: us-west-2", "region: here"))
    planned = world.run("plan", code=1)
    assert "1 app unchanged" in planned.stdout or planned.stdout.startswith("No changes."), planned.stdout
    assert "the manifest of the environment test has errors" in planned.stderr
    assert "the manifest of the environment test has errors" in world.run("plan", "--env", "test", code=1).stderr
    world.run("apply", "--env", "prod", "--yes")


def test_an_image_can_be_set_where_there_is_none(world):
    world.app(world.images["hello 1.0.0"])
    edit(world, f"  image: {{id: {world.images['hello 1.0.0']}}}\n", "")
    world.run("validate", code=1)
    world.run("image", "set", "hello", world.images["hello 1.1.0"], "--yes")
    world.run("validate")
    assert world.images["hello 1.1.0"] in text(world)


def test_an_edit_that_would_break_the_manifest_is_not_written(world):
    world.app(world.images["hello 1.0.0"])
    before = text(world)
    refused = world.run("deploy", "hello", "--ami", world.images["hello 1.1.0"], "--min-instances", "5", "--yes", code=1)
    assert refused.stderr.count("`instances.min` is 5") == 1 and "nothing was written" in refused.stderr
    assert text(world) == before


def test_init_writes_no_manifest_that_would_be_refused(world):
    refused = world.run("init", "zed", "--env", "prod", "--ami", "ami-xyz", code=64)
    assert "ami-xyz" in refused.stderr
    assert not (world.folder / "zed.yaml").exists()
    world.run("create_application", "web", "--env", "prod", "--health-check-url", "https://x.example.com:8443/health?full=1", "--ami", world.images["hello 1.0.0"])
    assert 'healthCheck: {protocol: HTTPS, port: 8443, path: "/health?full=1"}' in text(world, "web")
    world.run("init", "other", "--env", "prod", "--health-check-url", "health", code=64)


def test_image_set_says_which_environments_do_not_get_the_image(world, tmp_path):
    world.app(world.images["hello 1.0.0"])
    edit(world, "environments: {prod: {}}", f"environments: {{prod: {{image: {{id: {world.images['hello 1.0.0']}}}}}}}")
    said = world.run("image", "set", "hello", world.images["hello 1.1.0"], "--yes").stderr
    assert "prod sets its own image" in said and "--env prod" in said
    packer = tmp_path / "packer.json"
    packer.write_text(json.dumps({"builds": [], "last_run_uuid": "2"}))
    refused = world.run("image", "set", "hello", "--from", str(packer), code=64).stderr
    assert "sets its own image" in refused and "--env" in refused


def test_a_label_that_no_app_has_is_no_green_light(world):
    world.app(world.images["hello 1.0.0"])
    edit(world, "metadata: {name: hello}", "metadata: {name: hello, labels: {team: search}}")
    edit(world, "c7g.large", "m7i.large")
    refused = world.run("plan", "-l", "team=b", "--detailed-exitcode", code=1)
    assert "no app has the label team=b" in refused.stderr and "team=search" in refused.stderr
    world.run("plan", "-l", "team=search", "--detailed-exitcode", code=2)


def test_an_orphan_can_be_looked_at_and_the_way_to_end_it_is_named(world):
    deploy(world)
    manifest = text(world)
    (world.folder / "hello.yaml").unlink()
    (row,) = json.loads(world.run("status", "-o", "json").stdout)
    assert (row["release"], row["image"], row["instances"]) == ("v001", world.images["hello 1.0.0"], {"inService": 2, "desired": 2})
    assert "orphaned" in row["state"]
    assert "v001" in world.run("status", "hello").stdout
    assert "v001" in world.run("history", "hello").stdout
    assert "deployed" in world.run("events", "hello").stdout
    assert "put its manifest back" in world.run("destroy", "hello", "--yes", code=1).stderr
    for command in ("status", "history", "events"):
        assert "no manifest deploys nosuch to prod" in world.run(command, "nosuch", code=1).stderr
    world.write("hello.yaml", manifest)
    planned = world.run("destroy", "hello", code=64)
    assert "manifest says" not in planned.stdout and "resolvers forget the name" in planned.stdout


def test_the_json_of_several_environments_is_a_list_whatever_fails(world):
    deploy(world)
    prod = (world.folder / "prod.yaml").read_text()
    world.write("test.yaml", prod.replace("name: prod", "name: test").replace('accountId: "123456789012"', 'accountId: "210987654321"'))
    planned = json.loads(world.run("plan", "-o", "json", code=1).stdout)
    assert planned["kind"] == "PlanList"
    assert [item["target"]["environment"] for item in planned["items"]] == ["prod"]
    assert [failure["environment"] for failure in planned["failures"]] == ["test"]
    assert "123456789012" in planned["failures"][0]["message"]
    assert json.loads(world.run("plan", "--env", "prod", "-o", "json").stdout)["kind"] == "Plan"
    world.write("test.yaml", prod.replace("name: prod", "name: test").replace("us-west-2", "here"))
    planned = json.loads(world.run("plan", "-o", "json", code=1).stdout)
    assert [failure["environment"] for failure in planned["failures"]] == ["test"]


def test_what_is_listed_has_every_form(world):
    deploy(world)
    for command in (["status"], ["status", "hello"], ["history", "hello"], ["events", "hello"]):
        as_json = json.loads(world.run(*command, "-o", "json").stdout)
        assert as_json
        assert "prod" in world.run(*command, "-o", "yaml").stdout
        assert "v001" in world.run(*command, "-o", "wide").stdout
        names = world.run(*command, "-o", "name").stdout.split()
        assert names == (["hello"] if command == ["status"] else ["v001"])
    assert "hello 1.0.0" in world.run("history", "hello").stdout, "the image's name, as status shows it"


def test_github_gets_annotations_and_a_summary(world, tmp_path):
    world.app(world.images["hello 1.0.0"])
    edit(world, "instanceType: c7g.large", "instanceType: m7i.large")
    summary = tmp_path / "summary.md"
    planned = world.run("plan", "-o", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert planned.stdout.startswith("::notice title=prod%3A hello%2C new app::")
    assert "hello" in summary.read_text()


def test_status_can_be_watched(world):
    deploy(world)
    watched = world.run_until("hello", "status", "-w", stream="stdout")
    assert watched.returncode == -signal.SIGTERM, "it goes on until somebody ends it"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_work_and_says_what_nobody_watches_any_more(world, sent):
    world.app(world.images["hello 1.0.0"], machine="instanceType: m7i.large")
    edit(world, "bakeTime: 2s", "bakeTime: 10h")
    # The next look after the call shows what it has done.
    apply = world.run_until("shift 100% ✓", "apply", "--yes", signal=sent)
    assert apply.returncode == 130, apply.stderr
    assert "v001 has all traffic, and nobody watches it now" in apply.stderr
    assert "amiable apply hello" in apply.stderr


def test_what_an_interrupt_leaves_unwatched_is_named_with_the_command_that_gives_its_traffic_back(world):
    small, large = "instanceType: m7i.large", "instanceType: m7i.xlarge"
    world.app(world.images["hello 1.0.0"], machine=small)
    world.run("apply", "--yes")
    canary = "{canary: {steps: [{weight: 20}, {pause: 10h}]}}"
    for machine, strategy, step, has in [
        (small, canary, "shift 20% ✓", "v002 has 20% of the traffic"),
        (large, "{redBlack: {bakeTime: 10h}}", "shift 100% ✓", "v003 has all traffic"),
    ]:
        world.app(world.images["hello 1.1.0"], machine=machine)
        edit(world, "{redBlack: {bakeTime: 2s}}", strategy)
        apply = world.run_until(step, "apply", "--yes")
        assert apply.returncode == 130, apply.stderr
        assert f"{has}, and nobody watches it now: `amiable apply hello` goes on watching it" in apply.stderr
        assert "`amiable abort hello` gives the traffic back to v001" in apply.stderr
        if strategy == canary:
            world.run("abort", "hello", "--yes")


def test_a_region_narrows_the_environments(world):
    world.app(world.images["hello 1.0.0"], machine="instanceType: m7i.large")
    world.run("plan", "--region", "us-west-2", "--verbose")
    assert "no environment is in the region eu-west-1" in world.run("plan", "--region", "eu-west-1", code=1).stderr


def test_messages_name_what_is_wrong_and_what_to_write(world):
    deploy(world)
    wrong = world.run("suspend", "hello", "--reason", "x", "--until", "tomorrow", code=64).stderr
    assert "write a time such as" in wrong and "2h" in wrong
    assert "is in the past" in world.run("suspend", "hello", "--reason", "x", "--until", "2001-01-01T00:00:00Z", code=64).stderr
    assert "is suspended until" in world.run("suspend", "hello", "--reason", "x", "--until", "2h").stderr
    world.run("resume", "hello")
    unknown = world.run("deploy", "helo", "--ami", world.images["hello 1.1.0"], "--yes", code=1).stderr
    assert "there is no app helo" in unknown and "did you mean `hello`?" in unknown
    assert "--from" in world.run("image", "set", "hello", "--env", "prod", code=64).stderr


def test_every_report_has_the_same_version_of_a_release(world):
    world.app(world.images["hello 1.0.0"], machine="instanceType: m7i.large")
    (app,) = json.loads(world.run("plan", "-o", "json").stdout)["apps"]
    assert (app["image"]["version"], app["reason"]) == ("hello 1.0.0", "new app")
    world.run("apply", "--yes")
    (row,) = json.loads(world.run("status", "-o", "json").stdout)
    assert row["version"] == "hello 1.0.0"
    assert "hello 1.0.0" in world.run("history", "hello").stdout
