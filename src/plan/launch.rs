//! The launch of a generation: its number, its launch template, its group.

use super::draft::Draft;
use super::floor;
use super::leftover;
use super::picture::{Front, Picture};
use super::release::{Release, Turn};
use super::resolve::dns::plain;
use super::resolve::{Template, Wanted};
use super::{prepare, record, spared, traffic, verify};
use crate::model::action::{Action, NewGroup, Tags};
use crate::model::mark::Marks;
use crate::model::names::{Generation, Slot};
use crate::model::observed::{Group, LaunchTemplate, Ownership, Want};
use crate::model::probe::Checks;
use crate::model::tags;

/// Done when the generation has a group.
pub(super) fn launch<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    if let Some(target) = release.target {
        spared::wanted_again(draft, target);
        if !release.is_shifted() {
            floor::raise(draft, release);
        }
        return Turn::Done;
    }
    floor::without_a_next(draft, release);
    if let Some(turn) = release.held(draft) {
        return turn;
    }
    if !traffic::is_whole_before_launch(draft, release) {
        return Turn::Here(None);
    }
    // The slot may still hold instances of a generation that failed.
    let slot = next_slot(release);
    if let Some(busy) = occupant(release, slot) {
        draft.in_the_way = Some(busy.1);
        draft.wait(format!("{} instances of {} to leave slot {}", busy.0, busy.1, slot.map_or("", Slot::as_str)), None);
        return Turn::Here(None);
    }
    if !may_begin(draft, release) {
        return Turn::Here(None);
    }
    let Some(template) = release.wanted.template() else { return Turn::Here(None) };
    let Some(generation) = generation(draft, release) else { return Turn::Here(None) };
    draft.plan.to = Some(generation);
    draft.begins = true;
    draft.standing.asked_at = reusable(release).map(|template| template.created_at);
    let (min, held_min) = floor::at_birth(release);
    let owner = Ownership { held_min, ..ownership(draft, release, template, generation, slot) };
    let labels = &release.wanted.app.labels;
    let name = draft.scope.generation_name(generation);
    let why = reason(release);
    if reusable(release).is_none() {
        let action = create_template(draft, release, template, &owner);
        draft.act(action, why.clone(), Vec::new());
    }
    let wanted = release.wanted;
    let group = NewGroup {
        name,
        min,
        max: wanted.max.max(release.size),
        desired: release.size,
        mixed: template.launch.mixed.clone(),
        subnet_ids: release.wanted.subnet_ids.clone(),
        target_group_arns: target_group(release, slot),
        grace_period: release.wanted.spec.health_check.grace_period.as_seconds(),
        instance_warmup: wanted.instance_warmup,
        maintenance: wanted.maintenance,
        hooks: wanted.hooks(),
        tags: tags::encode(&owner, labels),
    };
    draft.act(Action::CreateGroup(Box::new(group)), why, Vec::new());
    Turn::Here(None)
}

/// Whether the launch template of the next generation is there. It is made before anything makes room for the generation: other
/// processes know by it that there is to be one, and whose.
pub(super) fn is_claimed<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    if release.target.is_some() || reusable(release).is_some() {
        return true;
    }
    if !may_begin(draft, release) {
        return false;
    }
    let Some(template) = release.wanted.template() else { return true };
    let Some(generation) = generation(draft, release) else { return false };
    let slot = next_slot(release);
    let owner = ownership(draft, release, template, generation, slot);
    let action = create_template(draft, release, template, &owner);
    draft.act(action, reason(release), Vec::new());
    false
}

/// Whether a release can go the whole way, as far as that can be told before anything is made: it can be watched, and what stands
/// before the instances is the app's own.
fn may_begin<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    // All of it is asked for at once.
    let alarms = verify::alarms::exist(draft, release);
    let watch = verify::watch::is_possible(draft, release);
    let owned = prepare::is_own(draft, release);
    alarms && watch && owned
}

fn create_template(draft: &Draft<'_>, release: &Release<'_, '_>, template: &Template, owner: &Ownership) -> Action {
    let labels = &release.wanted.app.labels;
    let name = draft.scope.generation_name(owner.generation);
    Action::CreateLaunchTemplate {
        data: Box::new(template.launch.clone()),
        tags: tags::encode(owner, labels),
        volume_tags: tags::encode_app(draft.scope, &name, labels),
        name,
    }
}

fn reason(release: &Release<'_, '_>) -> String {
    match release.serving {
        None => "nothing of this app serves yet".to_owned(),
        Some(serving) if release.wanted.goes_back => {
            format!("{} was turned down: an earlier release takes its place", serving.owner.generation)
        }
        Some(serving) => format!("{} was born with another template", serving.owner.generation),
    }
}

fn target_group(release: &Release<'_, '_>, slot: Option<Slot>) -> Vec<String> {
    let front = release.picture.front.as_ref();
    slot.and_then(|slot| front.and_then(|front| front.arn(slot))).map(str::to_owned).into_iter().collect()
}

/// The slot without traffic; none for a worker.
fn next_slot(release: &Release<'_, '_>) -> Option<Slot> {
    let front = release.picture.front.as_ref()?;
    let live = release.serving.and_then(|serving| serving.owner.slot).or_else(|| front.live_slot());
    Some(live.map_or(Slot::A, Slot::other))
}

/// Instances of a failed generation that still keep the next one out of the slot, and its number.
fn occupant(release: &Release<'_, '_>, slot: Option<Slot>) -> Option<(usize, Generation)> {
    let slot = slot?;
    let here =
        release.picture.groups.iter().filter(|group| group.owner.slot == Some(slot) && group.owner.failed.is_some());
    here.map(|group| (leftover::in_the_way(group), group.owner.generation)).find(|(instances, _)| *instances > 0)
}

/// A template of the wanted kind that was made for a group that never came.
fn reusable<'a>(release: &Release<'a, '_>) -> Option<&'a LaunchTemplate> {
    let without_group =
        |template: &&LaunchTemplate| release.picture.groups.iter().all(|group| group.name != template.name);
    // Older ones are kept for a rollback: they have had their groups.
    let newest = release.picture.newest();
    let mut templates = release.picture.templates.iter().copied().filter(without_group);
    templates.find(|template| {
        release.wanted.asks_for(&template.owner.template_hash) && Some(template.owner.generation) == newest
    })
}

/// The number that the next generation will have, as far as groups and templates tell: that of its launch template, which is made
/// before anything makes room for it, or stays when an empty group of the same template goes first; or else the next one.
pub(super) fn next(wanted: &Wanted<'_>, picture: &Picture<'_>) -> Generation {
    let Some(newest) = picture.newest() else { return Generation(1) };
    let template = picture.templates.iter().find(|template| template.owner.generation == newest);
    let waits_for_it = template.is_some_and(|template| {
        let group = picture.groups.iter().find(|group| group.name == template.name);
        let is_empty =
            |group: &Group| group.desired == 0 && group.owner.failed.is_none() && group.owner.shifted_at.is_none();
        wanted.asks_for(&template.owner.template_hash) && group.is_none_or(|group| is_empty(group))
    });
    if waits_for_it { newest } else { newest.next() }
}

/// What of somebody else's has the name of the next generation, with the remedy. It is asked for before anything is made, as
/// long as nothing of that name is the app's own. Nothing, too, as long as that must be read.
pub(super) fn taken<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Option<String> {
    if release.target.is_some() || reusable(release).is_some() {
        return None;
    }
    let name = draft.scope.generation_name(release.picture.newest().map_or(Generation(1), Generation::next));
    let found = draft.observed.details.named.get(&name);
    let found = draft.see(found, Want::Named(name.clone()), &format!("what is called {name}"))?;
    let is_foreign = |tags: &&Tags| !tags::belongs_to(tags, draft.scope);
    let kind = match (&found.template, &found.group) {
        (Some(tags), _) if is_foreign(&tags) => "launch template",
        (_, Some(tags)) if is_foreign(&tags) => "Auto Scaling group",
        _ => return None,
    };
    Some(format!(
        "{kind} {name} exists and is not this app's: it lacks its tags; delete it or, if it was this app's, give it its tags \
         back"
    ))
}

/// The number of the next generation: one more than the newest there is, and than the newest that was ever recorded.
fn generation<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Option<Generation> {
    if let Some(template) = reusable(release) {
        return Some(template.owner.generation);
    }
    let recorded = record::deployed(draft)?.map(|record| record.generation);
    Some(release.picture.newest().max(recorded).map_or(Generation(1), Generation::next))
}

fn ownership(
    draft: &Draft<'_>,
    release: &Release<'_, '_>,
    template: &Template,
    generation: Generation,
    slot: Option<Slot>,
) -> Ownership {
    let name = draft.scope.generation_name(generation);
    let front = release.picture.front.as_ref();
    Ownership {
        app: draft.scope.app.clone(),
        environment: draft.scope.environment.clone(),
        generation,
        template_hash: template.hash.clone(),
        image: template.launch.image_id.clone(),
        release: release.wanted.release(),
        artifacts: release.wanted.artifacts(),
        origin: release.wanted.origin(),
        slot,
        listeners: front.map(Front::listener_arns).unwrap_or_default(),
        rule: front.and_then(|front| front.rule).map(|rule| rule.arn.clone()),
        dns: release.wanted.spec.dns.as_ref().map(|dns| plain(&dns.name)),
        nameless: None,
        // What is put on it after its birth is missing until then, and so is this.
        applied: (!release.wanted.needs_more_than_birth(&name)).then(|| release.wanted.applied()),
        writer: draft.writer.clone(),
        healthy_since: None,
        trial: None,
        lacking_since: None,
        unwanted_since: None,
        shifted_at: None,
        recorded_at: None,
        canary: None,
        watched: None,
        held_min: None,
        marks: Marks::default(),
        checks: Checks {
            preview_rule: front.and_then(|front| front.preview).map(|rule| rule.arn.clone()),
            ..Checks::default()
        },
        failed: None,
    }
}
