//! Manifests together: layers, names, environments.

use super::*;

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
fn what_init_left_open_is_doubtful() {
    let environment = ENVIRONMENT.replace("123456789012", "000000000000");
    let app = format!("{APP}environments: {{prod: {{}}}}\n").replace("ami-0a1b2c3d", "ami-00000000000000000");
    let told = fleet(&[("web.yaml", &app), ("prod.yaml", &environment)]).unwrap().warnings;
    let codes: Vec<&str> = told.iter().map(|finding| finding.code.as_str()).collect();
    assert!(codes.iter().filter(|code| **code == "placeholder").count() == 2, "{told}");
}
