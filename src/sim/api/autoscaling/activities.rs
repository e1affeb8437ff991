//! What groups do, and then what they did, newest first.

use super::{answer, invalid_token, no_such_group};
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::scaling::activity::Activity;

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let name = params.get("AutoScalingGroupName");
    let with_deleted = params.parse("IncludeDeletedGroups")?.unwrap_or(false);
    let size = number(params, "MaxRecords", 100, 1, 100)? as usize;
    let ids = params.values("ActivityIds.member");
    if let Some(name) = name
        && !with_deleted
        && !world.scaling.groups.contains_key(name)
    {
        return Err(no_such_group(name));
    }
    let of_groups = world.scaling.groups.values().flat_map(|group| &group.activities);
    let of_past = world.scaling.past.iter().filter(|_| with_deleted);
    let mut found: Vec<&Activity> = of_groups
        .chain(of_past)
        .map(|activity| &**activity)
        .filter(|activity| name.is_none_or(|name| activity.group == name))
        .filter(|activity| ids.is_empty() || ids.contains(&activity.id))
        .collect();
    // Those under way come first. Stable: activities of one moment stay in their groups' order, newest first.
    found.sort_by_key(|activity| (activity.ended_at.is_some(), std::cmp::Reverse(activity.started_at)));
    let keyed = found.into_iter().enumerate().map(|(index, activity)| (format!("{index:08}"), activity));
    let (shown, next) = page(keyed, params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("Activities", "member", shown, write);
        xml.optional("NextToken", next);
    }))
}

/// Writes one activity.
pub(super) fn write(xml: &mut Xml, activity: &Activity) {
    xml.leaf("ActivityId", &activity.id);
    xml.leaf("AutoScalingGroupName", &activity.group);
    xml.leaf("AutoScalingGroupARN", &activity.group_arn);
    xml.leaf("Description", &activity.description);
    xml.leaf("Cause", &activity.cause);
    xml.leaf("StartTime", activity.started_at);
    xml.optional("EndTime", activity.ended_at);
    xml.leaf("StatusCode", activity.status.name());
    xml.optional("StatusMessage", activity.message.as_ref());
    xml.leaf("Progress", activity.progress);
    xml.leaf("Details", &activity.details);
}
