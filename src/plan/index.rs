//! What was observed and what is wanted, by app, by name and by ARN. It is made once for each plan, in one walk over the fleet,
//! so that nothing that is told of one app walks over all of them again.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::resolve::dns::plain;
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::{AppName, Scope};
use crate::model::observed::{DnsRecord, Group, LaunchTemplate, LoadBalancer, Observed, Problem, Read};

/// What was observed and what is wanted, by what the planner asks for. Lists are in the order in which a walk over all of them
/// finds their members.
pub(super) struct Index<'a> {
    observed: &'a Observed,
    groups: BTreeMap<&'a AppName, Vec<&'a Group>>,
    templates: BTreeMap<&'a AppName, Vec<&'a LaunchTemplate>>,
    /// The place of the first problem that names an app in its tag.
    problems: BTreeMap<&'a AppName, usize>,
    /// The place of the first problem by what its name begins with, up to a `-v`.
    named_problems: BTreeMap<&'a str, usize>,
    /// Load balancers by ARN.
    balancers: BTreeMap<&'a str, &'a LoadBalancer>,
    /// The places of the records of a DNS name.
    records: BTreeMap<&'a str, Vec<usize>>,
    /// Groups by the DNS name in their tag.
    dns_names: BTreeMap<String, Vec<&'a Group>>,
    /// Apps by the DNS name that their manifest asks for, but for those that are to be destroyed.
    claims: BTreeMap<String, Vec<&'a AppName>>,
    /// The DNS names of all load balancers. Few plans ask for them.
    balancer_names: OnceCell<BTreeSet<String>>,
    /// The names of target groups by ARN. Few plans ask for them.
    target_group_names: OnceCell<BTreeMap<String, String>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(desired: Option<&'a Desired>, observed: &'a Observed) -> Self {
        let groups = || known(&observed.groups);
        let named = groups().filter_map(|group| Some((plain(group.owner.dns.as_deref()?), group)));
        let records = observed.zone.iter().filter_map(Read::known).flat_map(|zone| &zone.records).enumerate();
        let problems = || observed.problems.iter().enumerate().rev();
        let stays = desired.into_iter().flat_map(|desired| desired.apps.values()).filter(|app| !app.spec.destroy);
        Self {
            observed,
            groups: listed(groups().map(|group| (&group.owner.app, group))),
            templates: listed(known(&observed.launch_templates).map(|template| (&template.owner.app, template))),
            problems: problems().filter_map(|(place, problem)| Some((problem.app.as_ref()?, place))).collect(),
            named_problems: problems()
                .flat_map(|(place, problem)| problem.bases().map(move |base| (base, place)))
                .collect(),
            balancers: known(&observed.load_balancers)
                .rev()
                .map(|balancer| (balancer.arn.as_str(), balancer))
                .collect(),
            records: listed(records.map(|(place, record)| (record.name.as_str(), place))),
            dns_names: listed(named),
            claims: listed(stays.filter_map(|app| Some((claim(app)?, &app.scope.app)))),
            balancer_names: OnceCell::new(),
            target_group_names: OnceCell::new(),
        }
    }

    /// The groups whose tags name an app, by name. Nothing where groups could not be read.
    pub(super) fn groups(&self, app: &AppName) -> &[&'a Group] {
        self.groups.get(app).map_or(&[], Vec::as_slice)
    }

    /// The launch templates whose tags name an app, by name. Nothing where launch templates could not be read.
    pub(super) fn templates(&self, app: &AppName) -> &[&'a LaunchTemplate] {
        self.templates.get(app).map_or(&[], Vec::as_slice)
    }

    /// The first of the problems that concern an app ([`Problem::concerns`]).
    pub(super) fn problem(&self, scope: &Scope) -> Option<&'a Problem> {
        if self.observed.problems.is_empty() {
            return None;
        }
        let by_tag = self.problems.get(&scope.app);
        let place = by_tag.into_iter().chain(self.named_problems.get(scope.base().as_str())).min()?;
        self.observed.problems.get(*place)
    }

    /// The load balancer with an ARN.
    pub(super) fn balancer(&self, arn: &str) -> Option<&'a LoadBalancer> {
        self.balancers.get(arn).copied()
    }

    /// The records of the hosted zone with one of these names.
    pub(super) fn records<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Vec<&'a DnsRecord> {
        let Some(Read::Known(zone)) = &self.observed.zone else { return Vec::new() };
        let mut places: Vec<usize> =
            names.into_iter().filter_map(|name| self.records.get(name.as_str())).flatten().copied().collect();
        places.sort_unstable();
        places.into_iter().filter_map(|place| zone.records.get(place)).collect()
    }

    /// The groups of all apps whose tags have this DNS name.
    pub(super) fn with_dns_name(&self, name: &str) -> &[&'a Group] {
        self.dns_names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The apps, but for those that are to be destroyed, whose manifests ask for this DNS name.
    pub(super) fn claiming(&self, name: &str) -> &[&'a AppName] {
        self.claims.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a load balancer has this DNS name; nothing where load balancers could not be read.
    pub(super) fn has_balancer_named(&self, dns_name: &str) -> Option<bool> {
        let all = self.observed.load_balancers.known()?;
        let names = self.balancer_names.get_or_init(|| all.values().map(|one| plain(&one.dns_name)).collect());
        Some(names.contains(dns_name))
    }

    /// The name of the target group with an ARN.
    pub(super) fn target_group_name(&self, arn: &str) -> Option<&str> {
        let all = || known(&self.observed.target_groups).rev().map(|group| (group.arn.clone(), group.name.clone()));
        self.target_group_names.get_or_init(|| all().collect()).get(arn).map(String::as_str)
    }
}

/// The DNS name that an app's manifest asks for.
fn claim(app: &DesiredApp) -> Option<String> {
    app.spec.dns.as_ref().map(|dns| plain(&dns.name))
}

/// What is known of a list; nothing where it could not be read.
fn known<T>(read: &Read<BTreeMap<String, T>>) -> impl DoubleEndedIterator<Item = &T> {
    read.known().into_iter().flat_map(BTreeMap::values)
}

fn listed<K: Ord, V>(all: impl Iterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut lists: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in all {
        lists.entry(key).or_default().push(value);
    }
    lists
}
