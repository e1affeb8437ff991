//! Values that do not fit together, or not their environment.

use super::*;

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
            + "  dns: {name: www.example.com}\n  loadBalancer: {listener: https, hosts: [NAME.b], priority: 7}\nenvironments: {prod: {}}\n"
                .replace("NAME", name).as_str()
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
         --> b.yaml:8:61
          |
        8 |   loadBalancer: {listener: https, hosts: [two.b], priority: 7}
          |                                                             ^
          |
         ::: a.yaml:8:61
          |
        8 |   loadBalancer: {listener: https, hosts: [one.b], priority: 7}
          |                                                             - one in prod has it here
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
        ["duplicate", "duplicate", "duplicate"],
        "the name, the priority and the conditions"
    );
    let other = other.replace("vpc-0a1b2c3d", "vpc-0a1b2c3e");
    assert_eq!(
        codes(fleet(&[("a.yaml", &app), ("b.yaml", ENVIRONMENT), ("c.yaml", &other)])),
        ["duplicate", "duplicate"]
    );
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

/// Two apps behind the shared listener of `prod`, with these rules.
fn two_rules(one: &str, other: &str) -> Result<Fleet, Diagnostics> {
    let app = |name: &str, rule: &str| {
        format!(
            "{}  loadBalancer: {{listener: https, {rule}}}\nenvironments: {{prod: {{}}}}\n",
            APP.replace("web", name)
        )
    };
    fleet(&[("one.yaml", &app("one", one)), ("two.yaml", &app("two", other)), ("prod.yaml", ENVIRONMENT)])
}

#[test]
fn two_apps_with_the_same_conditions_on_one_listener_are_both_named() {
    insta::assert_snapshot!(told(two_rules("hosts: [a.example.com]", "hosts: [A.example.com]")), @"
        error[duplicate]: one in prod and two in prod have the same conditions on the listener `https`: one of them would never get a request
         --> two.yaml:7:35
          |
        7 |   loadBalancer: {listener: https, hosts: [A.example.com]}
          |                                   ^^^^^
          |
         ::: one.yaml:7:3
          |
        7 |   loadBalancer: {listener: https, hosts: [a.example.com]}
          |   ------------ the rule of one in prod
          |
          = help: give one of them other hosts, or paths of its own

        1 error
        ");
    assert_eq!(codes(two_rules("hosts: [a.example.com]", "hosts: [b.example.com]")), Vec::<&str>::new());
    assert_eq!(
        codes(two_rules("hosts: [a.example.com]", "hosts: [a.example.com], paths: [/api/*]")),
        Vec::<&str>::new()
    );
    assert_eq!(codes(two_rules("paths: [/api/*]", "paths: ['/api/*'], methods: [GET]")), Vec::<&str>::new());
    assert_eq!(codes(two_rules("paths: [/api/*]", "paths: ['/api/*']")), ["duplicate"]);
}

#[test]
fn a_rule_that_could_never_get_a_request_is_refused_where_both_have_a_priority() {
    let (wide, narrow) = ("hosts: ['*.example.com']", "hosts: [a.example.com]");
    let at = |rule: &str, priority: u32| format!("{rule}, priority: {priority}");
    insta::assert_snapshot!(told(two_rules(&at(wide, 10), &at(narrow, 20))), @"
        error[contradiction]: two in prod would never get a request on the listener `https`: one in prod comes before it, at priority 10, and takes all of its requests
         --> two.yaml:7:69
          |
        7 |   loadBalancer: {listener: https, hosts: [a.example.com], priority: 20}
          |                                                                     ^^
          |
         ::: one.yaml:7:3
          |
        7 |   loadBalancer: {listener: https, hosts: ['*.example.com'], priority: 10}
          |   ------------ the rule of one in prod
          |
          = help: give it a priority below 10, or leave `priority` out of both

        1 error
        ");
    assert_eq!(codes(two_rules(&at(wide, 20), &at(narrow, 10))), Vec::<&str>::new());
    assert_eq!(codes(two_rules(wide, &at(narrow, 10))), Vec::<&str>::new(), "the other one finds its place");
}

#[test]
fn a_header_that_is_given_twice_in_another_case_loses_no_value_silently() {
    let spec = "  loadBalancer:\n    listener: https\n    headers: {X-Tier: [gold], x-tier: [silver]}\n";
    insta::assert_snapshot!(told(with(spec, "{}")), @"
        error[duplicate]: `X-Tier` and `x-tier` are the same header, whose name has no case
         --> web.yaml:9:31
          |
        9 |     headers: ******** ******* ******* *********
          |               ------          ^^^^^^
          |               |
          |               the other one
          |
          = help: write it once, with all its values

        1 error
        ");
    let smoke = "  verification: {smoke: [{path: /, headers: {X-Tier: gold, x-tier: silver}}]}\n";
    assert_eq!(codes(with(smoke, "{}")), ["duplicate"]);
}
