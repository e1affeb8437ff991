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
