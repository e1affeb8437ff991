//! The mistakes that people make, and what they are told.

use std::path::{Path, PathBuf};

use super::diagnostic::{Code, Diagnostics};
use super::fleet::{Fleet, load, load_texts};
use super::format::{Format, render};
use super::node::Layer;
use super::spec::LoadBalancer;
use crate::model::names::EnvironmentName;
use crate::model::time::Span;

const ENVIRONMENT: &str = r#"apiVersion: amiable/v1
kind: Environment
metadata: {name: prod}
spec:
  region: us-west-2
  accountId: "123456789012"
  network: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}
  securityGroupIds: [sg-0a1b2c3d]
  dnsZone: example.com
  listeners: {https: "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/web/1/2"}
"#;

const APP: &str = "apiVersion: amiable/v1
kind: App
metadata: {name: web}
spec:
  image: {id: ami-0a1b2c3d}
  instanceType: c7g.large
";

/// An app `web` with more in its spec, in prod, beside the environment.
fn with(spec: &str, overlay: &str) -> Result<Fleet, Diagnostics> {
    fleet(&[("web.yaml", &format!("{APP}{spec}environments: {{prod: {overlay}}}\n")), ("prod.yaml", ENVIRONMENT)])
}

fn fleet(files: &[(&str, &str)]) -> Result<Fleet, Diagnostics> {
    load_texts(files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect())
}

fn told(result: Result<Fleet, Diagnostics>) -> String {
    render(&result.expect_err("the manifests are refused"), Format::Full, false)
}

fn codes(result: Result<Fleet, Diagnostics>) -> Vec<&'static str> {
    let findings = result.map_or_else(|findings| findings, |fleet| fleet.warnings);
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn prod() -> EnvironmentName {
    "prod".parse().unwrap()
}

#[test]
fn the_examples_are_valid_and_nothing_in_them_is_doubtful() {
    let fleet = load(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests")]).unwrap();
    assert!(fleet.warnings.is_empty(), "{}", fleet.warnings);
    for environment in ["test", "prod"] {
        let desired = fleet.desired(&environment.parse().unwrap()).unwrap();
        let apps: Vec<_> = desired.apps.keys().map(|app| app.as_str()).collect();
        assert_eq!(apps, ["greeter", "hello-world", "mailer", "storefront"]);
    }
    let prod = fleet.desired(&prod()).unwrap();
    let spec = |app: &str| prod.apps[&app.parse().unwrap()].spec.clone();
    assert!(matches!(spec("hello-world").load_balancer, LoadBalancer::Own(_)));
    assert!(matches!(spec("storefront").load_balancer, LoadBalancer::Shared(_)));
    assert_eq!(spec("mailer").load_balancer, LoadBalancer::None);
    assert!(spec("mailer").launch.detailed_monitoring, "a default of the environment");
    assert_eq!(spec("storefront").instances.max, 12);
    assert_eq!(prod.apps[&"storefront".parse().unwrap()].labels["team"], "shop");
}

#[test]
fn the_least_that_works_works() {
    let desired = with("", "{}").unwrap().desired(&prod()).unwrap();
    let spec = &desired.apps.values().next().unwrap().spec;
    assert_eq!((spec.instances.min, spec.instances.max), (2, 2));
    assert_eq!(spec.health_check.interval, Span::seconds(10));
    assert_eq!(desired.source.commit, None);
}

#[test]
fn an_unknown_field() {
    insta::assert_snapshot!(told(with("  instancs: {min: 1}\n", "{healthCheck: {pth: /}, min: 3, colour: red}")), @"
        error[unknown-field]: there is no field `instancs` in `spec`
         --> web.yaml:7:3
          |
        7 |   instancs: {min: 1}
          |   ^^^^^^^^
          |
          = help: did you mean `instances`?

        error[unknown-field]: there is no field `pth` in `healthCheck`
         --> web.yaml:8:37
          |
        8 | environments: {prod: {healthCheck: {pth: /}, min: 3, colour: red}}
          |                                     ^^^
          |
          = help: did you mean `path`?

        error[unknown-field]: there is no field `min` in `environments.prod`
         --> web.yaml:8:46
          |
        8 | environments: {prod: {healthCheck: {pth: /}, min: 3, colour: red}}
          |                                              ^^^
          |
          = help: did you mean `instances.min`?

        error[unknown-field]: there is no field `colour` in `environments.prod`
         --> web.yaml:8:54
          |
        8 | environments: {prod: {healthCheck: {pth: /}, min: 3, colour: red}}
          |                                                      ^^^^^^

        4 errors
        ");
}

#[test]
fn a_duplicate_key() {
    insta::assert_snapshot!(told(with("  instances: {min: 1, max: 2}\n  instances: {min: 2}\n", "{}")), @"
        error[duplicate-key]: `instances` is given twice
         --> web.yaml:8:3
          |
        7 |   instances: {min: 1, max: 2}
          |   --------- the first one
        8 |   instances: {min: 2}
          |   ^^^^^^^^^ the second one
          |
          = help: keep one of them

        1 error
        ");
}

#[test]
fn wrong_types() {
    let spec = "  instances: {min: two, max: \"3\"}\n  launch: {detailedMonitoring: yes, securityGroupIds: sg-0a1b2c3d}\n  release: {commit: 1234567}\n  healthCheck: 80\n";
    insta::assert_snapshot!(told(with(spec, "{}")), @r#"
        error[wrong-type]: `instances.min` is a whole number, not the text `two`
         --> web.yaml:7:20
          |
        7 |   instances: {min: two, max: "3"}
          |                    ^^^

        error[wrong-type]: `instances.max` is a whole number, not the text `3`
         --> web.yaml:7:30
          |
        7 |   instances: {min: two, max: "3"}
          |                              ^^^
          |
          = help: remove the quotes

        error[wrong-type]: `launch.detailedMonitoring` is `true` or `false`, not the text `yes`
         --> web.yaml:8:32
          |
        8 |   launch: {detailedMonitoring: yes, securityGroupIds: sg-0a1b2c3d}
          |                                ^^^
          |
          = help: write `true`

        error[wrong-type]: `launch.securityGroupIds` is a list, not the text `sg-0a1b2c3d`
         --> web.yaml:8:55
          |
        8 |   launch: {detailedMonitoring: yes, securityGroupIds: sg-0a1b2c3d}
          |                                                       ^^^^^^^^^^^
          |
          = help: write a list of one: `[sg-0a1b2c3d]`

        error[wrong-type]: `release.commit` is a text, not the number `1234567`
         --> web.yaml:9:21
          |
        9 |   release: {commit: 1234567}
          |                     ^^^^^^^
          |
          = help: put it in quotes: `"1234567"`

        error[wrong-type]: `healthCheck` is a mapping, not the number `80`
          --> web.yaml:10:16
           |
        10 |   healthCheck: 80
           |                ^^
           |
           = help: its fields: `protocol`, `port`, `path`, `matcher`, `interval`, `timeout`, `healthyThreshold`, `unhealthyThreshold`, `gracePeriod`

        6 errors
        "#);
}

#[test]
fn fewer_at_most_than_at_least() {
    insta::assert_snapshot!(told(with("  instances:\n    min: 4\n", "{instances: {max: 3}}")), @"
        error[contradiction]: `instances.min` is 4, more than `instances.max`, which is 3
         --> web.yaml:8:10
          |
        8 |     min: 4
          |          ^
        9 | environments: {prod: {instances: {max: 3}}}
          |                                        - the other one
          |
          = help: set `max` to 4 or more

        1 error
        ");
    insta::assert_snapshot!(told(with("  instances: {min: 4}\n", "{}")), @"
        error[contradiction]: `instances.min` is 4, more than `instances.max`, which is 2 (the built-in default)
         --> web.yaml:7:20
          |
        7 |   instances: {min: 4}
          |                    ^
          |
          = help: set `max` to 4 or more

        1 error
        ");
}

#[test]
fn an_unknown_environment() {
    let app = format!("{APP}environments:\n  prd: {{}}\n");
    insta::assert_snapshot!(told(fleet(&[("web.yaml", &app), ("prod.yaml", ENVIRONMENT)])), @"
        error[unknown-environment]: there is no environment `prd`
         --> web.yaml:8:3
          |
        8 |   prd: {}
          |   ^^^
          |
          = help: did you mean `prod`?

        1 error
        ");
}

#[test]
fn a_billion_laughs() {
    let bomb = "a: &a [lol, lol]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    insta::assert_snapshot!(told(fleet(&[("bomb.yaml", bomb)])), @"
        error[yaml-feature]: an anchor cannot be used in a manifest
         --> bomb.yaml:1:4
          |
        1 | a: &a [lol, lol]
          |    ^^
          |
          = help: write the value out wherever it is needed; `defaults` of the environment serve all apps

        error[yaml-feature]: an anchor cannot be used in a manifest
         --> bomb.yaml:2:4
          |
        2 | b: &b [*a, *a]
          |    ^^
          |
          = help: write the value out wherever it is needed; `defaults` of the environment serve all apps

        error[yaml-feature]: an alias cannot be used in a manifest
         --> bomb.yaml:2:8
          |
        2 | b: &b [*a, *a]
          |        ^^
          |
          = help: write the value out

        error[yaml-feature]: an alias cannot be used in a manifest
         --> bomb.yaml:2:12
          |
        2 | b: &b [*a, *a]
          |            ^^
          |
          = help: write the value out

        error[yaml-feature]: an alias cannot be used in a manifest
         --> bomb.yaml:3:5
          |
        3 | c: [*b, *b]
          |     ^^
          |
          = help: write the value out

        error[yaml-feature]: an alias cannot be used in a manifest
         --> bomb.yaml:3:9
          |
        3 | c: [*b, *b]
          |         ^^
          |
          = help: write the value out

        6 errors
        ");
}

#[test]
fn an_empty_directory() {
    let directory = tempfile::tempdir().unwrap();
    let findings = load(&[directory.path().to_owned()]).unwrap_err();
    let shown = findings.to_string().replace(&directory.path().display().to_string(), "manifests");
    insta::assert_snapshot!(shown, @"
        error[no-manifests]: there is no manifest in `manifests`
         |
         = help: manifests are `*.yaml` or `*.yml` files; `amiable init` writes a first one

        1 error
        ");
}

#[test]
fn a_missing_directory() {
    insta::assert_snapshot!(load(&[PathBuf::from("/no/such/place")]).unwrap_err().to_string(), @"
        error[unreadable]: `/no/such/place` does not exist

        1 error
        ");
}

#[test]
fn a_bad_duration() {
    insta::assert_snapshot!(told(with("  healthCheck: {interval: 10, timeout: 5 seconds, gracePeriod: 3h}\n", "{}")), @"
        error[bad-duration]: `healthCheck.interval` is a length of time, and 10 has no unit
         --> web.yaml:7:27
          |
        7 |   healthCheck: {interval: 10, timeout: 5 seconds, gracePeriod: 3h}
          |                           ^^
          |
          = help: add a unit: `10s`, `10m` or `10h`

        error[bad-duration]: `healthCheck.timeout` is a length of time, and `5 seconds` is not one
         --> web.yaml:7:40
          |
        7 |   healthCheck: {interval: 10, timeout: 5 seconds, gracePeriod: 3h}
          |                                        ^^^^^^^^^
          |
          = help: write a number and a unit, such as `30s`, `5m`, `48h` or `7d`; ten years at most

        error[out-of-range]: `healthCheck.gracePeriod` is 3h; it may be from 0s to 2h
         --> web.yaml:7:64
          |
        7 |   healthCheck: {interval: 10, timeout: 5 seconds, gracePeriod: 3h}
          |                                                                ^^

        3 errors
        ");
}

#[test]
fn a_bad_name() {
    let app = APP.replace("web", "Hello_World") + "environments: {prod: {}}\n";
    insta::assert_snapshot!(told(fleet(&[("web.yaml", &app), ("prod.yaml", ENVIRONMENT)])), @"
        error[bad-name]: `Hello_World` cannot be a name: use lower-case letters, digits and hyphens only
         --> web.yaml:3:18
          |
        3 | metadata: {name: Hello_World}
          |                  ^^^^^^^^^^^
          |
          = help: `hello-world` would do

        1 error
        ");
}

#[test]
fn a_manifest_of_another_tool() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
    insta::assert_snapshot!(told(fleet(&[("web.yaml", text)])), @"
        error[unknown-kind]: `apiVersion` is `amiable/v1`, not the text `apps/v1`
         --> web.yaml:1:13
          |
        1 | apiVersion: apps/v1
          |             ^^^^^^^

        error[unknown-kind]: `kind` is `App` or `Environment`, not the text `Deployment`
         --> web.yaml:2:7
          |
        2 | kind: Deployment
          |       ^^^^^^^^^^

        2 errors
        ");
}

#[test]
fn broken_yaml() {
    let text = "apiVersion: amiable/v1\nkind: App\nmetadata:\n  name: web\n spec: {}\n";
    insta::assert_snapshot!(told(fleet(&[("web.yaml", text)])), @"
        error[yaml-syntax]: this is not YAML: while parsing a block mapping, did not find expected key
         --> web.yaml:5:2
          |
        5 |  spec: {}
          |  ^
          |
          = help: look at the indentation and the quotes here and on the lines above

        1 error
        ");
}

#[test]
fn the_same_app_twice() {
    let app = format!("{APP}environments: {{prod: {{}}}}\n");
    insta::assert_snapshot!(told(fleet(&[("a.yaml", &app), ("b.yaml", &app), ("prod.yaml", ENVIRONMENT)])), @"
        error[duplicate]: there are two manifests of the app `web`
         --> b.yaml:3:18
          |
        3 | metadata: {name: web}
          |                  ^^^ the second one
          |
         ::: a.yaml:3:18
          |
        3 | metadata: {name: web}
          |                  --- the first one
          |
          = help: remove or rename one of them

        1 error
        ");
}

#[test]
fn something_required_that_no_layer_gives() {
    let app = APP.replace("  instanceType: c7g.large\n", "") + "environments:\n  prod: {image: {}}\n";
    insta::assert_snapshot!(told(fleet(&[("web.yaml", &app), ("prod.yaml", ENVIRONMENT)])), @"
        error[missing-field]: `instanceType` is missing
         --> web.yaml:7:3
          |
        7 |   prod: {image: {}}
          |   ^^^^ for `web` in `prod`
          |
          = help: The EC2 instance type, such as `c7g.large`; either this or `instanceTypes`

        error[missing-field]: an image needs a source
         --> web.yaml:7:10
          |
        7 |   prod: {image: {}}
          |          ^^^^^
          |
          = help: one of `id`, `ssmParameter`, `search`, `fromEnvironment`, `packerManifest`; an overlay replaces `image` as a whole

        2 errors
        ");
}

#[test]
fn a_listener_that_the_environment_does_not_have() {
    let spec = "  loadBalancer:\n    listener: http\n    priority: 10\n";
    insta::assert_snapshot!(told(with(spec, "{}")), @"
        error[unknown-listener]: the environment `prod` lists no listener `http`
         --> web.yaml:8:15
          |
        8 |     listener: http
          |               ^^^^
          |
         ::: prod.yaml:3:18
          |
        3 | metadata: {name: prod}
          |                  ---- this environment
          |
          = help: did you mean `https`?

        error[contradiction]: a rule on a shared listener needs a condition, or it would take all requests
         --> web.yaml:8:15
          |
        8 |     listener: http
          |               ^^^^
          |
          = help: add `hosts: [shop.example.com]` or `paths: [/shop/*]`

        2 errors
        ");
}

#[test]
fn two_forms_of_load_balancer_at_once() {
    let spec = "  loadBalancer: {listener: https, priority: 1, hosts: [a.b], scheme: internal}\n";
    insta::assert_snapshot!(told(with(spec, "{loadBalancer: {hosts: [a.b], scheme: internal}}")), @"
        error[conflicting-field]: `scheme` does not go with `listener` in `loadBalancer`
         --> web.yaml:7:62
          |
        7 |   loadBalancer: {listener: https, priority: 1, hosts: [a.b], scheme: internal}
          |                                                              ^^^^^^

        error[conflicting-field]: `hosts` goes only with `listener` in `loadBalancer`
         --> web.yaml:8:38
          |
        8 | environments: {prod: {loadBalancer: {hosts: [a.b], scheme: internal}}}
          |                                      ^^^^^

        2 errors
        ");
}

#[test]
fn two_apps_in_one_place() {
    let app = |name: &str| {
        APP.replace("web", name)
            + "  dns: {name: www.example.com}\n  loadBalancer: {listener: https, hosts: [a.b], priority: 7}\nenvironments: {prod: {}}\n"
    };
    insta::assert_snapshot!(told(fleet(&[("a.yaml", &app("one")), ("b.yaml", &app("two")), ("prod.yaml", ENVIRONMENT)])), @"
        error[duplicate]: one in prod and two in prod both have the DNS name `www.example.com`
         --> b.yaml:7:15
          |
        7 |   dns: {name: www.example.com}
          |               ^^^^^^^^^^^^^^^
          |
         ::: a.yaml:7:15
          |
        7 |   dns: {name: www.example.com}
          |               --------------- one in prod has it here
          |
          = help: give one of them another

        error[duplicate]: one in prod and two in prod both have priority 7 on the listener `https`
         --> b.yaml:8:59
          |
        8 |   loadBalancer: {listener: https, hosts: [a.b], priority: 7}
          |                                                           ^
          |
         ::: a.yaml:8:59
          |
        8 |   loadBalancer: {listener: https, hosts: [a.b], priority: 7}
          |                                                           - one in prod has it here
          |
          = help: give one of them another

        2 errors
        ");
}

#[test]
fn what_could_never_be_deployed_is_refused() {
    for (spec, overlay, code) in [
        ("  healthCheck: {interval: 10s, timeout: 10s}\n", "{}", "contradiction"),
        ("  healthCheck: {interval: 301s}\n", "{}", "out-of-range"),
        ("  healthCheck: {healthyThreshold: 1}\n", "{}", "out-of-range"),
        ("  healthCheck: {path: health}\n", "{}", "bad-format"),
        ("  healthCheck: {matcher: 2xx}\n", "{}", "bad-format"),
        ("  healthCheck: {protocol: http}\n", "{}", "not-allowed"),
        ("  healthCheck: {port: 70000}\n", "{}", "out-of-range"),
        ("  verification: {stableFor: 30m}\n", "{}", "contradiction"),
        ("  loadBalancer: none\n  dns: {name: a.example.com}\n", "{}", "contradiction"),
        ("  dns: {name: a.example.org}\n", "{}", "contradiction"),
        ("  network: {subnetIds: [subnet-0a1b2c3d]}\n", "{}", "contradiction"),
        ("  network: {subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3d]}\n", "{}", "duplicate"),
        ("  loadBalancer: {listeners: [{port: 443, protocol: HTTPS}]}\n", "{}", "contradiction"),
        ("  loadBalancer: {listeners: []}\n", "{}", "out-of-range"),
        ("  loadBalancer: {listeners: [{port: 80}, {port: 80}]}\n", "{}", "duplicate"),
        ("  loadBalancer: {listeners: [{port: 80, redirect: {}}]}\n", "{}", "contradiction"),
        (
            "  loadBalancer: {listeners: [{port: 80}, {port: 81, redirect: {protocol: HTTP, port: 81}}]}\n",
            "{}",
            "contradiction",
        ),
        ("  loadBalancer: {listeners: [{port: 80}, {port: 81, redirect: {protocol: TCP}}]}\n", "{}", "contradiction"),
        ("  loadBalancer: {listeners: [{port: 80}, {port: 81, redirect: {statusCode: 307}}]}\n", "{}", "out-of-range"),
        (
            "  loadBalancer: {listeners: [{port: 80, sslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06}]}\n",
            "{}",
            "contradiction",
        ),
        ("  loadBalancer: {listeners: [{port: 80, protocol: TCP}]}\n", "{}", "contradiction"),
        ("  loadBalancer: {type: network}\n", "{}", "contradiction"),
        (
            "  loadBalancer: {type: network, slowStart: 1m, listeners: [{port: 80, protocol: TCP}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  loadBalancer: {type: network, listeners: [{port: 80, protocol: TCP, redirect: {}}, {port: 81, protocol: TCP}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  loadBalancer: {type: network, preserveClientIp: false, listeners: [{port: 53, protocol: UDP}]}\n",
            "{}",
            "contradiction",
        ),
        ("  loadBalancer: {crossZone: true}\n", "{}", "contradiction"),
        ("  loadBalancer: {slowStart: 10s}\n", "{}", "out-of-range"),
        ("  loadBalancer: {slowStart: 16m}\n", "{}", "out-of-range"),
        ("  loadBalancer: {idleTimeout: 0s}\n", "{}", "out-of-range"),
        ("  loadBalancer: {accessLogs: {bucket: My_Bucket}}\n", "{}", "bad-format"),
        ("  loadBalancer: {accessLogs: {}}\n", "{}", "missing-field"),
        ("  healthCheck: {protocol: TCP}\n", "{}", "contradiction"),
        ("  loadBalancer: {listener: https, headers: {X-Team: []}, hosts: [a.b]}\n", "{}", "contradiction"),
        ("  loadBalancer: {listener: https, methods: [get]}\n", "{}", "bad-format"),
        ("  loadBalancer: {listener: https, sourceIps: [10.0.0.1]}\n", "{}", "bad-format"),
        (
            "  loadBalancer: {listener: https, hosts: [a.b, c.d], headers: {X-A: [a, b], X-B: [c, d]}}\n",
            "{}",
            "out-of-range",
        ),
        ("  dns: {name: a.example.com, ttl: 5m}\n", "{}", "contradiction"),
        ("  dns: {name: a.example.com, type: CNAME, ttl: 0s}\n", "{}", "out-of-range"),
        ("  dns: {name: a.example.com, type: CNAME, evaluateTargetHealth: true}\n", "{}", "contradiction"),
        ("  dns: {name: a.example.com, type: CNAME, ipv6: true}\n", "{}", "contradiction"),
        ("  dns: {name: example.com, type: CNAME}\n", "{}", "contradiction"),
        ("  dns: {name: a.example.com, type: cname}\n", "{}", "not-allowed"),
        ("  loadBalancer: {listener: https, priority: 0, hosts: [a.b]}\n", "{}", "out-of-range"),
        ("  loadBalancer: {listener: https, priority: 1}\n", "{}", "contradiction"),
        ("  loadBalancer: {deregistrationDelay: 2h}\n", "{}", "out-of-range"),
        ("  loadBalancer: nothing\n", "{}", "not-allowed"),
        ("", "{image: {id: ami-x}}", "bad-format"),
        ("", "{instances: {min: -1}}", "out-of-range"),
        ("", "{drift: {ignore: [image.id]}}", "bad-ignore"),
        ("", "{suspend: {reason: x, until: tomorrow}}", "bad-format"),
        ("", "{destroy: true, suspend: {reason: x}}", "contradiction"),
        ("", "{launch: {userData: }}", "empty-value"),
        ("", "{instanceTypes: [m7g.large]}", "conflicting-field"),
        ("  scaling: {targetTracking: [{metric: ASGAverageCPUUtilization, target: 0}]}\n", "{}", "out-of-range"),
        (
            "  loadBalancer: none\n  scaling: {targetTracking: [{metric: ALBRequestCountPerTarget, target: 9}]}\n",
            "{}",
            "contradiction",
        ),
        ("  scaling: {scheduled: [{name: a, schedule: 0 8 * *, min: 1}]}\n", "{}", "bad-format"),
        ("  scaling: {scheduled: [{name: a, schedule: 0 8 * * *}]}\n", "{}", "contradiction"),
        ("  scaling: {scheduled: [{name: a, schedule: 0 8 * * *, min: 3, max: 2}]}\n", "{}", "contradiction"),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: []}]}\n",
            "{}",
            "out-of-range",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, adjustment: 0}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, upperBound: 10, adjustment: 1}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, upperBound: 10, adjustment: 1}, {lowerBound: 20, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, upperBound: 10, adjustment: 1}, {lowerBound: 5, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 5, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, upperBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: -5, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, period: 90s, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "bad-format",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, period: 10s, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, period: 1h, evaluationPeriods: 25, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "out-of-range",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, datapointsToAlarm: 4, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, minAdjustmentMagnitude: 2, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, adjustmentType: ExactCapacity, steps: [{lowerBound: 0, adjustment: -2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, warmup: 2h, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "out-of-range",
        ),
        (
            "  scaling: {step: [{name: a, metric: ASGAverageCPUUtilization, threshold: 70, comparison: GreaterThanThreshold, customMetric: {namespace: Shop, name: Jobs}, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "conflicting-field",
        ),
        (
            "  scaling: {step: [{name: a, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "missing-field",
        ),
        (
            "  scaling: {step: [{name: a, threshold: 70, comparison: GreaterThanThreshold, customMetric: {namespace: Shop, name: Mem, perGroup: true, dimensions: {AutoScalingGroupName: x}}, steps: [{adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        (
            "  scaling: {step: [{name: a, threshold: 70, comparison: GreaterThanThreshold, customMetric: {namespace: ':Shop', name: Mem}, steps: [{adjustment: 2}]}]}\n",
            "{}",
            "bad-format",
        ),
        (
            "  loadBalancer: none\n  scaling: {step: [{name: a, metric: ALBRequestCountPerTarget, threshold: 70, comparison: GreaterThanThreshold, steps: [{lowerBound: 0, adjustment: 2}]}]}\n",
            "{}",
            "contradiction",
        ),
        ("  launch: {lifecycleHooks: [{name: a, transition: launching, timeout: 10s}]}\n", "{}", "out-of-range"),
        ("  container: {image: 'hello:1.0'}\n", "{}", "bad-format"),
        ("  launch: {userDataFile: nothing.sh}\n", "{}", "unreadable"),
        ("", "{instanceType: null, instanceTypes: []}", "missing-field"),
        ("", "{instanceType: null, instanceTypes: [m7g.large, m7g.large]}", "duplicate"),
        ("  spot: {onDemandPercentage: 101}\n", "{}", "out-of-range"),
        ("  spot: {maxPrice: cheap}\n", "{}", "bad-format"),
        ("  launch: {rootVolumeSize: 8, blockDevices: [{root: true}]}\n", "{}", "contradiction"),
        ("  launch: {blockDevices: [{root: true}, {root: true}]}\n", "{}", "duplicate"),
        ("  launch: {blockDevices: [{size: 8, device: /dev/sdb}, {size: 9, device: /dev/sdb}]}\n", "{}", "duplicate"),
        ("  launch: {blockDevices: [{device: /dev/sdb}]}\n", "{}", "contradiction"),
        ("  launch: {metadataOptions: {hopLimit: 65}}\n", "{}", "out-of-range"),
        ("  launch: {iamInstanceProfile: arn:aws:iam::999999999999:instance-profile/web}\n", "{}", "wrong-account"),
        ("  loadBalancer: none\n  healthCheck: {port: 81}\n", "{}", "unused-field"),
    ] {
        assert_eq!(codes(with(spec, overlay)), [code], "{spec}{overlay}");
    }
}

#[test]
fn an_environment_that_cannot_be_is_refused() {
    let app = format!("{APP}environments: {{prod: {{}}}}\n");
    for (from, to, code) in [
        ("us-west-2\n", "us-west-2a\n", "bad-format"),
        ("\"123456789012\"\n", "123456789012\n", "wrong-type"),
        ("\"123456789012\"\n", "\"210987654321\"\n", "wrong-account"),
        ("us-west-2:123", "us-east-1:123", "wrong-account"),
        ("vpc-0a1b2c3d", "vpc-x", "bad-format"),
        ("sg-0a1b2c3d", "default", "bad-format"),
        ("[sg-0a1b2c3d]", "[]", "out-of-range"),
        ("subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]", "subnets: []", "missing-field"),
        ("dnsZone: example.com", "defaults: {destroy: true}", "not-allowed"),
        ("dnsZone: example.com", "defaults: {instances: {mn: 1}}", "unknown-field"),
        ("dnsZone: example.com", "imageOwners: [me]", "bad-format"),
        ("dnsZone: example.com", "limits: {concurrentRollouts: 0}", "out-of-range"),
    ] {
        let environment = ENVIRONMENT.replacen(from, to, 1);
        let found = codes(fleet(&[("web.yaml", &app), ("prod.yaml", &environment)]));
        assert!(found.contains(&code), "{to}: {found:?}");
    }
}

#[test]
fn environments_that_share_a_zone_or_a_listener_share_no_place_in_it() {
    let app = APP.to_owned()
        + "  dns: {name: a.example.com}\n  loadBalancer: {listener: https, hosts: [a.b], priority: 7}\nenvironments: {prod: {}, test: {}}\n";
    let other = ENVIRONMENT.replace("name: prod", "name: test");
    assert_eq!(
        codes(fleet(&[("a.yaml", &app), ("b.yaml", ENVIRONMENT), ("c.yaml", &other)])),
        ["duplicate", "duplicate"]
    );
    let other = other.replace("vpc-0a1b2c3d", "vpc-0a1b2c3e");
    assert_eq!(codes(fleet(&[("a.yaml", &app), ("b.yaml", ENVIRONMENT), ("c.yaml", &other)])), ["duplicate"]);
}

#[test]
fn names_in_aws_that_would_be_the_same_are_refused() {
    let environment = ENVIRONMENT.replace("name: prod", "name: blue-prod");
    let one = APP.to_owned() + "environments: {blue-prod: {}}\n";
    let two = APP.replace("name: web", "name: web-blue") + "environments: {prod: {}}\n";
    let files = [("1.yaml", one.as_str()), ("2.yaml", &two), ("3.yaml", ENVIRONMENT), ("4.yaml", &environment)];
    assert_eq!(codes(fleet(&files)), ["duplicate"]);
}

#[test]
fn an_app_without_environments_is_doubtful_and_no_error() {
    let fleet = fleet(&[("web.yaml", APP), ("prod.yaml", ENVIRONMENT)]).unwrap();
    let codes: Vec<_> = fleet.warnings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::DeployedNowhere]);
}

#[test]
fn an_environment_that_cannot_be_read_makes_no_apps_complain_about_it() {
    let app = format!("{APP}environments: {{prod: {{}}}}\n");
    assert_eq!(codes(fleet(&[("web.yaml", &app), ("prod.yaml", "spec: [\n")])), ["yaml-syntax"]);
}

#[test]
fn layers_are_told_apart() {
    let environment = format!("{ENVIRONMENT}  defaults: {{instances: {{min: 1, max: 9}}, retain: {{for: 2h}}}}\n");
    let app = format!(
        "{APP}  instances: {{max: 8}}\nenvironments:\n  prod:\n    instanceType: m7g.large\n    retain: null\n"
    );
    let fleet = fleet(&[("web.yaml", &app), ("prod.yaml", &environment)]).unwrap();
    let one = fleet.effective(&"web".parse().unwrap(), &prod()).unwrap();
    let layer = |path: &[&str]| one.tree.at(path).map(|node| node.layer);
    assert_eq!(layer(&["instances", "min"]), Some(Layer::EnvironmentDefault));
    assert_eq!(layer(&["instances", "max"]), Some(Layer::App));
    assert_eq!(layer(&["instanceType"]), Some(Layer::Overlay));
    assert_eq!(layer(&["retain"]), None, "taken away, so the built-in default holds");
    assert_eq!((one.spec.instances.min, one.spec.instances.max), (1, 8));
    assert_eq!(one.spec.retain.keep_for, Span::hours(1));
}

#[test]
fn a_name_that_there_is_not_is_answered_with_the_nearest() {
    let fleet = with("", "{}").unwrap();
    let unknown = fleet.desired(&"prd".parse().unwrap()).unwrap_err().to_string();
    assert!(unknown.contains("did you mean `prod`?"), "{unknown}");
    let unknown = fleet.effective(&"wep".parse().unwrap(), &prod()).unwrap_err().to_string();
    assert!(unknown.contains("did you mean `web`?"), "{unknown}");
}

#[test]
fn no_secret_appears_in_any_form_of_any_finding() {
    let spec = "  launch:\n    userData: |\n      PASSWORD=canary\n    userDat: 1\n    keyName: [canary-key]\n";
    let long = format!("  launch:\n    userData: \"{}\"\n", "canary ".repeat(4000));
    let inline = "  launch: {userData: canary, colour: 1}\n";
    let list = "  launch: {userData: [canary]}\n";
    let others = [
        "  launch:\n    userData: \"export A=b\n\tPASSWORD=canary\n    x\"\n",
        "  launch:\n    userData: \"export A=b\n\tPASSWORD=canary\n    x\n  }\n",
        "  launch:\n    userData: it\n  canary: [\n canary: {\n",
        "  launch: {user_data: \"export PASSWORD=canary\"}\n",
        "  container: {image: x, command: [serve, \"--password=canary\"], colour: 1}\n",
        "  container: {image: x, env: {A: \"canary\\nb\"}}\n",
        "  verification: {smoke: [{path: /, headers: {Authorization: Bearer canary}}]}\n",
        "  verification: {smoke: [{path: /, headers: [canary]}]}\n",
        "  verification: {webhook: {url: 'https://ada:canary@example.com/x'}}\n",
        "  verification: {webhook: {url: 'https://example.com/', tokenVariable: canary}}\n",
        "  healthCheck: {path: 'https://ada:canary@example.com/x'}\n",
        "  password: canary\n",
    ];
    let others = others.iter().map(|spec| (*spec, ""));
    for (spec, other) in [(spec, "canary-key"), (&long, ""), (inline, ""), (list, "")].into_iter().chain(others) {
        let findings = with(spec, "{}").unwrap_err();
        for format in Format::ALL {
            let shown = render(&findings, format, false);
            let shown = if other.is_empty() { shown } else { shown.replace(other, "") };
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

#[test]
fn a_thousand_apps_are_loaded_in_no_time() {
    let mut files = vec![(PathBuf::from("prod.yaml"), ENVIRONMENT.to_owned())];
    let spec = "  healthCheck: {path: /, interval: 10s}\nenvironments: {prod: {instances: {max: 4}}}\n";
    files.extend((0..1000).map(|n| (format!("{n}.yaml").into(), APP.replace("web", &format!("web-{n}")) + spec)));
    let started = std::time::Instant::now();
    let fleet = load_texts(files).unwrap();
    assert_eq!(fleet.desired(&prod()).unwrap().apps.len(), 1000);
    // Half a second without optimisation; the limit is for a busy machine.
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn junk_of_any_kind_is_refused_without_a_panic() {
    let big = "x".repeat(1 << 20);
    let list = format!("{APP}  drift: {{ignore: [{}]}}\n", "a,".repeat(100_000));
    let keys = format!("{APP}  launch:\n{}", (0..50_000).map(|n| format!("    k{n}: 1\n")).collect::<String>());
    let secrets = format!("{APP}  launch:\n{}", "    userData: x\n".repeat(60_000));
    let nulls = "apiVersion: amiable/v1\nkind: App\nmetadata: null\nspec: null\nenvironments: null\n";
    let lists = "apiVersion: amiable/v1\nkind: Environment\nmetadata: []\nspec: []\nenvironments: []\n";
    let odd = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: 1, labels: {a: [1], b: null}}\nspec: {image: null, loadBalancer: [1], dns: 1, strategy: {}}\nenvironments: {prod: 1, \"\": {}}\n";
    for text in ["", "\u{feff}", "[]", "1", "{}", "- a\n", big.as_str(), &list, &keys, &secrets, nulls, lists, odd] {
        let started = std::time::Instant::now();
        let findings = fleet(&[("a.yaml", text), ("prod.yaml", ENVIRONMENT)])
            .map_or_else(|findings| findings, |fleet| fleet.warnings);
        for format in Format::ALL {
            render(&findings, format, true);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

proptest::proptest! {
    #[test]
    fn no_change_to_a_manifest_makes_loading_panic(at in 0usize..400, with in "[a-z{}\\[\\]:,\"0-9 \n-]{0,4}", cut in 0usize..8) {
        let mut app = format!("{APP}  healthCheck: {{path: /, interval: 10s}}\n  loadBalancer: {{listener: https, priority: 3, hosts: [a.b]}}\nenvironments: {{prod: {{}}}}\n");
        let at = at % app.len();
        let end = (at + cut).min(app.len());
        app.replace_range(at..end, &with);
        if let Err(findings) = fleet(&[("web.yaml", &app), ("prod.yaml", ENVIRONMENT)]) {
            proptest::prop_assert!(findings.has_errors());
            render(&findings, Format::Full, true);
        }
    }
}

#[test]
fn what_aws_would_refuse_later_is_refused_offline() {
    let said = |spec: &str| match with(spec, "{}") {
        Ok(fleet) => fleet.warnings.to_string(),
        Err(findings) => findings.to_string(),
    };
    let scheduled = |what: &str| {
        format!(
            "  scaling: {{scheduled: [{{name: a, schedule: '0 8 * * *', {what}}}]}}\n  instances: {{min: 1, max: 2}}\n"
        )
    };
    for (spec, message) in [
        (scheduled("min: 10"), "`a` sets `min` to 10, above `instances.max`, which is 2"),
        (scheduled("max: 0"), "`a` sets `max` to 0, below `instances.min`, which is 1"),
        (scheduled("min: 10, max: 12"), ""),
        (
            "  scaling: {targetTracking: [{metric: ASGAverageCPUUtilization, target: 500}]}\n".into(),
            "is 500 percent of CPU",
        ),
        ("  launch: {cpuCredits: unlimited}\n".into(), "`c7g.large` has no CPU credits"),
        ("  launch: {securityGroupIds: []}\n".into(), "securityGroupIds"),
        ("  release: {buildDate: yesterday}\n".into(), "`yesterday` is not a date"),
        ("  release: {buildDate: 2026-11-02}\n".into(), ""),
    ] {
        let told = said(&spec);
        assert!(if message.is_empty() { told.is_empty() } else { told.contains(message) }, "{spec}{told}");
    }
}

#[test]
fn what_init_left_open_is_doubtful() {
    let environment = ENVIRONMENT.replace("123456789012", "000000000000");
    let app = format!("{APP}environments: {{prod: {{}}}}\n").replace("ami-0a1b2c3d", "ami-00000000000000000");
    let told = fleet(&[("web.yaml", &app), ("prod.yaml", &environment)]).unwrap().warnings;
    let codes: Vec<&str> = told.iter().map(|finding| finding.code.as_str()).collect();
    assert!(codes.iter().filter(|code| **code == "placeholder").count() == 2, "{told}");
}
