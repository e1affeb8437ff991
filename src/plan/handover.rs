//! DNS names that go from one app to another: an app was renamed, or two apps swap their names. There is no moment in which
//! such a name leads nowhere: whoever has it keeps its record until the record of whoever is to have it takes its place.

use super::draft::Draft;
use super::resolve::dns::{leads_to, plain};
use crate::model::names::{AppName, Scope};
use crate::model::observed::{DnsRecord, Group, LoadBalancer, Read};
use crate::model::plan::{AppPlan, Change, Wait};
use crate::model::time::{Span, Timestamp};

/// A name that another app is to have, and has not yet.
pub(super) struct Promise {
    pub(super) name: String,
    /// The app that is to have it.
    pub(super) heir: AppName,
    /// Whether only what is left over waits for that, or everything.
    pub(super) cleanup: bool,
}

/// How soon it is looked at again.
const LOOK_AGAIN: Span = Span::seconds(5);

/// Once all apps are planned, it is known whether the heirs come: as long as a run is at work on one, its name is waited for.
/// Otherwise nobody here will ever take it, so that it is said which app has to be deployed for that.
pub(super) fn settle(promises: Vec<(AppName, Promise)>, apps: &mut [AppPlan], now: Timestamp) {
    for (app, promise) in promises {
        let Promise { name, heir, cleanup } = promise;
        let comes = apps.iter().any(|plan| plan.app == heir && !plan.is_over(false) && plan.change != Change::Error);
        let Some(plan) = apps.iter_mut().find(|plan| plan.app == app) else { continue };
        if matches!(plan.change, Change::Error) || !plan.wants.is_empty() {
            continue;
        }
        if comes {
            let what = format!("{heir} to take over the name {name}, which leads here until then");
            plan.waits.push(Wait { what, until: None, cleanup });
            let soon = LOOK_AGAIN.after(now);
            plan.wake_at = Some(plan.wake_at.map_or(soon, |earlier| earlier.min(soon)));
            continue;
        }
        let takes = format!("{name} leads here until {heir} takes it over, which `amiable apply {heir}` does");
        if cleanup {
            plan.left_over.push(takes.clone());
            plan.notes.push(takes);
        } else {
            plan.change = Change::Blocked;
            plan.reason = format!(
                "the manifest of {heir} asks for the name of {app}: {takes}; then `amiable destroy {app}` goes on"
            );
        }
    }
}

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
    let Some(desired) = draft.desired else { return Holder::Stranger };
    let others = draft.index.with_dns_name(&record.name).iter().filter(|group| group.owner.app != draft.scope.app);
    let leads_there = |group: &&&'a Group| balancer(draft, group).is_some_and(|balancer| leads_to(record, balancer));
    let Some(app) = others.into_iter().find(leads_there).map(|group| &group.owner.app) else {
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
    let heir = *draft.index.claiming(name).iter().find(|other| **other != &draft.scope.app)?;
    // Behind the same load balancer the record stays as it is: the heir has it as soon as a group of its own says so.
    let has_it = draft.index.groups(heir).iter().any(|group| {
        group.owner.shifted_at.is_some()
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
        Some(listener) => draft.index.balancer(&listener.load_balancer_arn),
        None => all.get(&scope.load_balancer_name()),
    }
}
