//! What is to be looked at again, and when: each thing at most once, at the earliest time anybody asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::Timestamp;

/// Things to look at again, by time.
#[derive(Clone, Debug)]
pub struct Agenda<K> {
    times: BTreeMap<K, Timestamp>,
    order: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self { times: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Agenda<K> {
    /// Asks for a look at `key` at `at`, or earlier if an earlier look is planned already.
    pub fn wake(&mut self, key: K, at: Timestamp) {
        if let Some(planned) = self.times.get(&key).copied() {
            if planned <= at {
                return;
            }
            self.order.remove(&(planned, key.clone()));
        }
        self.times.insert(key.clone(), at);
        self.order.insert((at, key));
    }

    /// Takes the first thing whose time has come.
    pub fn take_due(&mut self, now: Timestamp) -> Option<K> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.times.remove(&key);
        Some(key)
    }

    /// The time of the first look, later than `now` in any case: what was asked for too late happens next.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let soonest = now.checked_add(std::time::Duration::from_millis(1)).unwrap_or(Timestamp::MAX);
        self.order.first().map(|(at, _)| (*at).max(soonest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_thing_comes_once_at_the_earliest_time() {
        let mut agenda = Agenda::default();
        agenda.wake("a", at(30));
        agenda.wake("b", at(20));
        agenda.wake("a", at(10));
        agenda.wake("a", at(40));
        assert_eq!(agenda.next(at(0)), Some(at(10)));
        assert_eq!(agenda.take_due(at(25)), Some("a"));
        assert_eq!(agenda.take_due(at(25)), Some("b"));
        assert_eq!(agenda.take_due(at(99)), None);
    }

    #[test]
    fn a_late_entry_is_next_and_never_in_the_past() {
        let mut agenda = Agenda::default();
        agenda.wake("a", at(5));
        assert!(agenda.next(at(10)).is_some_and(|next| next > at(10) && next < at(11)));
    }
}
