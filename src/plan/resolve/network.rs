//! How the app's targets are checked.

use crate::model::observed::TargetCheck;
use crate::model::spec::{AppSpec, Protocol};

pub(super) fn check(spec: &AppSpec) -> TargetCheck {
    let check = &spec.health_check;
    let over_http = check.protocol != Protocol::Tcp;
    let of_http = |text: &str| if over_http { text.to_owned() } else { String::new() };
    TargetCheck {
        protocol: check.protocol.as_str().to_owned(),
        path: of_http(&check.path),
        matcher: of_http(&check.matcher),
        interval: check.interval.as_seconds(),
        timeout: check.timeout.as_seconds(),
        healthy_threshold: check.healthy_threshold,
        unhealthy_threshold: check.unhealthy_threshold,
    }
}
