//! The text of a first manifest.

use crate::manifest::diagnostic::quoted;
use crate::manifest::read::yaml::inline_text;
use crate::model::names::{AppName, EnvironmentName};
use crate::model::spec::{HealthCheck, Instances, Protocol};

/// What is known of a new app. What is not given is left to the defaults.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// Its name.
    pub name: AppName,
    /// Where it is deployed to first.
    pub environment: EnvironmentName,
    /// The path of its health check.
    pub health_check_path: Option<String>,
    /// The port on which it serves.
    pub port: Option<u16>,
    /// The protocol that it speaks.
    pub protocol: Option<Protocol>,
    /// Its image.
    pub image: Option<String>,
    /// Its instance type.
    pub instance_type: Option<String>,
    /// The fewest instances.
    pub min_instances: Option<u32>,
    /// The most instances.
    pub max_instances: Option<u32>,
}

/// Stands where an image has to be filled in. It has the form of an image's id, and no image has it.
pub const PLACEHOLDER_IMAGE: &str = "ami-00000000000000000";

/// What a health check's address says, in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The path, with what follows it.
    pub path: Option<String>,
    /// The port, if the URL names one.
    pub port: Option<u16>,
    /// The protocol, if it is a URL.
    pub protocol: Option<Protocol>,
}

/// The path of a health check, or what a URL of one says about it; its host does not matter, for every instance is asked.
///
/// # Errors
/// Why it is neither.
pub fn health_check_of(text: &str) -> Result<Address, String> {
    if text.starts_with('/') {
        return Ok(Address { path: Some(text.to_owned()), ..Address::default() });
    }
    let told = || format!("{} is neither a path such as /health_check nor a URL", quoted(text));
    let (scheme, rest) = text.split_once("://").ok_or_else(told)?;
    let protocol = [Protocol::Http, Protocol::Https].into_iter().find(|one| one.as_str().eq_ignore_ascii_case(scheme));
    let protocol = Some(protocol.ok_or_else(told)?);
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, "/"), |at| rest.split_at(at));
    let path = path.split('#').next().unwrap_or_default();
    let path = Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") });
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.rsplit_once(':').filter(|_| !host.ends_with(']')) {
        Some((_, port)) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(told)?),
        None => None,
    };
    Ok(Address { path, port, protocol })
}

/// The manifest of an app. What equals a built-in default is left out.
pub fn app(new: &NewApp) -> String {
    let image = match &new.image {
        Some(image) => format!("  image: {{id: {}}}\n", inline_text(image)),
        None => format!("  # Replace this with the id of your image.\n  image: {{id: {PLACEHOLDER_IMAGE}}}\n"),
    };
    let instance_type = inline_text(new.instance_type.as_deref().unwrap_or("t3.small"));
    format!(
        "apiVersion: amiable/v1\nkind: App\nmetadata:\n  name: {}\nspec:\n{image}  instanceType: {instance_type}\n{}{}environments:\n  {}: {{}}\n",
        new.name,
        instances(new),
        health_check(new),
        new.environment,
    )
}

fn instances(new: &NewApp) -> String {
    let default = Instances::default();
    // One of the two alone moves the other where they would contradict each other.
    let min = new.min_instances.unwrap_or_else(|| default.min.min(new.max_instances.unwrap_or(default.min)));
    let max = new.max_instances.unwrap_or_else(|| default.max.max(min));
    let parts = [("min", min, default.min), ("max", max, default.max)];
    let parts: Vec<_> = parts.iter().filter(|(_, value, default)| value != default).collect();
    line("instances", parts.iter().map(|(name, value, _)| format!("{name}: {value}")).collect())
}

fn health_check(new: &NewApp) -> String {
    let default = HealthCheck::default();
    let mut parts = Vec::new();
    if let Some(protocol) = new.protocol.filter(|protocol| *protocol != default.protocol) {
        parts.push(format!("protocol: {}", protocol.as_str()));
    }
    if let Some(port) = new.port.filter(|port| *port != default.port) {
        parts.push(format!("port: {port}"));
    }
    if let Some(path) = new.health_check_path.as_ref().filter(|path| **path != default.path) {
        parts.push(format!("path: {}", inline_text(path)));
    }
    line("healthCheck", parts)
}

fn line(name: &str, parts: Vec<String>) -> String {
    if parts.is_empty() { String::new() } else { format!("  {name}: {{{}}}\n", parts.join(", ")) }
}

/// Stands where an account has to be filled in.
pub const PLACEHOLDER_ACCOUNT: &str = "000000000000";

/// The manifest of an environment, with comments for who fills it in.
pub fn environment(name: &EnvironmentName, account: Option<&str>, region: Option<&str>) -> String {
    let account = account.unwrap_or(PLACEHOLDER_ACCOUNT);
    let region = inline_text(region.unwrap_or("us-west-2"));
    format!(
        "# What the platform team decides for all apps in `{name}`. Replace the ids by those of your account.
apiVersion: amiable/v1
kind: Environment
metadata:
  name: {name}
spec:
  region: {region}
  # Credentials of any other account are refused.
  accountId: \"{account}\"
  network:
    vpcId: vpc-00000000000000000
    # At least two, in different availability zones, for apps with a load balancer of their own.
    subnetIds: [subnet-00000000000000001, subnet-00000000000000002]
  # Of the instances, and of the load balancers of apps that have their own.
  securityGroupIds: [sg-00000000000000000]
  # The hosted zone for the DNS names of apps, by its name or its id:
  # dnsZone: internal.example.com
  # Load balancers that apps may share:
  # listeners: {{https: arn:aws:elasticloadbalancing:…:listener/app/…}}
  # Any field of an app's spec, for apps that do not set it:
  # defaults: {{}}
"
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::manifest::fleet::load_texts;

    fn new() -> NewApp {
        NewApp {
            name: "hello-world".parse().unwrap(),
            environment: "test".parse().unwrap(),
            health_check_path: None,
            port: None,
            protocol: None,
            image: None,
            instance_type: None,
            min_instances: None,
            max_instances: None,
        }
    }

    fn check(new: &NewApp) {
        let environment = environment(&new.environment, Some("123456789012"), None);
        let texts = [("app.yaml", app(new)), ("environment.yaml", environment)];
        let texts = texts.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect();
        let fleet = load_texts(texts).unwrap_or_else(|findings| panic!("{findings}"));
        let told: Vec<&str> = fleet.warnings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(told, if new.image.is_some() { vec![] } else { vec!["placeholder"] });
    }

    #[test]
    fn the_least_is_short_and_valid() {
        insta::assert_snapshot!(app(&new()), @"
        apiVersion: amiable/v1
        kind: App
        metadata:
          name: hello-world
        spec:
          # Replace this with the id of your image.
          image: {id: ami-00000000000000000}
          instanceType: t3.small
        environments:
          test: {}
        ");
        check(&new());
    }

    #[test]
    fn what_equals_a_default_is_left_out_and_the_rest_is_there() {
        let new = NewApp {
            health_check_path: Some("/health_check".into()),
            port: Some(80),
            protocol: Some(Protocol::Http),
            image: Some("ami-0123456789abcdef0".into()),
            instance_type: Some("c4.2xlarge".into()),
            min_instances: Some(2),
            max_instances: Some(4),
            ..new()
        };
        insta::assert_snapshot!(app(&new), @"
        apiVersion: amiable/v1
        kind: App
        metadata:
          name: hello-world
        spec:
          image: {id: ami-0123456789abcdef0}
          instanceType: c4.2xlarge
          instances: {max: 4}
          healthCheck: {path: /health_check}
        environments:
          test: {}
        ");
        check(&new);
    }

    #[test]
    fn of_a_url_the_path_the_port_and_the_protocol_are_taken() {
        let address = |path: &str, port, protocol| Ok(Address { path: Some(path.to_owned()), port, protocol });
        let (http, https) = (Some(Protocol::Http), Some(Protocol::Https));
        assert_eq!(health_check_of("/health?x=1"), address("/health?x=1", None, None));
        assert_eq!(health_check_of("http://x/health"), address("/health", None, http));
        assert_eq!(health_check_of("http://x:8080"), address("/", Some(8080), http));
        assert_eq!(health_check_of("HTTPS://x.example.com/a#b"), address("/a", None, https));
        assert_eq!(health_check_of("https://[::1]:8443/?a=b"), address("/?a=b", Some(8443), https));
        for wrong in ["health", "ftp://x/y", "http://x:0/", "http://x:port/"] {
            assert!(health_check_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_number_of_instances_alone_makes_no_contradiction() {
        check(&NewApp { min_instances: Some(5), ..new() });
        check(&NewApp { max_instances: Some(1), ..new() });
        check(&NewApp { port: Some(8443), protocol: Some(Protocol::Https), ..new() });
    }
}
