//! What can be learnt from a generation that failed, before its instances are gone: the end of a sick instance's console. It is
//! kept with the whole reason in Parameter Store, where `status` and `events` find it.
//!
//! Nothing waits for it: traffic has gone back and the failure is marked before anybody looks at a console, and what cannot be
//! read or written is left out.

use super::draft::Draft;
use super::picture::Picture;
use crate::model::action::Action;
use crate::model::autopsy::{Console, FailureRecord, secrets};
use crate::model::observed::{Failure, Group, Health, Want};
use crate::model::time::Span;

/// EC2 keeps a console for about an hour after the end of its instance.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html>
const FORGOTTEN: Span = Span::hours(1);

/// What was kept about the failure of a generation, if anything was; the draft may hold a want for it.
pub(super) fn kept<'a>(draft: &mut Draft<'a>, group: &Group) -> Option<&'a FailureRecord> {
    let failure = group.owner.failed.as_ref().filter(|failure| !failure.is_by_a_person())?;
    let app = draft.scope.app.clone();
    let found = draft.glance(draft.observed.details.failures.get(&app), Want::Failures(app))?;
    found.ok()?.as_ref().filter(|record| record.is_of(group.owner.generation, failure.at))
}

/// Plans to keep what one of its sick instances said last, once. Where EC2 shows nothing of it yet, that is kept, and it is looked
/// at again as long as instances are left.
pub(super) fn examine<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &'a Group) {
    let Some(failure) = group.owner.failed.as_ref().filter(|failure| !failure.is_by_a_person()) else { return };
    if draft.now >= FORGOTTEN.after(failure.at) {
        return;
    }
    let known = kept(draft, group);
    let app = &draft.scope.app;
    // As long as it is not known what is kept, nothing takes its place.
    let is_read = draft.observed.details.failures.get(app).is_some_and(|read| read.known().is_some());
    let is_complete = known.and_then(|record| record.console.as_ref()).is_some_and(|console| !console.may_come());
    if is_complete || draft.observed.details.failures.contains_key(app) && !is_read {
        return;
    }
    let Some(instance) = sickest(draft, picture, group) else { return };
    let Some(console) = console(draft, group, instance) else { return };
    // That there is nothing yet is said once.
    let is_news = !console.may_come() || known.is_none_or(|record| record.console.is_none());
    if is_read && is_news {
        let reason = known.map_or(&failure.reason, |record| &record.reason);
        let failure = Failure { at: failure.at, reason: reason.clone() };
        keep(draft, picture, group, &failure, Some(console));
    }
}

/// Plans to keep why a generation failed.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    picture: &Picture<'_>,
    group: &Group,
    failure: &Failure,
    console: Option<Console>,
) {
    let generation = group.owner.generation;
    let record = FailureRecord {
        app: draft.scope.app.clone(),
        environment: draft.scope.environment.clone(),
        generation,
        image: group.owner.image.clone(),
        at: failure.at,
        reason: failure.reason.clone(),
        serves: picture.serving().map(|serving| serving.owner.generation),
        console,
    };
    let action = Action::PutFailure { parameter: draft.scope.failures_name(), record: Box::new(record.bounded()) };
    draft.act(action, format!("why {generation} failed, for those who ask later"), Vec::new());
}

/// The instance that says most: one that fails its checks, or else the last that was replaced for that, or any. Nothing where
/// there is none, or as long as that is not known.
fn sickest<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &'a Group) -> Option<&'a str> {
    let details = &draft.observed.details;
    let arn = group.owner.slot.and_then(|slot| picture.front.as_ref().and_then(|front| front.arn(slot)));
    let targets = match arn {
        Some(arn) => draft.glance(details.target_health.get(arn), Want::TargetHealth(arn.to_owned())),
        None => Some(Err("")),
    };
    let activities = draft.glance(details.activities.get(&group.name), Want::Activities(group.name.clone()));
    let (targets, activities) = (targets?.ok(), activities?.ok());
    let own = |id: &str| group.instances.iter().any(|instance| instance.id == id);
    let mut sick = targets.into_iter().flatten().filter(|target| target.health == Health::Unhealthy && own(&target.id));
    let replaced = activities
        .into_iter()
        .flatten()
        .filter(|activity| activity.started_at >= group.created_at && activity.cause.contains("health check failure"));
    let replaced = replaced.max_by_key(|activity| activity.started_at).and_then(|activity| activity.instance());
    let any = || group.instances.iter().find(|instance| instance.lifecycle == "InService").map(|it| it.id.as_str());
    sick.next().map(|target| target.id.as_str()).or(replaced).or_else(any)
}

/// The end of its console. Without knowing what is secret in it, nothing of it is kept.
fn console<'a>(draft: &mut Draft<'a>, group: &'a Group, instance: &str) -> Option<Console> {
    let details = &draft.observed.details;
    let template = draft.glance(details.template_data.get(&group.name), Want::TemplateData(group.name.clone()));
    let text = draft.glance(details.consoles.get(instance), Want::Console(instance.to_owned()));
    let secrets = match template? {
        Ok(Some(data)) => secrets(data),
        _ => {
            let why = "what is secret in it cannot be told, because the launch template could not be read";
            return Some(Console::without(instance, why));
        }
    };
    Some(match text? {
        Ok(Some(text)) => Console::read(instance, text.reveal(), &secrets),
        Ok(None) => Console::not_yet(instance),
        Err(why) => Console::without(instance, format!("it could not be read: {why}")),
    })
}
