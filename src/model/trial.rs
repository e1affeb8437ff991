//! A health check that is tried before it comes into force: since when, and how that ended.

use std::fmt;
use std::str::FromStr;

use super::observed::TargetCheck;
use super::tags;
use super::time::Timestamp;

/// A trial as a tag of the generation carries it: `trying 0a1b2c3d 2026-11-02T12:00:00Z`, or `refused …: 2 of 2 failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What is tried, as a hash.
    pub what: String,
    /// Since when; for one that is over, since when it is.
    pub at: Timestamp,
    /// Why it does not come into force; nothing while it is tried.
    pub refused: Option<String>,
}

impl Trial {
    /// The trial of a check begins.
    pub fn begun(check: &TargetCheck, at: Timestamp) -> Self {
        Self { what: hash(check), at, refused: None }
    }

    /// It ends: the check does not come into force.
    pub fn refused(check: &TargetCheck, at: Timestamp, why: &str) -> Self {
        Self { what: hash(check), at, refused: Some(why.to_owned()) }
    }

    /// Whether this is about such a check.
    pub fn is_of(&self, check: &TargetCheck) -> bool {
        self.what == hash(check)
    }
}

fn hash(check: &TargetCheck) -> String {
    let TargetCheck { protocol, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } = check;
    let text =
        format!("{protocol}\n{path}\n{matcher}\n{interval}\n{timeout}\n{healthy_threshold}\n{unhealthy_threshold}");
    super::names::digest(&text, 8)
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refused {
            None => write!(out, "trying {} {}", self.what, self.at),
            Some(why) => out.write_str(&tags::value(&format!("refused {} {}: {why}", self.what, self.at))),
        }
    }
}

/// A text that is no trial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `trying HASH TIME` or `refused HASH TIME: WHY`")]
pub struct NoTrial;

impl FromStr for Trial {
    type Err = NoTrial;

    fn from_str(text: &str) -> Result<Self, NoTrial> {
        let (state, rest) = text.split_once(' ').ok_or(NoTrial)?;
        let (what, rest) = rest.split_once(' ').ok_or(NoTrial)?;
        let (at, refused) = match state {
            "trying" => (rest, None),
            "refused" => rest.split_once(": ").map(|(at, why)| (at, Some(why.to_owned()))).ok_or(NoTrial)?,
            _ => return Err(NoTrial),
        };
        Ok(Self { what: what.to_owned(), at: at.parse().map_err(|_| NoTrial)?, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_survives_its_tag() {
        let at = "2026-11-02T12:00:00Z".parse().unwrap();
        for refused in [None, Some("2 of 2 instances failed: Target.ResponseCodeMismatch".to_owned())] {
            let trial = Trial { what: "0a1b2c3d".to_owned(), at, refused };
            assert_eq!(trial.to_string().parse(), Ok(trial));
        }
        for text in ["", "trying", "trying 0a1b2c3d soon", "refused 0a1b2c3d 2026-11-02T12:00:00Z", "done 1 2"] {
            assert_eq!(text.parse::<Trial>(), Err(NoTrial), "{text}");
        }
    }
}
