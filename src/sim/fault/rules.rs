//! Faults that somebody asks for while the simulated AWS runs: which calls, what becomes of them, how often and how long.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::model::time::{Span, Timestamp};
use crate::sim::api::members;
use crate::sim::wire::{ApiError, Request};
use crate::sim::world::balancing::action::matches;

/// The most rules at a time.
const MOST: usize = 100;

/// The longest text of a rule's member.
const LONGEST: usize = 1_000;

/// The longest that an answer is held back: beyond it every client has given up.
const SLOWEST: Span = Span::minutes(10);

/// Which calls fail, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The operation, in which `*` stands for any text: `ModifyListener`, `Describe*`.
    pub operation: String,
    /// What becomes of such a call.
    pub how: How,
    /// Only calls whose parameters or body contain this text, such as the name of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containing: Option<String>,
    /// So many of a hundred such calls; without it all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// So many calls and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// For so long in the simulated AWS's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// What becomes of a call. As text: `throttled`, `refused=AccessDenied`, `refused=AccessDenied: in words`, `request-lost`,
/// `reply-lost`, `cut`, `ignored`, `stale`, `slow=5s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is refused because there are too many calls.
    Throttled,
    /// It is refused with this code and message.
    Refused(String, String),
    /// It never arrives.
    RequestLost,
    /// It is carried out, and the connection breaks before the answer.
    ReplyLost,
    /// It is carried out, and the second half of the answer is missing.
    Cut,
    /// It is answered as if it had been carried out.
    Ignored,
    /// A read shows what was before the last change.
    Stale,
    /// It is carried out, and the answer comes so much later.
    Slow(Span),
}

impl How {
    fn fault(&self, request: &Request) -> Fault {
        match self {
            Self::Throttled => Fault::Refuse(match request.service.as_str() {
                "ec2" => ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
                "ssm" | "monitoring" => ApiError::new("ThrottlingException", "Rate exceeded"),
                _ => ApiError::new("Throttling", "Rate exceeded"),
            }),
            Self::Refused(code, message) => {
                let status =
                    if code.starts_with("AccessDenied") || code == "UnauthorizedOperation" { 403 } else { 400 };
                Fault::Refuse(ApiError::new(code, message.clone()).with_status(status))
            }
            Self::RequestLost => Fault::RequestLost,
            Self::ReplyLost => Fault::ReplyLost,
            Self::Cut => Fault::Cut(""),
            Self::Ignored => Fault::Ignored,
            Self::Stale => Fault::Stale,
            Self::Slow(span) => Fault::Slow(*span),
        }
    }
}

impl FromStr for How {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, value) = text.split_once('=').map_or((text, None), |(kind, value)| (kind, Some(value.trim())));
        Ok(match (kind, value) {
            ("throttled", None) => Self::Throttled,
            ("refused", Some(value)) => {
                let (code, message) = value.split_once(':').unwrap_or((value, "Refused on request"));
                let known = |c: char| c.is_ascii_alphanumeric() || c == '.';
                if code.is_empty() || !code.chars().all(known) {
                    return Err(format!("\"{code}\" is no error code: give one such as refused=AccessDenied"));
                }
                Self::Refused(code.to_owned(), message.trim().to_owned())
            }
            ("request-lost", None) => Self::RequestLost,
            ("reply-lost", None) => Self::ReplyLost,
            ("cut", None) => Self::Cut,
            ("ignored", None) => Self::Ignored,
            ("stale", None) => Self::Stale,
            ("slow", Some(value)) => {
                let span: Span = value.parse().map_err(|error| format!("slow={value}: {error}"))?;
                if span > SLOWEST {
                    return Err(format!("slow={value}: {SLOWEST} is the most"));
                }
                Self::Slow(span)
            }
            _ => {
                return Err(format!(
                    "\"{text}\" is none of throttled, refused=CODE, request-lost, reply-lost, cut, ignored, stale and slow=5s"
                ));
            }
        })
    }
}

impl fmt::Display for How {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => out.write_str("throttled"),
            Self::Refused(code, message) => write!(out, "refused={code}: {message}"),
            Self::RequestLost => out.write_str("request-lost"),
            Self::ReplyLost => out.write_str("reply-lost"),
            Self::Cut => out.write_str("cut"),
            Self::Ignored => out.write_str("ignored"),
            Self::Stale => out.write_str("stale"),
            Self::Slow(span) => write!(out, "slow={span}"),
        }
    }
}

impl Serialize for How {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for How {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A rule that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InForce {
    /// Its number, by which it is ended.
    pub id: u32,
    /// What it says.
    #[serde(flatten)]
    pub rule: Rule,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many calls it has met.
    pub met: u32,
}

/// The rules that are in force. The first that fits a call decides.
#[derive(Debug, Default)]
pub struct Rules {
    all: Vec<InForce>,
    last_id: u32,
    /// How often the dice were thrown: the throws are the same in every run.
    throws: u64,
}

impl Rules {
    /// Adds a rule; its number.
    ///
    /// # Errors
    /// What is wrong with the rule, or that there are too many.
    pub fn add(&mut self, rule: Rule, now: Timestamp) -> Result<InForce, String> {
        self.expire(now);
        if rule.operation.is_empty() {
            return Err("the operation is missing; * is any".to_owned());
        }
        if rule.operation.len().max(rule.containing.as_ref().map_or(0, String::len)) > LONGEST {
            return Err(format!("a text is longer than {LONGEST} characters"));
        }
        if rule.percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
            return Err("percent must be from 1 to 100".to_owned());
        }
        is_known(&rule.operation)?;
        if self.all.len() >= MOST {
            return Err(format!("{MOST} faults are in force, which is the most: end some of them"));
        }
        self.last_id += 1;
        let until = rule.lasts.map(|span| span.after(now));
        let one = InForce { id: self.last_id, rule, until, met: 0 };
        self.all.push(one.clone());
        Ok(one)
    }

    /// The rules in force, oldest first.
    pub fn all(&mut self, now: Timestamp) -> &[InForce] {
        self.expire(now);
        &self.all
    }

    /// Ends one rule, or all of them; how many there were.
    pub fn end(&mut self, id: Option<u32>) -> usize {
        let before = self.all.len();
        self.all.retain(|one| id.is_some_and(|id| one.id != id));
        before - self.all.len()
    }

    /// The fault of a call.
    pub fn next(&mut self, request: &Request, now: Timestamp) -> Option<Fault> {
        if self.all.is_empty() {
            return None;
        }
        self.expire(now);
        let throws = &mut self.throws;
        let met = self.all.iter_mut().find(|one| fits(&one.rule, request) && falls(one.rule.percent, throws))?;
        met.met += 1;
        Some(met.rule.how.fault(request))
    }

    fn expire(&mut self, now: Timestamp) {
        let used = |one: &InForce| one.rule.times.is_some_and(|times| one.met >= times);
        self.all.retain(|one| !used(one) && one.until.is_none_or(|until| now < until));
    }
}

/// Whether there is an operation of this name, or one that fits the pattern.
///
/// # Errors
/// When there is none, with the names that are most like it: a fault that meets no call would be taken for one that does no harm.
fn is_known(pattern: &str) -> Result<(), String> {
    let all = members::all_operations();
    if all.iter().any(|operation| matches(pattern, operation)) {
        return Ok(());
    }
    // IAM writes the service before it.
    let name = pattern.rsplit(':').next().unwrap_or(pattern).replace('*', "").to_lowercase();
    let mut like: Vec<(usize, &str)> = all
        .into_iter()
        .map(|operation| (strsim::damerau_levenshtein(&name, &operation.to_lowercase()), operation))
        .collect();
    like.sort_unstable();
    let best = like.first().map_or(0, |(distance, _)| *distance);
    let is_near = |distance: usize| distance <= (name.len() / 3).max(1).min(best + 1);
    let nearest: Vec<String> = like
        .into_iter()
        .filter(|(distance, _)| is_near(*distance))
        .take(3)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    let help = match nearest.as_slice() {
        [] => "name one as AWS does, such as `ModifyListener`, or several with *, such as `Describe*`".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    Err(format!("the simulated AWS has no operation `{pattern}`; {help}"))
}

fn fits(rule: &Rule, request: &Request) -> bool {
    let contains = |text: &str| {
        request.params.names().any(|name| request.params.get(name).is_some_and(|value| value.contains(text)))
            || request.path.contains(text)
            || String::from_utf8_lossy(&request.body).contains(text)
    };
    matches(&rule.operation, &request.operation) && rule.containing.as_deref().is_none_or(contains)
}

/// Whether this throw of the dice falls under the share.
fn falls(percent: Option<u8>, throws: &mut u64) -> bool {
    let Some(percent) = percent else { return true };
    *throws += 1;
    // SplitMix64, whose numbers are even enough for a share. <https://prng.di.unimi.it/splitmix64.c>
    let mut mixed = throws.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % 100 < u64::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::wire::Params;

    fn rule(operation: &str, how: &str) -> Rule {
        let how = how.parse().unwrap();
        Rule { operation: operation.to_owned(), how, containing: None, percent: None, times: None, lasts: None }
    }

    fn request(operation: &str, params: &str) -> Request {
        let params = Params::decode(params.as_bytes());
        Request { service: "autoscaling".to_owned(), operation: operation.to_owned(), params, ..Request::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_operation_that_does_not_exist_is_refused_with_those_that_are_most_like_it() {
        let mut rules = Rules::default();
        let mut refused = |operation: &str| rules.add(rule(operation, "throttled"), at(0)).unwrap_err();
        let near = refused("DescribeInstanzes");
        assert!(
            near.starts_with(
                "the simulated AWS has no operation `DescribeInstanzes`; did you mean `DescribeInstances`"
            ),
            "{near}"
        );
        assert!(refused("ec2:DescribeImages").ends_with("did you mean `DescribeImages`?"));
        assert!(refused("Modifylistener").contains("did you mean `ModifyListener`"));
        assert!(refused("Descrbe*").contains("has no operation `Descrbe*`"));
        assert!(refused("x").contains("name one as AWS does, such as `ModifyListener`"));
        for known in ["*", "Describe*", "*Listener", "GetConsoleOutput", "GetCallerIdentity", "PutParameter"] {
            rules.add(rule(known, "throttled"), at(0)).unwrap();
        }
    }

    #[test]
    fn what_becomes_of_a_call_is_read_as_it_is_written() {
        for text in [
            "throttled",
            "refused=AccessDenied: no",
            "request-lost",
            "reply-lost",
            "cut",
            "ignored",
            "stale",
            "slow=5s",
        ] {
            assert_eq!(text.parse::<How>().unwrap().to_string(), text);
        }
        for wrong in ["", "refused", "refused=", "refused=a b", "slow", "slow=x", "slow=1h", "throttled=1", "lost"] {
            assert!(wrong.parse::<How>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rule_ends_after_its_times_and_after_its_time() {
        let mut rules = Rules::default();
        rules.add(Rule { times: Some(2), ..rule("CreateOrUpdateTags", "refused=AccessDenied") }, at(0)).unwrap();
        rules.add(Rule { lasts: Some(Span::seconds(60)), ..rule("Describe*", "reply-lost") }, at(0)).unwrap();
        let mut fault = |operation: &str, second| rules.next(&request(operation, ""), at(second));
        let refused = ApiError::new("AccessDenied", "Refused on request").with_status(403);
        assert_eq!(fault("CreateOrUpdateTags", 1), Some(Fault::Refuse(refused.clone())));
        assert_eq!(fault("DescribeTags", 2), Some(Fault::ReplyLost));
        assert_eq!(fault("CreateOrUpdateTags", 3), Some(Fault::Refuse(refused)));
        assert_eq!(fault("CreateOrUpdateTags", 4), None);
        assert_eq!(fault("DescribeTags", 60), None);
        assert!(rules.all(at(60)).is_empty());
    }

    #[test]
    fn a_rule_is_for_calls_that_contain_its_text_and_for_its_share_of_them() {
        let mut rules = Rules::default();
        rules.add(Rule { containing: Some("hello".to_owned()), ..rule("*", "stale") }, at(0)).unwrap();
        assert_eq!(rules.next(&request("A", "Name=shop"), at(0)), None);
        assert_eq!(rules.next(&request("A", "Name=hello-prod"), at(0)), Some(Fault::Stale));
        assert_eq!(rules.end(Some(7)), 0);
        assert_eq!(rules.end(None), 1);
        rules.add(Rule { percent: Some(30), ..rule("*", "throttled") }, at(0)).unwrap();
        let met = (0..1000).filter(|_| rules.next(&request("A", ""), at(0)).is_some()).count();
        assert!((250..350).contains(&met), "{met}");
    }

    #[test]
    fn rules_that_make_no_sense_or_are_too_many_are_refused() {
        let mut rules = Rules::default();
        assert!(rules.add(rule("", "stale"), at(0)).is_err());
        assert!(rules.add(Rule { percent: Some(0), ..rule("*", "stale") }, at(0)).is_err());
        assert!(rules.add(rule(&"x".repeat(LONGEST + 1), "stale"), at(0)).is_err());
        for _ in 0..MOST {
            rules.add(rule("*", "stale"), at(0)).unwrap();
        }
        assert!(rules.add(rule("*", "stale"), at(0)).unwrap_err().contains("the most"));
    }
}
