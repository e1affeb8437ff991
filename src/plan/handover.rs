//! DNS names that go from one app to another: an app was renamed, or two apps swap their names. There is no moment in which
//! such a name leads nowhere: whoever has it keeps its record until the record of whoever is to have it takes its place.

use super::draft::Draft;
use super::resolve::dns::{leads_to, plain};
use crate::model::names::{AppName, Scope};
use crate::model::observed::{DnsRecord, Group, LoadBalancer, Read};

/// To whom a record belongs that is not the app's own.
pub(super) enum Holder<'a> {
    /// Another app of this environment, which gives the name up.
    GivesUp(&'a AppName),
    /// Another app of this environment, which keeps the name: why.
    Keeps(&'a AppName, &'static str),
    /// Nobody whom Amiable knows.
    Stranger,
}

/// Who has a record under the app's name that leads to something else than its own load balancer.
pub(super) fn holder<'a>(draft: &Draft<'a>, record: &DnsRecord) -> Holder<'a> {
    let (Some(desired), Read::Known(groups)) = (draft.desired, &draft.observed.groups) else { return Holder::Stranger };
    let named = |group: &&&'a Group| {
        let owner = &group.owner;
        owner.app != draft.scope.app && owner.dns.as_deref().map(plain).as_ref() == Some(&record.name)
    };
    let leads_there = |group: &&&'a Group| balancer(draft, group).is_some_and(|balancer| leads_to(record, balancer));
    let groups: Vec<&'a Group> = groups.values().collect();
    let Some(app) = groups.iter().filter(named).find(leads_there).map(|group| &group.owner.app) else {
        return Holder::Stranger;
    };
    match desired.apps.get(app) {
        Some(other) if !other.spec.destroy && claims(other, &record.name) => {
            Holder::Keeps(app, "its manifest asks for the same name")
        }
        None if desired.left_out.apps.contains(app) || desired.left_out.unseen => {
            Holder::Keeps(app, "its manifest has errors, so that nobody can tell whether it gives the name up")
        }
        _ => Holder::GivesUp(app),
    }
}

/// The app that is to have a name which this one gives up, as long as its record has not taken the place of this one's.
pub(super) fn promised<'a>(draft: &Draft<'a>, name: &str, own: &LoadBalancer) -> Option<&'a AppName> {
    let desired = draft.desired?;
    let others = desired.apps.values().filter(|other| other.scope.app != draft.scope.app && !other.spec.destroy);
    let heir = others.filter(|other| claims(other, name)).map(|other| &other.scope.app).next()?;
    // Behind the same load balancer the record stays as it is: the heir has it as soon as a group of its own says so.
    let Read::Known(groups) = &draft.observed.groups else { return Some(heir) };
    let has_it = groups.values().any(|group| {
        group.owner.app == *heir
            && group.owner.shifted_at.is_some()
            && group.owner.dns.as_deref().map(plain).as_deref() == Some(name)
            && balancer(draft, group).is_some_and(|balancer| balancer.arn == own.arn)
    });
    (!has_it).then_some(heir)
}

fn claims(app: &crate::model::desired::DesiredApp, name: &str) -> bool {
    app.spec.dns.as_ref().is_some_and(|dns| plain(&dns.name) == name)
}

/// The load balancer before a group: the app's own, or the one whose listener its tags name.
fn balancer<'a>(draft: &Draft<'a>, group: &Group) -> Option<&'a LoadBalancer> {
    let Read::Known(all) = &draft.observed.load_balancers else { return None };
    let scope = Scope::new(group.owner.app.clone(), group.owner.environment.clone());
    let listener = group.owner.listeners.iter().find_map(|arn| match draft.observed.listeners.get(arn) {
        Some(Read::Known(Some(listener))) => Some(listener),
        _ => None,
    });
    match listener {
        Some(listener) => all.values().find(|balancer| balancer.arn == listener.load_balancer_arn),
        None => all.get(&scope.load_balancer_name()),
    }
}
