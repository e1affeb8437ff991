//! Load balancing: target groups, load balancers, listeners, rules, and where they forward to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::conditions::Conditions;
use crate::model::target_check::TargetCheck;

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The protocol its targets speak.
    pub protocol: String,
    /// The port on which they serve.
    pub port: u16,
    /// The VPC.
    pub vpc_id: String,
    /// Load balancers that use it.
    pub load_balancer_arns: Vec<String>,
    /// How targets are checked.
    pub check: TargetCheck,
}

/// Attributes of a load balancer or target group, as AWS names and writes them.
pub type Attributes = BTreeMap<String, String>;

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `application` or another type.
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Its own DNS name.
    pub dns_name: String,
    /// The hosted zone of that name, which an alias record needs.
    pub hosted_zone_id: String,
    /// `provisioning`, `active`, `active_impaired` or `failed`.
    pub state: String,
    /// The VPC.
    pub vpc_id: String,
    /// Its security groups, sorted.
    pub security_group_ids: Vec<String>,
    /// Its subnets, sorted.
    pub subnet_ids: Vec<String>,
    /// The availability zone of each of its subnets.
    pub zones: BTreeMap<String, String>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: String,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// The load balancer it belongs to.
    pub load_balancer_arn: String,
    /// The port.
    pub port: u16,
    /// `HTTP`, `HTTPS` …
    pub protocol: String,
    /// The ARN of its default certificate; only with HTTPS.
    pub certificate_arn: Option<String>,
    /// The security policy; only with HTTPS and TLS.
    pub ssl_policy: Option<String>,
    /// Where its default action forwards to; empty when it does something else.
    pub forward: Forward,
    /// Where its default action sends clients, when it does that.
    pub redirect: Option<Redirect>,
    /// What its default action answers instead of forwarding, in words: `fixed response 503`, `redirect 302 …`.
    pub instead: Option<String>,
}

/// Where a listener sends clients, as AWS writes it: `#{host}`, `/#{path}` and `#{query}` stand for what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: String,
    /// A port or `#{port}`.
    pub port: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query.
    pub query: String,
    /// `HTTP_301` or `HTTP_302`.
    pub status: String,
}

impl fmt::Display for Redirect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let status = self.status.trim_start_matches("HTTP_");
        write!(out, "{} {}://{}:{}{}{query}", status, self.protocol, self.host, self.port, self.path)
    }
}

/// A rule of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN.
    pub arn: String,
    /// Its place; `None` for the default rule.
    pub priority: Option<u32>,
    /// When it applies.
    pub conditions: Conditions,
    /// Whether it has conditions of other kinds, which are nobody's of ours.
    pub other_conditions: bool,
    /// Where it forwards to; empty when it does something else.
    pub forward: Forward,
    /// What it answers instead of forwarding, in words: `fixed response 503`, `redirect 302 …`.
    pub instead: Option<String>,
}

impl Rule {
    /// The listener it belongs to, which AWS tells only through the rule's ARN: `…:listener-rule/app/name/lb/listener/rule`
    /// is a rule of `…:listener/app/name/lb/listener`. Nothing when its ARN is of another form.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html>
    pub fn listener_arn(&self) -> Option<String> {
        let (account, path) = self.arn.split_once(":listener-rule/")?;
        let (listener, rule) = path.rsplit_once('/')?;
        let is_whole = !rule.is_empty() && listener.split('/').filter(|part| !part.is_empty()).count() == 4;
        is_whole.then(|| format!("{account}:listener/{listener}"))
    }
}

/// A weighted forward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// Target group ARN to weight, 0 to 999.
    pub weights: BTreeMap<String, u32>,
    /// For how many seconds a client stays with the target group that answered it first, 1 to 604800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<u32>,
}

impl Forward {
    /// A forward with these weights, in which clients may go to another target group with every request.
    pub fn new(weights: BTreeMap<String, u32>) -> Self {
        Self { weights, stickiness: None }
    }

    /// The weight of a target group; 0 when it is not named.
    pub fn weight(&self, target_group_arn: &str) -> u32 {
        self.weights.get(target_group_arn).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_tells_its_listener_by_its_arn() {
        let of = |arn: &str| {
            let rule = Rule {
                arn: arn.to_owned(),
                priority: None,
                conditions: Conditions::default(),
                other_conditions: false,
                forward: Forward::default(),
                instead: None,
            };
            rule.listener_arn()
        };
        let elb = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
        assert_eq!(
            of(&format!("{elb}:listener-rule/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee")),
            Some(format!("{elb}:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"))
        );
        for other in [
            "",
            "listener-rule/app",
            "listener-rule/app/shared/1/2",
            "listener-rule/app/shared/1/2/",
            "listener/app/a/1/2",
        ] {
            assert_eq!(of(&format!("{elb}:{other}")), None, "{other}");
        }
    }
}
