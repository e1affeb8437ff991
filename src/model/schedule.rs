//! Times that come again: a cron expression in a time zone.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::time::Timestamp;

/// Times that come again, as Auto Scaling understands them: five fields, minute first, in a time zone.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/scheduled-scaling-schedule-types.html>
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The cron expression.
    #[serde(rename = "schedule")]
    pub cron: String,
    /// The name of the time zone, such as `Europe/Berlin`.
    pub time_zone: String,
}

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields, or one of them cannot be.
    #[error("{0}")]
    Cron(String),
    /// There is no such zone.
    #[error("there is no time zone of that name")]
    TimeZone,
}

impl Schedule {
    /// What is wrong with a cron expression, if anything is.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check_cron(cron: &str) -> Result<(), ScheduleError> {
        parse(cron).map(drop)
    }

    /// What is wrong with the name of a time zone, if anything is.
    ///
    /// # Errors
    /// That there is none of that name.
    pub fn check_time_zone(name: &str) -> Result<(), ScheduleError> {
        TimeZone::get(name).map(drop).map_err(|_| ScheduleError::TimeZone)
    }

    /// The last of these times that is not after `at`.
    pub fn last(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let last = parse(&self.cron).ok()?.find_previous_occurrence(&at.to_zoned(zone), true).ok()?;
        Some(last.timestamp())
    }

    /// The first of these times that is after `at`.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let next = parse(&self.cron).ok()?.find_next_occurrence(&at.to_zoned(zone), false).ok()?;
        Some(next.timestamp())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.cron, self.time_zone)
    }
}

fn parse(cron: &str) -> Result<Cron, ScheduleError> {
    // Characters that other crons know and Auto Scaling does not.
    let plain = |c: char| c.is_ascii_alphanumeric() || " *,-/".contains(c);
    // Letters only stand in the names of days and months.
    let is_name = |word: &str| word.is_empty() || word.len() == 3;
    let names = cron.split(|c: char| !c.is_ascii_alphabetic()).all(is_name);
    if !cron.chars().all(plain) || !names || cron.split(' ').filter(|field| !field.is_empty()).count() != 5 {
        return Err(ScheduleError::Cron(
            "five fields are wanted: minute, hour, day, month, day of the week".to_owned(),
        ));
    }
    if let Some(wrong) = cron.split_whitespace().zip(FIELDS).find_map(|(field, limits)| out_of_range(field, limits)) {
        return Err(ScheduleError::Cron(wrong));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    // The parser's own words are about its insides.
    parser.parse(cron).map_err(|_| ScheduleError::Cron("one of its fields cannot be understood".to_owned()))
}

/// The fields of a cron expression, and from where to where each goes. Sunday is 0 and 7.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];

/// What is wrong with the numbers of a field. After a slash stands a step, which is no point in time.
fn out_of_range(field: &str, (name, least, most): (&str, u32, u32)) -> Option<String> {
    let points = field.split(',').filter_map(|part| part.split('/').next()).flat_map(|range| range.split('-'));
    let numbers = points.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let wrong = |text: &&str| !text.parse().is_ok_and(|number: u32| (least..=most).contains(&number));
    let text: String = numbers.filter(|text| wrong(text)).map(|text| text.chars().take(8).collect()).next()?;
    Some(format!("the {name} is from {least} to {most}, and {text} is not"))
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// A cron expression in UTC.
    fn from_str(cron: &str) -> Result<Self, Self::Err> {
        Self::check_cron(cron)?;
        Ok(Self { cron: cron.to_owned(), time_zone: "UTC".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn in_zone(cron: &str, time_zone: &str) -> Schedule {
        Schedule { cron: cron.to_owned(), time_zone: time_zone.to_owned() }
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_said_in_its_own_words() {
        let why = |cron: &str| Schedule::check_cron(cron).unwrap_err().to_string();
        assert_eq!(why("0 25 * * *"), "the hour is from 0 to 23, and 25 is not");
        assert_eq!(why("0 8 1-32 * *"), "the day of the month is from 1 to 31, and 32 is not");
        assert_eq!(why("0 8 * * mon-xyz"), "one of its fields cannot be understood");
        assert!(Schedule::check_cron("*/15 8-17/2 1,15 jan-mar 1-5").is_ok());
    }

    #[test]
    fn times_come_again_in_their_zone() {
        let mornings = in_zone("0 8 * * 1-5", "Europe/Berlin");
        // The second of November 2026 is a Monday; Berlin is an hour ahead in winter.
        assert_eq!(mornings.last(at("2026-11-02T07:00:00Z")), Some(at("2026-11-02T07:00:00Z")));
        assert_eq!(mornings.last(at("2026-11-02T06:59:59Z")), Some(at("2026-10-30T07:00:00Z")));
        assert_eq!(mornings.next(at("2026-11-02T07:00:00Z")), Some(at("2026-11-03T07:00:00Z")));
        let summer = in_zone("30 2 * * *", "UTC");
        assert_eq!(summer.next(at("2026-07-01T02:30:00Z")), Some(at("2026-07-02T02:30:00Z")));
    }

    #[test]
    fn what_auto_scaling_does_not_understand_is_refused() {
        for cron in ["0 8 * * *", "*/10 0-5 1,15 * MON-FRI", "0 0 1 JAN *"] {
            assert_eq!(Schedule::check_cron(cron), Ok(()), "{cron}");
        }
        for cron in
            ["", "8", "0 8 * *", "0 0 8 * * *", "@daily", "0 25 * * *", "0 8 L * *", "0 8 * * 5#2", "60 * * * *"]
        {
            assert!(Schedule::check_cron(cron).is_err(), "{cron}");
        }
        assert!(Schedule::check_time_zone("America/Los_Angeles").is_ok());
        assert!(Schedule::check_time_zone("Mars/Base").is_err());
    }
}
