//! The one clock of the process: real, accelerated or, under tokio's paused time, virtual.
//!
//! It starts at a given moment and then follows tokio's monotonic clock, so that a jump of the system's clock moves nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::time::Timestamp;

/// A clock that runs `speed` times as fast as tokio's.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch: Timestamp,
    start: Instant,
    speed: u32,
}

impl Clock {
    /// A clock that shows `epoch` now and runs `speed` times as fast as tokio's; a speed of 0 counts as 1.
    pub fn new(epoch: Timestamp, speed: u32) -> Self {
        Self { epoch, start: Instant::now(), speed: speed.max(1) }
    }

    /// The system's time, as it was when the clock was made and monotonic from then on.
    pub fn system() -> Self {
        Self::new(Timestamp::now(), 1)
    }

    /// The clock that `AMIABLE_SIM_CLOCK` describes, as `amiable sim` prints it: when it began, and how many times as
    /// fast as the real one it has run since then, such as `2026-11-02T12:00:00Z*60`. `None` when it makes no sense.
    pub fn like(description: &str) -> Option<Self> {
        let (began, speed) = description.split_once('*')?;
        let began: Timestamp = began.parse().ok()?;
        let speed: u32 = speed.parse().ok().filter(|speed| (1..=3600).contains(speed))?;
        let real = Duration::try_from(Timestamp::now().duration_since(began)).ok()?;
        Some(Self::new(began.checked_add(real.saturating_mul(speed)).ok()?, speed))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.start.elapsed().saturating_mul(self.speed);
        self.epoch.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Waits until `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.speed).await;
    }

    /// How many times as fast as tokio's clock it runs.
    pub fn speed(&self) -> u32 {
        self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_is_followed_from_another_process() {
        let began = Timestamp::now() - jiff::SignedDuration::from_secs(100);
        let clock = Clock::like(&format!("{began}*60")).unwrap();
        let ahead = clock.now().as_second() - Timestamp::now().as_second();
        assert!((5900..=6100).contains(&ahead), "100 s at 60 times the speed are 5,900 s ahead, not {ahead}");
        for nonsense in
            ["", "60", "now*60", "2026-11-02T12:00:00Z*0", "2026-11-02T12:00:00Z*99999", "9999-01-01T00:00:00Z*2"]
        {
            assert!(Clock::like(nonsense).is_none(), "{nonsense}");
        }
    }
}
