//! Spans, ages and points in time, and what is waited for.

use super::plain;
use crate::model::plan::Wait;
use crate::model::time::{Span, Timestamp};

/// Instances times time: `7 instance-hours`, `0.4 instance-hours`.
pub fn instance_hours(seconds: u64) -> String {
    let tenths = (seconds + 180) / 360;
    match tenths {
        0..100 => format!("{}.{} instance-hours", tenths / 10, tenths % 10),
        _ => format!("{} instance-hours", (seconds + 1800) / 3600),
    }
}

/// A length of time as people say it: `45 seconds`, `9 minutes`, `2 hours`.
pub fn rough(span: Span) -> String {
    let seconds = span.as_seconds();
    let (number, unit) = match seconds {
        0..90 => (seconds, "second"),
        90..5400 => ((seconds + 30) / 60, "minute"),
        5400..172_800 => ((seconds + 1800) / 3600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// An age in its largest unit: `45s`, `9m`, `2h`, `12d`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = Span::between(since, now).as_seconds();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A point in time in UTC: the time of day alone on the day of `now`, with seconds where they matter.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    const SOON_SECONDS: i64 = 600;
    if (at.as_second() - now.as_second()).abs() < SOON_SECONDS {
        return at.strftime("%H:%M:%S UTC").to_string();
    }
    let day = "%Y-%m-%d";
    let format =
        if at.strftime(day).to_string() == now.strftime(day).to_string() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.strftime(format).to_string()
}

/// A line for a wait: `waits for v042 to be healthy, 3/6 now, until 12:20 UTC`.
pub fn wait_line(one: &Wait, now: Timestamp) -> String {
    format!("{} {}", if one.cleanup { "clean-up waits for" } else { "waits for" }, wait(one, now))
}

/// What is waited for, and until when: `v042 to be healthy, 3/6 now, until 12:20 UTC`.
pub fn wait(wait: &Wait, now: Timestamp) -> String {
    match wait.until {
        Some(until) => format!("{}, until {}", plain(&wait.what), moment(until, now)),
        None => plain(&wait.what),
    }
}
