//! Regular expressions, as manifests give them.

use regex_lite::{Regex, RegexBuilder};

/// The longest expression.
pub const MOST: usize = 1000;

/// A regular expression that takes linear time on any text.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > MOST {
            return Err(format!("it is longer than {MOST} characters"));
        }
        RegexBuilder::new(text).size_limit(1 << 20).build().map(Self).map_err(|error| error.to_string())
    }

    /// Whether it matches somewhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_match_anywhere_and_wrong_ones_are_refused() {
        assert!(Pattern::new("v1\\.[0-9]+").unwrap().is_in("this is v1.12"));
        assert!(!Pattern::new("^v1").unwrap().is_in("this is v1.12"));
        assert!(Pattern::new("(").is_err());
        assert!(Pattern::new(&"a".repeat(MOST + 1)).is_err());
        assert!(Pattern::new("((a{100}){100}){100}").is_err());
    }
}
