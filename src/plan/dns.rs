//! The name that leads to an app: the new one first, and then an earlier one goes.
//!
//! A record is the app's own when a tag of its groups names it and it leads to the app's load balancer. Whatever else leads
//! there, such as a name that somebody made by hand, is left alone.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::handover::{self, Holder, Promise};
use super::picture::Picture;
use super::release::{Release, Turn};
use super::resolve::Wanted;
use super::resolve::dns::{leads_to, plain, records};
use crate::model::action::{Action, Tags};
use crate::model::names::AppName;
use crate::model::observed::{DnsRecord, Group, LoadBalancer, Zone};
use crate::model::plan::{Effect, FieldChange};
use crate::model::tags::keys;

/// The names that the app has, or had and has not yet given up.
pub(super) fn names<'a>(wanted: &Wanted<'_>, picture: &Picture<'a>) -> BTreeSet<String> {
    let tagged = picture.groups.iter().filter_map(|group| group.owner.dns.as_deref());
    tagged.chain(wanted.spec.dns.as_ref().map(|dns| dns.name.as_str())).map(plain).collect()
}

/// The records of the app's own with one of these names.
pub(super) fn own_records<'a>(
    draft: &Draft<'a>,
    names: &BTreeSet<String>,
    balancer: &LoadBalancer,
) -> Vec<&'a DnsRecord> {
    let mut records = draft.index.records(names);
    records.retain(|record| leads_to(record, balancer));
    records
}

/// Done when the name leads to the load balancer, and no earlier one does. Neither what could not be read of it nor a change
/// that AWS refuses keeps anybody from watching what has the traffic.
pub(super) fn dns<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    if let Some(why) = release.wanted.zone_unread() {
        return Turn::Later(why.to_owned());
    }
    let Some(zone) = release.wanted.zone() else { return Turn::Done };
    let Some(balancer) = release.picture.front.as_ref().and_then(|front| front.balancer) else {
        return Turn::Here(None);
    };
    let before = draft.plan.actions.len();
    new_name(draft, release, zone, balancer);
    // A new name that AWS does not take must not cost the app the one that it has.
    if draft.plan.actions[before..].iter().any(|planned| draft.has_given_up(&planned.action)) {
        return Turn::Beside;
    }
    old_names(draft, release, zone, balancer);
    tag(draft, release, balancer);
    if draft.plan.actions.len() == before { Turn::Done } else { Turn::Beside }
}

/// Whether the name leads to the load balancer already and no earlier one does, so that a release changes nothing about it.
pub(super) fn is_settled(draft: &Draft<'_>, release: &Release<'_, '_>) -> bool {
    let balancer = release.picture.front.as_ref().and_then(|front| front.balancer);
    let (Some(dns), Some(_), Some(balancer)) = (&release.wanted.spec.dns, release.wanted.zone(), balancer) else {
        return false;
    };
    let names = names(release.wanted, release.picture);
    let found = own_records(draft, &names, balancer);
    let wanted = records(dns, &release.wanted.spec.load_balancer, balancer);
    names.len() == 1 && found.len() == wanted.len() && wanted.iter().all(|record| found.contains(&record))
}

/// Whether the name leads to what has the traffic as the manifest says. Before a shift it need not yet.
pub(super) fn is_as_wanted(draft: &Draft<'_>, release: &Release<'_, '_>) -> bool {
    let zone = release.wanted.zone().filter(|_| release.is_shifted());
    let (Some(_), Some(balancer)) = (zone, release.picture.front.as_ref().and_then(|front| front.balancer)) else {
        return true;
    };
    let leads_here = |name: &String| !own_records(draft, &BTreeSet::from([name.clone()]), balancer).is_empty();
    let Some(dns) = &release.wanted.spec.dns else {
        // A name that is given up counts as long as it leads here, unless another app is to take it over.
        let own = |name: &&String| !is_of_another(draft, name);
        return !names(release.wanted, release.picture).iter().filter(own).any(leads_here);
    };
    let wanted = records(dns, &release.wanted.spec.load_balancer, balancer);
    let found = own_records(draft, &BTreeSet::from([plain(&dns.name)]), balancer);
    let has = differences(&found, &wanted);
    has.iter().all(|change| is_drift(release) && release.wanted.ignores(&change.path))
}

fn new_name<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, zone: &Zone, balancer: &LoadBalancer) {
    let Some(dns) = &release.wanted.spec.dns else { return };
    let wanted = records(dns, &release.wanted.spec.load_balancer, balancer);
    let found = own_records(draft, &BTreeSet::from([plain(&dns.name)]), balancer);
    let differences = differences(&found, &wanted);
    let drifted = is_recorded(release) && is_drift(release);
    let ignored = |path: &str| drifted && release.wanted.ignores(path);
    let (left, changed): (Vec<_>, Vec<_>) = differences.into_iter().partition(|change| ignored(&change.path));
    if changed.is_empty() {
        return;
    }
    let upsert: Vec<DnsRecord> = wanted
        .into_iter()
        .map(|record| keeping(record, &left, &found))
        .filter(|record| !found.contains(&record))
        .collect();
    // What another app gives up is overwritten, and goes in the same batch where it is of another type.
    let mut given_up = draft.index.records([&plain(&dns.name)]);
    given_up
        .retain(|record| !leads_to(record, balancer) && matches!(handover::holder(draft, record), Holder::GivesUp(_)));
    let delete: Vec<DnsRecord> =
        found.iter().copied().chain(given_up).filter(|found| is_in_the_way(found, dns, release)).cloned().collect();
    if upsert.is_empty() && delete.is_empty() {
        return;
    }
    if is_recorded(release) {
        if drifted {
            draft.plan.drift.extend(changed);
        } else {
            draft.plan.fields.extend(changed);
        }
    }
    let (zone_id, name) = (zone.id.clone(), plain(&dns.name));
    let why = format!("{name} leads to {}", balancer.name);
    draft.act(Action::ChangeDns { zone_id, name, delete, upsert }, why, Vec::new());
}

/// Records of ours under the wanted name that are not wanted any more: of another type, or for IPv6.
fn is_in_the_way(found: &DnsRecord, dns: &crate::model::spec::Dns, release: &Release<'_, '_>) -> bool {
    let Some(balancer) = release.picture.front.as_ref().and_then(|front| front.balancer) else { return false };
    let wanted = records(dns, &release.wanted.spec.load_balancer, balancer);
    wanted.iter().all(|record| record.kind != found.kind)
}

/// A record with what is to be left alone of the one that is there.
fn keeping(mut record: DnsRecord, left: &[FieldChange], found: &[&DnsRecord]) -> DnsRecord {
    let Some(has) = found.iter().find(|found| found.kind == record.kind) else { return record };
    if left.iter().any(|change| change.path == "dns.ttl") {
        record.ttl = has.ttl;
    }
    if left.iter().any(|change| change.path == "dns.evaluateTargetHealth")
        && let (Some(alias), Some(has)) = (&mut record.alias, &has.alias)
    {
        alias.evaluate_target_health = has.evaluate_target_health;
    }
    record
}

/// What differs between the records that are there and those that should be.
fn differences(found: &[&DnsRecord], wanted: &[DnsRecord]) -> Vec<FieldChange> {
    let Some(first) = wanted.first() else { return Vec::new() };
    let of = |kind: &str| found.iter().find(|record| record.kind == kind);
    let kind = |record: &DnsRecord| if record.alias.is_some() { "alias" } else { "CNAME" };
    let mut all = Vec::new();
    let mut add = |path: &str, before: Option<String>, after: String| {
        if before.as_ref() != Some(&after) {
            all.push(FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::InPlace });
        }
    };
    let Some(any) = found.iter().find(|record| record.kind != "AAAA").or(found.first()) else {
        add("dns.name", None, first.name.clone());
        return all;
    };
    add("dns.type", Some(kind(any).to_owned()), kind(first).to_owned());
    if let Some(has) = of(&first.kind) {
        let seconds = |record: &DnsRecord| {
            record
                .ttl
                .map(|ttl| crate::model::time::Span::seconds(ttl).to_string())
                .unwrap_or_else(|| "none".to_owned())
        };
        add("dns.ttl", Some(seconds(has)), seconds(first));
        let heeds =
            |record: &DnsRecord| record.alias.as_ref().is_some_and(|alias| alias.evaluate_target_health).to_string();
        add("dns.evaluateTargetHealth", Some(heeds(has)), heeds(first));
    } else if kind(any) == kind(first) {
        add("dns.name", None, first.name.clone());
    }
    let wanted_six = wanted.iter().any(|record| record.kind == "AAAA");
    add("dns.ipv6", Some(of("AAAA").is_some().to_string()), wanted_six.to_string());
    if let (Some(has), Some(six)) = (of("AAAA"), wanted.iter().find(|record| record.kind == "AAAA")) {
        let heeds = |record: &DnsRecord| record.alias.as_ref().is_some_and(|alias| alias.evaluate_target_health);
        if heeds(has) != heeds(six) {
            add("dns.evaluateTargetHealth", Some(heeds(has).to_string()), heeds(six).to_string());
        }
    }
    all
}

/// Earlier names of the app go, once the new one is there.
fn old_names<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, zone: &Zone, balancer: &LoadBalancer) {
    let now = release.wanted.spec.dns.as_ref().map(|dns| plain(&dns.name));
    let mut names = names(release.wanted, release.picture);
    names.retain(|name| Some(name) != now.as_ref());
    for (name, heir) in handed_over(draft, release, balancer) {
        names.remove(&name);
        draft.promised.push(Promise { name, heir: heir.clone(), cleanup: true });
    }
    names.retain(|name| !is_of_another(draft, name));
    let old = own_records(draft, &names, balancer);
    let Some(first) = old.first() else { return };
    let name = first.name.clone();
    if is_recorded(release) && now.is_none() {
        let change = FieldChange {
            path: "dns.name".to_owned(),
            before: Some(name.clone()),
            after: Some("none".to_owned()),
            effect: Effect::InPlace,
        };
        draft.plan.fields.push(change);
    }
    let why = match &now {
        Some(now) => format!("the app is called {now} now"),
        None => "the manifest has no name any more".to_owned(),
    };
    let delete = old.into_iter().cloned().collect();
    draft.act(Action::ChangeDns { zone_id: zone.id.clone(), name, delete, upsert: Vec::new() }, why, Vec::new());
}

/// The names that another app is to have, and has not yet; the records lead here until then.
fn handed_over<'a>(
    draft: &Draft<'a>,
    release: &Release<'a, '_>,
    balancer: &LoadBalancer,
) -> Vec<(String, &'a AppName)> {
    let names = names(release.wanted, release.picture).into_iter();
    let is_here = |name: &String| !own_records(draft, &BTreeSet::from([name.clone()]), balancer).is_empty();
    names.filter(is_here).filter_map(|name| Some((name.clone(), handover::promised(draft, &name, balancer)?))).collect()
}

/// Whether the manifest of another app asks for a name: its record is not this app's to delete.
pub(super) fn is_of_another(draft: &Draft<'_>, name: &str) -> bool {
    draft.index.claiming(name).iter().any(|other| **other != draft.scope.app)
}

/// The tags that tell which records are ours. An earlier name stays in them until its record is gone, or is another app's.
fn tag<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, balancer: &LoadBalancer) {
    let now = release.wanted.spec.dns.as_ref().map(|dns| plain(&dns.name));
    let handed_over = handed_over(draft, release, balancer);
    let is_handed_over = |group: &&&Group| {
        let name = group.owner.dns.as_deref().map(plain);
        handed_over.iter().any(|(each, _)| Some(each) == name.as_ref())
    };
    for group in release.picture.groups.iter().filter(|group| !is_handed_over(group)) {
        let is_target = release.target.is_some_and(|target| target.name == group.name);
        let fits = group.owner.dns.as_deref().map(plain) == now;
        match &now {
            _ if fits || !is_target && group.owner.dns.is_none() => {}
            Some(now) => {
                let tag = Tags::from([(keys::DNS.to_owned(), now.clone())]);
                draft.tag_group(&group.name, tag, "this is its name now");
            }
            None => {
                let keys = vec![keys::DNS.to_owned()];
                draft.act(Action::UntagGroup { name: group.name.clone(), keys }, "it has no name any more", Vec::new());
            }
        }
    }
}

fn is_recorded(release: &Release<'_, '_>) -> bool {
    release.target.is_some_and(|target| !super::record::is_due(release, target))
}

fn is_drift(release: &Release<'_, '_>) -> bool {
    release.target.is_some_and(|target| release.wanted.has_applied(target))
}
