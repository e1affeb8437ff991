//! Where an app answers: its own names or, where it has none, the DNS name of its load balancer, as URLs.

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::resolve::dns::plain;
use crate::model::plan::Answers;
use crate::model::spec::{AppSpec, LoadBalancer, Scheme};

/// The most URLs that are told of one app.
const MOST: usize = 8;

/// Tells where an app answers, by its manifest if it has one. A worker answers nobody.
pub(super) fn tell(draft: &mut Draft<'_>, spec: Option<&AppSpec>, picture: &Picture<'_>) {
    let Some(front) = &picture.front else { return };
    let balancer = front.balancer.map(|balancer| plain(&balancer.dns_name));
    let tagged = picture.groups.iter().rev().find_map(|group| group.owner.dns.as_deref()).map(plain);
    let own_name = match spec {
        Some(spec) => spec.dns.as_ref().map(|dns| plain(&dns.name)),
        None => tagged,
    };
    let (ports, hosts, path) = match spec.map(|spec| &spec.load_balancer) {
        Some(LoadBalancer::None) => return,
        Some(LoadBalancer::Shared(shared)) => (ports(front), certain(&shared.hosts), path(&shared.paths)),
        Some(LoadBalancer::Own(own)) if front.listeners.is_empty() => {
            let listeners = own.listeners.iter().filter(|listener| listener.redirect.is_none());
            (listeners.map(|it| (it.protocol.as_str().to_owned(), it.port)).collect(), Vec::new(), String::new())
        }
        Some(LoadBalancer::Own(_)) => (ports(front), Vec::new(), String::new()),
        // Without a manifest the rule that leads to it says for which hosts and paths.
        None => {
            let conditions = front.rule.map(|rule| &rule.conditions);
            let hosts = conditions.map_or_else(Vec::new, |it| certain(&it.hosts));
            (ports(front), hosts, conditions.map_or_else(String::new, |it| path(&it.paths)))
        }
    };
    let hosts = if hosts.is_empty() { own_name.or_else(|| balancer.clone()).into_iter().collect() } else { hosts };
    let urls = hosts.iter().flat_map(|host| ports.iter().map(|(protocol, port)| url(protocol, host, *port, &path)));
    let wants_internal = |spec: &AppSpec| match &spec.load_balancer {
        LoadBalancer::Own(own) => own.scheme == Scheme::Internal,
        LoadBalancer::Shared(_) | LoadBalancer::None => false,
    };
    let internal = match front.balancer {
        Some(balancer) => balancer.scheme == "internal",
        None => spec.is_some_and(wants_internal),
    };
    draft.plan.answers = Some(Answers { load_balancer: balancer, internal, urls: urls.take(MOST).collect() });
}

/// Protocol and port of the listeners that lead to the app, but for those that only send clients elsewhere.
fn ports(front: &Front<'_>) -> Vec<(String, u16)> {
    // What a shared listener does by default says nothing about the app's rule on it.
    let own = front.listeners.values().copied().filter(|it| it.redirect.is_none());
    own.chain(front.shared).map(|it| (it.protocol.clone(), it.port)).collect()
}

/// The hosts that are names; a pattern is none.
fn certain(hosts: &[String]) -> Vec<String> {
    hosts.iter().filter(|host| !host.contains(['*', '?'])).cloned().collect()
}

/// The part of the paths that is certain: `/api/` of `/api/*`.
fn path(paths: &[String]) -> String {
    let Some(first) = paths.first() else { return String::new() };
    first.split(['*', '?']).next().unwrap_or_default().to_owned()
}

fn url(protocol: &str, host: &str, port: u16, path: &str) -> String {
    let scheme = protocol.to_lowercase();
    match (scheme.as_str(), port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}{path}"),
        _ => format!("{scheme}://{host}:{port}{path}"),
    }
}
