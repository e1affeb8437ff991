//! The one clock of the process: real, accelerated or, under tokio's paused time, virtual.
//!
//! The real one is the system's clock as it is now: what is monotonic since the start of the process does not count the
//! time that a laptop slept or a virtual machine stood still, nor what NTP has put right, and requests would be signed in
//! the past. Any other starts at a given moment and then follows tokio's monotonic clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::time::Timestamp;

/// The system's clock, or one that runs `speed` times as fast as tokio's.
#[derive(Clone, Debug)]
pub struct Clock {
    hands: Hands,
    speed: u32,
}

/// What a clock follows.
#[derive(Clone, Copy, Debug)]
enum Hands {
    /// The system's clock.
    System,
    /// Tokio's clock, from this time on.
    Since { epoch: Timestamp, start: Instant },
}

impl Clock {
    /// A clock that shows `epoch` now and runs `speed` times as fast as tokio's; a speed of 0 counts as 1.
    pub fn new(epoch: Timestamp, speed: u32) -> Self {
        Self { hands: Hands::Since { epoch, start: Instant::now() }, speed: speed.max(1) }
    }

    /// The system's clock, wherever it goes.
    pub fn system() -> Self {
        Self { hands: Hands::System, speed: 1 }
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
        match self.hands {
            Hands::System => Timestamp::now(),
            Hands::Since { epoch, start } => {
                epoch.checked_add(start.elapsed().saturating_mul(self.speed)).unwrap_or(Timestamp::MAX)
            }
        }
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

    #[tokio::test(start_paused = true)]
    async fn the_real_clock_is_the_systems_and_any_other_follows_tokios() {
        let (real, other) = (Clock::system(), Clock::new(Timestamp::UNIX_EPOCH, 2));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let off = real.now().duration_since(Timestamp::now()).abs();
        assert!(off < jiff::SignedDuration::from_secs(60), "an hour of a process that slept is no hour: {off}");
        assert_eq!(other.now().as_second(), 7200);
    }

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
