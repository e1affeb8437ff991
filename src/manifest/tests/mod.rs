//! The mistakes that people make, and what they are told.

mod contradictions;
mod junk;
mod layers;
mod yaml;

use std::path::{Path, PathBuf};

use crate::manifest::diagnostic::format::{Format, render};
use crate::manifest::diagnostic::{Code, Diagnostics};
use crate::manifest::fleet::{Fleet, load, load_texts};
use crate::manifest::read::node::Layer;
use crate::model::names::EnvironmentName;
use crate::model::spec::LoadBalancer;
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
