//! How far this machine's clock is from AWS's: every answer carries AWS's time in its `Date` header.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html>

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::clock::Clock;
use crate::model::time::Timestamp;

/// What answers said about the clock since the last look began. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Skew(Arc<Mutex<Option<Reading>>>);

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    /// How long the request took: the shorter, the more exact the comparison.
    took: SignedDuration,
    /// How far our clock is ahead; negative when it is behind.
    ahead: SignedDuration,
}

impl Skew {
    /// Begins anew: what was measured long ago says nothing about the clock now.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    /// How far our clock is ahead of AWS's at least, negative when it is behind; nothing when no answer said.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        self.lock().map(|reading| reading.ahead)
    }

    /// Compares the clock with the answer to a request that took from `sent` to `received`.
    fn note(&self, sent: Timestamp, received: Timestamp, date: &str) {
        let Ok(date) = DateTimeParser::new().parse_timestamp(date) else { return };
        let reading = Reading { took: received.duration_since(sent), ahead: ahead(sent, received, date) };
        let mut known = self.lock();
        if known.is_none_or(|known| reading.took < known.took) {
            *known = Some(reading);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far our clock is ahead at least. AWS wrote the date, which has whole seconds, between the two times, so that a slow
/// answer, or a process that slept meanwhile, is no difference.
fn ahead(sent: Timestamp, received: Timestamp, date: Timestamp) -> SignedDuration {
    let latest = date.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
    match () {
        () if sent > latest => sent.duration_since(latest),
        () if received < date => received.duration_since(date),
        () => SignedDuration::ZERO,
    }
}

/// When a request was sent.
#[derive(Clone, Copy, Debug)]
struct Sent(Timestamp);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

/// Reads the date of every answer.
#[derive(Debug)]
pub(super) struct ReadDates {
    pub(super) clock: Clock,
    pub(super) skew: Skew,
}

impl Intercept for ReadDates {
    fn name(&self) -> &'static str {
        "ReadDates"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(self.clock.now()));
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Sent(sent)), Some(date)) = (config.load::<Sent>(), context.response().headers().get("date")) {
            self.skew.note(*sent, self.clock.now(), date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_is_ahead_or_behind_only_as_far_as_the_way_there_and_back_cannot_explain() {
        let date = at("2026-11-02T12:00:00Z");
        for (sent, received, seconds) in [
            ("2026-11-02T11:59:59.9Z", "2026-11-02T12:00:00.1Z", 0),
            ("2026-11-02T12:00:00.2Z", "2026-11-02T12:00:00.9Z", 0),
            ("2026-11-02T12:06:01Z", "2026-11-02T12:06:02Z", 360),
            ("2026-11-02T11:53:58Z", "2026-11-02T11:54:00Z", -360),
            // The lid of a laptop was closed between request and answer, or in mid-answer.
            ("2026-11-02T11:59:59Z", "2026-11-02T12:06:00Z", 0),
            ("2026-11-02T11:54:00Z", "2026-11-02T12:00:01Z", 0),
        ] {
            assert_eq!(ahead(at(sent), at(received), date), SignedDuration::from_secs(seconds), "{sent} {received}");
        }
    }

    #[test]
    fn the_fastest_answer_says_how_far_the_clock_is_off() {
        let skew = Skew::default();
        assert_eq!(skew.ahead(), None);
        skew.note(at("2026-11-02T12:01:00Z"), at("2026-11-02T12:01:20Z"), "not a date");
        assert_eq!(skew.ahead(), None);
        skew.note(at("2026-11-02T12:01:00Z"), at("2026-11-02T12:01:20Z"), "Mon, 02 Nov 2026 12:00:18 GMT");
        assert_eq!(
            skew.ahead(),
            Some(SignedDuration::from_secs(41)),
            "of the minute, the request may have waited 19 s"
        );
        skew.note(at("2026-11-02T12:01:20Z"), at("2026-11-02T12:01:21Z"), "Mon, 02 Nov 2026 12:00:20 GMT");
        assert_eq!(skew.ahead(), Some(SignedDuration::from_secs(59)));
        skew.note(at("2026-11-02T12:01:21Z"), at("2026-11-02T12:01:31Z"), "Mon, 02 Nov 2026 12:00:30 GMT");
        assert_eq!(skew.ahead(), Some(SignedDuration::from_secs(59)));
        skew.forget();
        assert_eq!(skew.ahead(), None);
    }
}
