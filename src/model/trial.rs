//! A health check that is tried before it comes into force: since when, and how that ended.

use std::fmt;
use std::str::FromStr;

use super::tag_text;
use super::target_check::TargetCheck;
use super::time::Timestamp;

/// A trial as a tag of the generation carries it: `trying 0a1b2c3d 2026-11-02T12:00:00Z`, or `refused …: 2 of 2 failed`. What
/// stands warm where the instances of another generation try it has `beside …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What is tried, as a hash.
    pub what: String,
    /// Since when; for one that is over, since when it is.
    pub at: Timestamp,
    /// Why it does not come into force; nothing while it is tried.
    pub refused: Option<String>,
    /// Whether another generation tries it, in the slot of this one: its group does not judge by health checks meanwhile.
    pub beside: bool,
}

impl Trial {
    /// The trial of a check begins.
    pub fn begun(check: &TargetCheck, at: Timestamp) -> Self {
        Self { what: hash(check), at, refused: None, beside: false }
    }

    /// Another generation begins to try a check where this one stands warm.
    pub fn beside(check: &TargetCheck, at: Timestamp) -> Self {
        Self { beside: true, ..Self::begun(check, at) }
    }

    /// It ends: the check does not come into force.
    pub fn refused(check: &TargetCheck, at: Timestamp, why: &str) -> Self {
        Self { what: hash(check), at, refused: Some(why.to_owned()), beside: false }
    }

    /// Whether this is about such a check.
    pub fn is_of(&self, check: &TargetCheck) -> bool {
        self.what == hash(check) && !self.beside
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
            None if self.beside => write!(out, "beside {} {}", self.what, self.at),
            None => write!(out, "trying {} {}", self.what, self.at),
            Some(why) => out.write_str(&tag_text::value(&format!("refused {} {}: {why}", self.what, self.at))),
        }
    }
}

/// A text that is no trial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `trying HASH TIME`, `beside HASH TIME` or `refused HASH TIME: WHY`")]
pub struct NoTrial;

impl FromStr for Trial {
    type Err = NoTrial;

    fn from_str(text: &str) -> Result<Self, NoTrial> {
        let (state, rest) = text.split_once(' ').ok_or(NoTrial)?;
        let (what, rest) = rest.split_once(' ').ok_or(NoTrial)?;
        let (at, refused) = match state {
            "trying" | "beside" => (rest, None),
            "refused" => rest.split_once(": ").map(|(at, why)| (at, Some(why.to_owned()))).ok_or(NoTrial)?,
            _ => return Err(NoTrial),
        };
        let beside = state == "beside";
        Ok(Self { what: what.to_owned(), at: at.parse().map_err(|_| NoTrial)?, refused, beside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_survives_its_tag() {
        let at = "2026-11-02T12:00:00Z".parse().unwrap();
        let why = Some("2 of 2 instances failed: Target.ResponseCodeMismatch".to_owned());
        for (refused, beside) in [(None, false), (None, true), (why, false)] {
            let trial = Trial { what: "0a1b2c3d".to_owned(), at, refused, beside };
            assert_eq!(trial.to_string().parse(), Ok(trial));
        }
        for text in ["", "trying", "trying 0a1b2c3d soon", "refused 0a1b2c3d 2026-11-02T12:00:00Z", "done 1 2"] {
            assert_eq!(text.parse::<Trial>(), Err(NoTrial), "{text}");
        }
    }
}
