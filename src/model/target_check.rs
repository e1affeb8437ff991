//! How a load balancer checks its targets.

use serde::Serialize;

/// How the targets of a group are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetCheck {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: String,
    /// The path that is asked for; empty for TCP.
    pub path: String,
    /// The status codes that count as well; empty for TCP.
    pub matcher: String,
    /// Seconds between two checks.
    pub interval: u64,
    /// Seconds an answer may take.
    pub timeout: u64,
    /// Good answers in a row that make a target healthy.
    pub healthy_threshold: u32,
    /// Bad answers in a row that make it unhealthy.
    pub unhealthy_threshold: u32,
}
