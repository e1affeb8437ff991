"""Manifests that are wrong: what is said, the exit code, and that AWS is not even asked."""

import json
import os

import pytest

NETWORK = {"vpc": "vpc-0123456789abcdef0", "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], "security_group": "sg-0123456789abcdef0"}
IMAGE = "ami-0123456789abcdef0"
BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n"


class Nowhere:
    url = "http://127.0.0.1:9"
    clock = None


@pytest.fixture
def world(manifests):
    world = manifests(Nowhere())
    world.environment(NETWORK)
    world.app(IMAGE)
    return world


def edit(world, old, new):
    path = world.folder / "hello.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("instances: {", "instanses: {", "instances"),
        ("instanceType: c7g.large\n", "instanceType: c7g.large\n  instanceType: c7g.xlarge\n", "duplicate"),
        ("min: 2", "min: two", "min"),
        ("min: 2", "min: 5", "min"),
        ("environments: {prod: {}}", "environments: {prd: {}}", "prod"),
        ("stableFor: 1s", "stableFor: soon", "soon"),
        ("name: hello}", "name: Hello}", "Hello"),
    ],
)
def test_a_mistake_is_shown_with_its_place_and_a_remedy(world, old, new, said):
    edit(world, old, new)
    for command in (["validate"], ["plan"], ["apply", "--yes"]):
        done = world.run(*command, code=1)
        assert said in done.stdout + done.stderr
        assert "hello.yaml:" in done.stdout + done.stderr


def test_an_alias_bomb_is_refused(world):
    world.write("bomb.yaml", BOMB)
    assert "bomb.yaml" in world.run("plan", code=1).stderr


def test_no_manifests_are_an_error_and_not_an_empty_fleet(world):
    for path in world.folder.iterdir():
        path.unlink()
    done = world.run("apply", "--yes", code=1)
    assert "no manifests" in done.stderr.lower()


def test_a_name_that_gets_too_long_for_aws_is_shortened_where_it_is_ours_to_choose(world):
    long = "recommendations-of-the-day-for-returning-customers"
    world.app(IMAGE, name=long)
    world.run("validate")
    world.app(IMAGE, name="x" * 64)
    world.run("validate", code=1)


def test_usage_errors_exit_64(world):
    world.run("plan", "--no-such-flag", code=64)
    world.run("no-such-command", code=64)


def test_image_set_takes_the_image_of_packers_last_run_and_edits_nothing_but_the_manifest(world, tmp_path):
    def build(run, image):
        return {"name": "hello", "artifact_id": f"eu-west-1:ami-00000000,us-west-2:{image}", "packer_run_uuid": run}

    packer = tmp_path / "packer.json"
    packer.write_text(json.dumps({"builds": [build("1", "ami-11111111"), build("2", "ami-22222222")], "last_run_uuid": "2"}))
    world.run("image", "set", "hello", "--from", str(packer), "--yes")
    text = (world.folder / "hello.yaml").read_text()
    assert "image: {id: ami-22222222}" in text
    assert "# Which image runs; the rest seldom changes." in text
    packer.write_text(json.dumps({"builds": [build("1", "ami-11111111")], "last_run_uuid": "2"}))
    refused = world.run("image", "set", "hello", "--from", str(packer), code=1).stderr
    assert "names no build of its last run" in refused
    world.run("image", "set", "hello", code=64)
    edit(world, "{id: ami-22222222}", "{ssmParameter: /images/hello}")
    assert "takes the image from `ssmParameter`" in world.run("image", "set", "hello", IMAGE, code=1).stderr


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("{id: ami-00000000, ssmParameter: /images/hello}", "one source"),
        ("{track: manual}", "needs a source"),
        ("{search: {name: 'hello-*', owner: amazon}}", "imageOwners"),
        ("{fromEnvironment: {name: tset}}", "no environment `tset`"),
        ("{packerManifest: ../../secret.json}", "leads out of"),
        ("{packerManifest: packer.json}", "does not exist"),
        ("{id: ami-00000000, track: auto}", "`track` has no meaning"),
    ],
)
def test_a_source_of_images_that_cannot_be_one_is_refused_offline(world, image, said):
    edit(world, "{id: ami-0123456789abcdef0}", image)
    done = world.run("validate", code=1)
    assert said in done.stdout + done.stderr
    assert "hello.yaml:6" in done.stdout + done.stderr


def test_a_single_file_is_checked_with_the_others_around_it_and_only_it_is_told_of(world):
    one = str(world.folder / "hello.yaml")
    assert "1 app and 0 environments: fine" in world.run("validate", one).stderr
    world.write("other.yaml", (world.folder / "hello.yaml").read_text().replace("name: hello", "name: other").replace("min: 2", "min: 9"))
    world.run("validate", one)
    said = world.run("validate", str(world.folder / "other.yaml"), code=1)
    assert "other.yaml:" in said.stdout
    edit(world, "{prod: {}}", "{prd: {}}")
    assert "no environment `prd`" in world.run("validate", one, code=1).stdout


def test_the_number_of_errors_is_said_once(world):
    edit(world, "min: 2", "min: 9")
    full = world.run("validate", code=1)
    assert (full.stdout + full.stderr).count("1 error") == 1
    assert "1 error, 0 warnings" in world.run("validate", "-o", "concise", code=1).stderr


def test_an_unknown_field_hides_no_contradiction(world):
    edit(world, "  healthCheck:", "  colour: red\n  healthCheck:")
    edit(world, "min: 2", "min: 9")
    said = world.run("validate", code=1).stdout
    assert "`colour`" in said and "`instances.min` is 9" in said


SECRETS = [
    '  launch:\n    userData: "export A=b\n\tPASSWORD=canary"\n',
    '  launch: {user_data: "export P=canary"}\n',
    "  verification: {smoke: [{path: /, headers: {Authorization: Bearer canary}}]}\n",
    "  verification: {webhook: {url: 'https://ada:canary@example.com/x'}}\n",
    "  container: {image: x, command: [serve, --password=canary]}\n",
]


@pytest.mark.parametrize("spec", SECRETS)
def test_a_secret_is_in_nothing_that_is_said(world, spec):
    edit(world, "  healthCheck:", spec + "  healthCheck:")
    commands = [["validate", "-o", form] for form in ("full", "concise", "json", "github", "sarif")]
    commands += [["apply", "--yes"], ["render", "hello"], ["render", "hello", "-o", "json"]]
    commands += [["image", "set", "hello", "ami-11111111", "--yes"], ["deploy", "hello", "--ami", "ami-11111111", "--yes"], ["history", "hello"]]
    for command in commands:
        done = world.run(*command, code=None)
        assert "canary" not in done.stdout + done.stderr, command


def test_what_renders_shows_hashes_of_user_data_and_of_a_command(world):
    digest = "sha256:" + "0" * 64
    container = f"  container: {{image: 'hello@{digest}', env: {{A: canary}}, command: [serve, --password=canary]}}\n"
    edit(world, "  healthCheck:", container + "  healthCheck:")
    for form in ("yaml", "json"):
        rendered = world.run("render", "hello", "-o", form).stdout
        assert "canary" not in rendered and "command" in rendered


def test_a_named_pipe_is_refused_at_once_wherever_a_file_is_read(world):
    pipe = world.folder / "boot.sh"
    os.mkfifo(pipe)
    done = world.run("validate", str(pipe), code=1)
    assert "boot.sh` cannot be read: it is a named pipe, not a regular file" in done.stdout + done.stderr
    edit(world, "instanceType: c7g.large\n", "instanceType: c7g.large\n  launch: {userDataFile: boot.sh}\n")
    for command in (["validate"], ["plan"]):
        done = world.run(*command, code=1)
        assert "it is a named pipe" in done.stdout + done.stderr
    done = world.run("image", "set", "hello", "--from", str(pipe), code=1)
    assert "it is a named pipe" in done.stdout + done.stderr
    edit(world, "  launch: {userDataFile: boot.sh}\n", "")
    edit(world, "image: {id: ", "image: {packerManifest: boot.sh} # {id: ")
    for command in (["validate"], ["plan"], ["render", "hello"]):
        done = world.run(*command, code=1)
        assert "it is a named pipe" in done.stdout + done.stderr


def test_the_name_of_a_file_gives_a_terminal_and_a_ci_runner_no_orders(world):
    world.write("a\n::error::pwned\x1b[31m.yaml", "kind: Nothing\n")
    for form in ("full", "concise", "json"):
        done = world.run("validate", "-o", form, code=1)
        said = done.stdout + done.stderr
        assert "pwned" in said
        assert "\x1b" not in said
        assert not [line for line in said.splitlines() if line.strip().startswith("::error")]
