//! Things by name, shared between copies of the world until one of the copies changes them.
//!
//! Every mutating call copies the world, so that an observer sees what was there before. A copy of a shelf costs nothing;
//! the first change after it costs one reference per thing, however much the things hold.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A map in the order of its keys whose values are copied on write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf<T>(Arc<BTreeMap<Arc<str>, Arc<T>>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Shelf<T> {
    /// What has this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// What has this name, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        // Looking for what is not there must not cost a copy.
        if !self.0.contains_key(name) {
            return None;
        }
        Arc::make_mut(&mut self.0).get_mut(name).map(Arc::make_mut)
    }

    /// Whether anything has this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Puts something under a name, in the place of what had it.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, thing: T) {
        Arc::make_mut(&mut self.0).insert(name.into(), Arc::new(thing));
    }

    /// Takes away what has this name, and tells whether there was anything.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.contains_key(name) && Arc::make_mut(&mut self.0).remove(name).is_some()
    }

    /// Names with what they name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, thing)| (name.as_ref(), thing.as_ref()))
    }

    /// Names with what they name, from the first name after `name` on.
    pub fn after(&self, name: &str) -> impl Iterator<Item = (&str, &T)> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.0.range::<str, _>((Excluded(name), Unbounded)).map(|(name, thing)| (name.as_ref(), thing.as_ref()))
    }

    /// Everything, in the order of the names.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(Arc::as_ref)
    }

    /// Everything, to change it, in the order of the names.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().map(Arc::make_mut)
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(Arc::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_the_original_changes_later() {
        let mut shelf = Shelf::default();
        shelf.insert("a", vec![1]);
        let copy = shelf.clone();
        shelf.get_mut("a").unwrap().push(2);
        assert_eq!((copy.get("a").unwrap().len(), shelf.get("a").unwrap().len()), (1, 2));
    }

    #[test]
    fn a_walk_can_go_on_after_a_name_that_is_gone() {
        let mut shelf = Shelf::default();
        for name in ["a", "b", "d"] {
            shelf.insert(name, ());
        }
        shelf.remove("b");
        assert_eq!(shelf.after("b").map(|(name, ())| name).collect::<Vec<_>>(), ["d"]);
    }
}
