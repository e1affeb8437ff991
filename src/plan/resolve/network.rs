//! The app's place in the network: how its targets are checked, and the zone of its name.

use super::Unresolved;
use crate::manifest::spec::{AppSpec, EnvironmentSpec};
use crate::model::observed::{Observed, Read, TargetCheck, Zone};

pub(super) fn check(spec: &AppSpec) -> TargetCheck {
    let check = &spec.health_check;
    TargetCheck {
        path: check.path.clone(),
        matcher: check.matcher.clone(),
        interval: check.interval.as_seconds(),
        timeout: check.timeout.as_seconds(),
        healthy_threshold: check.healthy_threshold,
        unhealthy_threshold: check.unhealthy_threshold,
    }
}

pub(super) fn zone<'a>(
    spec: &AppSpec,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<Option<&'a Zone>, Unresolved> {
    let Some(dns) = &spec.dns else { return Ok(None) };
    let named = environment.dns_zone.as_deref().unwrap_or_default();
    match &observed.zone {
        Some(Read::Known(zone)) => {
            let name = dns.name.to_ascii_lowercase();
            let inside = name == zone.name || name.ends_with(&format!(".{}", zone.name));
            let outside = || Unresolved::Refused(format!("dns.name {} is not in the zone {}", dns.name, zone.name));
            if inside { Ok(Some(zone)) } else { Err(outside()) }
        }
        Some(Read::Unknown(why)) => {
            Err(Unresolved::Unread(format!("the hosted zone {named} could not be read: {why}")))
        }
        None => Err(Unresolved::Refused("dns.name is set, but the environment names no dnsZone".to_owned())),
    }
}
