//! Scheduled actions: put, delete, describe.

use super::{answer, changeable, done, invalid_token, no_such_group};
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::REACTION;
use crate::sim::world::scaling::timetable::Scheduled;

pub(super) fn put(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let params = &request.params;
    let name = params.required("ScheduledActionName")?.to_owned();
    let size = |name: &str| -> Result<Option<u32>, ApiError> {
        match params.get(name) {
            None => Ok(None),
            Some(_) => number(params, name, 0, 0, u64::from(u32::MAX)).map(|size| u32::try_from(size).ok()),
        }
    };
    let (min, max, desired) = (size("MinSize")?, size("MaxSize")?, size("DesiredCapacity")?);
    if min.or(max).or(desired).is_none() {
        return Err(ApiError::validation(
            "At least one of the following values must be specified: Min Size, Max Size, or Desired Capacity.",
        ));
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(ApiError::validation("Min size must be less than or equal to max size."));
    }
    let recurrence = params.get("Recurrence").map(|cron| recurrence(cron, params.get("TimeZone"))).transpose()?;
    let start: Option<Timestamp> = params.parse("StartTime")?;
    let next = start.or_else(|| recurrence.as_ref().and_then(|it| it.next(world.now)));
    let Some(next) = next.filter(|next| *next > world.now) else {
        return Err(ApiError::validation("Given start time is in the past"));
    };
    let same = |(other, one): (&String, &Scheduled)| *other != name && one.next == next && one.recurrence == recurrence;
    if group.scheduled.iter().any(same) {
        return Err(ApiError::new("AlreadyExists", "There is already a scheduled action at this time"));
    }
    let group = group.name.clone();
    let uuid = world.fresh_uuid();
    let (region, account) = (&world.region, &world.account);
    let arn = format!(
        "arn:aws:autoscaling:{region}:{account}:scheduledUpdateGroupAction:{uuid}:autoScalingGroupName/{group}:scheduledActionName/{name}"
    );
    if let Some(group) = world.scaling.groups.get_mut(&group) {
        group.scheduled.insert(name, Scheduled { arn, recurrence, next, min, max, desired });
    }
    world.wake_group(&group, REACTION);
    Ok(done(request))
}

fn recurrence(cron: &str, time_zone: Option<&str>) -> Result<Schedule, ApiError> {
    let time_zone = time_zone.unwrap_or("UTC");
    Schedule::check_cron(cron)
        .map_err(|_| ApiError::validation(format!("Given recurrence string: {cron} is invalid")))?;
    Schedule::check_time_zone(time_zone)
        .map_err(|_| ApiError::validation(format!("Given time zone: {time_zone} is invalid")))?;
    Ok(Schedule { cron: cron.to_owned(), time_zone: time_zone.to_owned() })
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let name = changeable(world, request)?.name.clone();
    let action = request.params.required("ScheduledActionName")?;
    let gone = world.scaling.groups.get_mut(&name).and_then(|group| group.scheduled.remove(action));
    if gone.is_none() {
        return Err(ApiError::validation(format!("Scheduled action name not found - {action}")));
    }
    Ok(done(request))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let only = params.get("AutoScalingGroupName");
    if let Some(name) = only.filter(|name| !world.scaling.groups.contains_key(name)) {
        return Err(no_such_group(name));
    }
    let names = params.values("ScheduledActionNames.member");
    let size = number(params, "MaxRecords", 50, 1, 100)? as usize;
    let groups = world.scaling.groups.values().filter(|group| only.is_none_or(|name| group.name == name));
    let all = groups.flat_map(|group| group.scheduled.iter().map(move |(name, one)| (group, name, one)));
    let found = all
        .filter(|(_, name, _)| names.is_empty() || names.contains(name))
        .map(|found| (format!("{}\u{1}{}", found.0.name, found.1), found));
    let (shown, next) = page(found, params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("ScheduledUpdateGroupActions", "member", shown, |xml, (group, name, one)| {
            xml.leaf("AutoScalingGroupName", &group.name).leaf("ScheduledActionName", name);
            xml.leaf("ScheduledActionARN", &one.arn).leaf("Time", one.next).leaf("StartTime", one.next);
            if let Some(recurrence) = &one.recurrence {
                xml.leaf("Recurrence", &recurrence.cron).leaf("TimeZone", &recurrence.time_zone);
            }
            xml.optional("MinSize", one.min).optional("MaxSize", one.max).optional("DesiredCapacity", one.desired);
        });
        xml.optional("NextToken", next);
    }))
}
