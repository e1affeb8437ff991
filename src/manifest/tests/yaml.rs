//! Mistakes within one document: what is not YAML, not a field, or not of its type.

use super::*;

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
        error[wrong-type]: `instances.min` must be a whole number, not the text `two`
         --> web.yaml:7:20
          |
        7 |   instances: {min: two, max: "3"}
          |                    ^^^

        error[wrong-type]: `instances.max` must be a whole number, not the text `3`
         --> web.yaml:7:30
          |
        7 |   instances: {min: two, max: "3"}
          |                              ^^^
          |
          = help: remove the quotes

        error[wrong-type]: `launch.detailedMonitoring` must be `true` or `false`, not the text `yes`
         --> web.yaml:8:32
          |
        8 |   launch: {detailedMonitoring: yes, securityGroupIds: sg-0a1b2c3d}
          |                                ^^^
          |
          = help: write `true`

        error[wrong-type]: `launch.securityGroupIds` must be a list, not the text `sg-0a1b2c3d`
         --> web.yaml:8:55
          |
        8 |   launch: {detailedMonitoring: yes, securityGroupIds: sg-0a1b2c3d}
          |                                                       ^^^^^^^^^^^
          |
          = help: write a list of one: `[sg-0a1b2c3d]`

        error[wrong-type]: `release.commit` must be a text, not the number `1234567`
         --> web.yaml:9:21
          |
        9 |   release: {commit: 1234567}
          |                     ^^^^^^^
          |
          = help: put it in quotes: `"1234567"`

        error[wrong-type]: `healthCheck` must be a mapping, not the number `80`
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
         = help: manifests are `*.yaml` or `*.yml` files; `amiable init NAME --env ENV` writes a first one

        1 error
        ");
}

#[test]
fn a_missing_directory() {
    insta::assert_snapshot!(load(&[PathBuf::from("/no/such/place")]).unwrap_err().to_string(), @"
        error[unreadable]: `/no/such/place` does not exist
         |
         = help: name files or directories that exist; `amiable init NAME --env ENV` writes a first manifest

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
        error[unknown-kind]: `apiVersion` must be `amiable/v1`, not the text `apps/v1`
         --> web.yaml:1:13
          |
        1 | apiVersion: apps/v1
          |             ^^^^^^^
          |
          = help: is this a manifest of another tool? Then keep it out of the directory with Amiable's manifests

        error[unknown-kind]: `kind` must be `App` or `Environment`, not the text `Deployment`
         --> web.yaml:2:7
          |
        2 | kind: Deployment
          |       ^^^^^^^^^^
          |
          = help: `App` describes a service, `Environment` where services run

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
          = help: fields that belong together begin in the same column: look at the indentation here and on the lines above

        1 error
        ");
}

#[test]
fn a_tab_in_the_indentation_is_called_one() {
    let text = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: web}\nspec:\n\timage: {id: ami-1}\n";
    let said = told(fleet(&[("web.yaml", text)]));
    assert!(
        said.contains(
            "error[yaml-syntax]: this line is indented by a tab, which YAML does not allow\n --> web.yaml:5:1"
        ),
        "{said}"
    );
    assert!(said.contains("help: write spaces in its place"), "{said}");
    let text = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: web}\nspec:\n  image:\n  \tid: ami-1\n";
    let said = told(fleet(&[("web.yaml", text)]));
    assert!(said.contains("indented by a tab") && said.contains("web.yaml:6:3"), "{said}");
}

#[test]
fn a_bracket_that_is_not_closed_is_looked_for() {
    let text = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: web\nspec: {}\n";
    let said = told(fleet(&[("web.yaml", text)]));
    assert!(said.contains("help: is a `{` not closed by a `}`, here or above, or a comma missing?"), "{said}");
}

#[test]
fn a_plain_value_in_the_place_of_a_mapping_is_shown_as_one() {
    for (spec, wanted) in [
        ("image: ami-0a1b2c3d\n", "`image` must be a mapping, not the text `ami-0a1b2c3d`"),
        ("image: ami-0a1b2c3d\n", "help: write `image: {id: ami-0a1b2c3d}`; its fields: `id`"),
        ("instances: 3\n", "help: write `instances: {min: 3, max: 3}`"),
        ("healthCheck: /health\n", "help: write `healthCheck: {path: /health}`"),
        ("retain: 1h\n", "help: write `retain: {for: 1h}`"),
        ("dns: web.internal.example.com\n", "help: write `dns: {name: web.internal.example.com}`"),
        ("strategy: {canary: {steps: [5]}}\n", "help: write `- {weight: 5}`; its fields: `weight`, `pause`"),
        ("loadBalancer: internal\n", "`loadBalancer` must be `none` or a mapping, not `internal`"),
        ("loadBalancer: internal\n", "help: fields of the mapping: "),
        (
            "strategy: {canary: {steps: [{pause: {duration: 3m}}]}}\n",
            "help: it takes no fields; `amiable explain 'strategy.canary.steps[].pause'` shows what it takes",
        ),
    ] {
        let head = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: web}\nspec:\n";
        let text = format!("{head}  instanceType: t3.small\n  {spec}environments: {{prod: {{}}}}\n");
        let said = told(fleet(&[("web.yaml", &text)]));
        assert!(said.contains(wanted), "{spec}{said}");
    }
    let text = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: web}\nspec: {}\nenvironments: [prod, test]\n";
    let said = told(fleet(&[("web.yaml", text)]));
    assert!(said.contains("help: write `environments: {prod: {}, test: {}}`"), "{said}");
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
