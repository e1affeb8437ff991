//! What people decided about an app, for those who ask later: the marks on groups go with the groups, this stays.

use serde::{Deserialize, Serialize};

use super::names::{AppName, EnvironmentName, Generation};
use super::time::Timestamp;

/// One decision of a person. One JSON document per app and environment; its versions are the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// When.
    pub at: Timestamp,
    /// Who: the ARN of the caller.
    pub by: String,
    /// What.
    pub what: Verb,
    /// The generation that it is about.
    pub generation: Generation,
    /// What exactly, where the verb leaves that open: another generation, an image, a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why; nothing when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a person can decide, by the name of its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// The generation is turned down, and an earlier one serves.
    Rollback,
    /// The generation need not wait any longer.
    Promote,
    /// The generation is given up.
    Abort,
    /// The release goes no step further.
    Pause,
    /// The release goes on.
    Resume,
    /// Nothing is done about the app.
    Suspend,
    /// The generation stays, whatever the manifest says.
    Pin,
    /// The manifest counts again.
    Unpin,
    /// What failed may be tried again.
    Retry,
}

impl Verb {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Rollback => "rollback",
            Verb::Promote => "promote",
            Verb::Abort => "abort",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::Suspend => "suspend",
            Verb::Pin => "pin",
            Verb::Unpin => "unpin",
            Verb::Retry => "retry",
        }
    }
}
