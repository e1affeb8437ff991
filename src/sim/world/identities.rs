//! Who may call: access keys that are refused, roles, and the sessions of roles that were assumed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::Timestamp;

/// Access keys and roles. Any key is good unless it is refused.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// Access key ids that AWS does not know.
    pub refused_keys: BTreeSet<String>,
    /// The external id that a role asks for, by the role's ARN. Any other role can be assumed without one.
    pub external_ids: BTreeMap<String, String>,
    /// Sessions by the access key id that they got.
    pub sessions: BTreeMap<String, Session>,
}

/// The session of a role that was assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The account of the role.
    pub account: String,
    /// The name of the role, without its path.
    pub role: String,
    /// The name that the caller gave to the session.
    pub name: String,
    /// The stable id of the role.
    pub role_id: String,
    /// When its credentials end.
    pub expires_at: Timestamp,
}

impl Session {
    /// `arn:aws:sts::123456789012:assumed-role/deployer/amiable`
    pub fn arn(&self) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{}", self.account, self.role, self.name)
    }
}
