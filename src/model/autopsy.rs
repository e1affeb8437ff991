//! Why a generation failed, as it is kept in SSM Parameter Store after its instances are gone: the whole reason, and the last
//! lines of an instance's console without what is secret in them.

use serde::{Deserialize, Serialize};

use super::names::{AppName, EnvironmentName, Generation};
use super::parameter;
pub use super::redact::secrets;
use super::redact::strike;
use super::text::is_disturbing;
use super::time::Timestamp;

/// The most lines of a console that are kept, and the most characters of one of them.
const LINES: usize = 30;
const LINE: usize = 160;

/// The most bytes of the texts of a record, as its JSON writes them: of a reason, of why there is no console, and of the names
/// that somebody else may have given. Lines of the console have what is left.
const REASON: usize = 1600;
const WHY: usize = 400;
const NAME: usize = 200;

/// Why there are no lines of a console as long as it is empty. It stands in records: one that says so is completed later.
const NOTHING_YET: &str = "EC2 shows no text of it yet";

/// Why a generation failed. One JSON document per app and environment; its versions are the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The generation that failed.
    pub generation: Generation,
    /// Its image.
    pub image: String,
    /// When it was found to have failed.
    pub at: Timestamp,
    /// Why, in whole.
    pub reason: String,
    /// The generation that served then; nothing when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<Generation>,
    /// What one of its instances said last; nothing as long as nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
}

impl FailureRecord {
    /// Whether it is about this failure of this generation.
    pub fn is_of(&self, generation: Generation, at: Timestamp) -> bool {
        self.generation == generation && self.at == at
    }

    /// The same, no larger than what a parameter holds for nothing: the texts are cut, and the oldest lines of the console go.
    pub fn bounded(mut self) -> Self {
        self.reason = cut_encoded(&self.reason, REASON);
        self.image = cut_encoded(&self.image, NAME);
        if let Some(console) = &mut self.console {
            console.instance = cut_encoded(&console.instance, NAME);
            console.without = console.without.take().map(|why| cut_encoded(&why, WHY));
        }
        while encoded(&self) > parameter::FREE {
            let Some(console) = self.console.as_mut().filter(|console| !console.lines.is_empty()) else { break };
            console.lines.remove(0);
        }
        self
    }
}

/// The end of an instance's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Console {
    /// The instance.
    pub instance: String,
    /// Its last lines, the newest last; what is secret in them is struck out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
}

impl Console {
    /// The end of what an instance wrote to its console, with these secrets struck out.
    pub fn read(instance: &str, text: &str, secrets: &[String]) -> Self {
        let struck = strike(&plain(text), secrets);
        let written = struck.lines().rev().map(str::trim_end).filter(|line| !line.is_empty());
        let mut lines: Vec<String> = written.take(LINES).map(|line| cut(line, LINE)).collect();
        lines.reverse();
        let without = lines.is_empty().then(|| NOTHING_YET.to_owned());
        Self { instance: instance.to_owned(), lines, without }
    }

    /// No lines, and why.
    pub fn without(instance: &str, why: impl Into<String>) -> Self {
        Self { instance: instance.to_owned(), lines: Vec::new(), without: Some(why.into()) }
    }

    /// No lines, because EC2 has none yet: it posts what an instance writes some minutes later, but for those on its Nitro system.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html>
    pub fn not_yet(instance: &str) -> Self {
        Self::without(instance, NOTHING_YET)
    }

    /// Whether there were no lines yet, so that there may be some later.
    pub fn may_come(&self) -> bool {
        self.lines.is_empty() && self.without.as_deref() == Some(NOTHING_YET)
    }

    /// `the console of i-0abc ended with: …`, or why there is nothing of it.
    pub fn last_words(&self) -> String {
        match (self.lines.last(), &self.without) {
            (Some(line), _) => format!("the console of {} ended with: {line}", self.instance),
            (None, Some(why)) => format!("nothing is known from the console of {}: {why}", self.instance),
            (None, None) => format!("nothing is known from the console of {}", self.instance),
        }
    }
}

/// Without the commands to a terminal, and anything else that is not to be seen.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\n' => out.push('\n'),
            '\r' => {}
            '\t' => out.push(' '),
            '\u{1b}' => {
                // `ESC [ … letter` is a colour or a movement.
                if rest.clone().next() == Some('[') {
                    rest.by_ref().skip(1).find(char::is_ascii_alphabetic);
                }
            }
            c if is_disturbing(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// How many bytes a value has as a parameter holds it.
fn encoded<T: Serialize>(value: &T) -> usize {
    parameter::encode(value).map_or(usize::MAX, |text| text.len())
}

/// A text that has no more bytes than that as JSON writes it, with its quotation marks.
fn cut_encoded(text: &str, most: usize) -> String {
    if encoded(&text) <= most {
        return text.to_owned();
    }
    let (mut low, mut high) = (0, text.chars().count());
    // The longest beginning that fits.
    while low < high {
        let middle = (low + high).div_ceil(2);
        if encoded(&cut(text, middle)) <= most { low = middle } else { high = middle - 1 }
    }
    cut(text, low)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::container::Container;
    use crate::model::launch::{LaunchData, Secret};

    fn data(user_data: &str) -> LaunchData {
        LaunchData { user_data: Some(Secret::new(user_data)), ..LaunchData::default() }
    }

    #[test]
    fn the_last_lines_are_kept_within_bounds_and_without_commands_to_a_terminal() {
        let text = "[    0.0] Linux\r\n\u{1b}[1;31mhello\u{1b}[0m[812]: \tcannot bind\u{7}\u{202e}\n\n\n";
        assert_eq!(Console::read("i-1", text, &[]).lines, ["[    0.0] Linux", "hello[812]:  cannot bind"]);
        let long: String = (0..5000).map(|number| format!("line {number} {}\n", "x".repeat(500))).collect();
        let console = Console::read("i-1", &long, &[]);
        assert!(console.lines.len() <= LINES && console.lines.iter().all(|line| line.chars().count() <= LINE));
        assert!(console.lines.last().unwrap().starts_with("line 4999 "), "the newest is last");
        assert!(Console::read("i-1", "\n \n", &[]).without.is_some());
        assert!(console.last_words().starts_with("the console of i-1 ended with: line 4999"));
    }

    #[test]
    fn what_is_secret_never_reaches_the_lines() {
        let user_data = "#!/bin/sh\nset -x\nexport DB_PASSWORD='canary-one'\ncurl -H \"X-Key: canary-two\" https://x\n\
                         mysql --password canary3 app\nvalue: \"canary4four\"\nrun A1b2C3d4E5f6G7\n";
        let text = "+ export DB_PASSWORD=canary-one\n+ curl -H X-Key: canary-two https://x\ncanary3 refused\n\
                    saw canary4four\nwith A1b2C3d4E5f6G7 said no\nAuthorization: Bearer canary5 end\n\
                    key AKIAIOSFODNN7EXAMPLE used\n-----BEGIN RSA PRIVATE KEY-----\ncanary6\n-----END RSA PRIVATE KEY-----\n\
                    hello: connection refused\n";
        let console = Console::read("i-1", text, &secrets(&data(user_data)));
        let all = console.lines.join("\n");
        for canary in ["canary", "A1b2C3d4E5f6G7", "AKIAIOSFODNN7EXAMPLE"] {
            assert!(!all.contains(canary), "{canary} in {all}");
        }
        assert!(all.ends_with("hello: connection refused"), "{all}");

        let env = [("TOKEN".to_owned(), Secret::new("canary\"7 x")), ("SHORT".to_owned(), Secret::new("on"))].into();
        let container = Container { image: "hello".to_owned(), ports: None, env, command: Vec::new() };
        let data = LaunchData { container: Some(container), ..LaunchData::default() };
        let console = Console::read("i-1", "token is canary\"7 x, on port 80", &secrets(&data));
        assert_eq!(console.lines, ["token is ***, on port 80"]);
    }

    fn record(reason: String, console: Option<Console>) -> FailureRecord {
        FailureRecord {
            app: "a".repeat(32).parse().unwrap(),
            environment: "production".parse().unwrap(),
            generation: Generation(42),
            image: "ami-0123456789abcdef0".to_owned(),
            at: "2026-08-01T10:07:00Z".parse().unwrap(),
            reason,
            serves: Some(Generation(41)),
            console,
        }
    }

    #[test]
    fn a_record_is_small_enough_for_a_parameter_that_costs_nothing() {
        for word in ["word and word", "\"\"\"\"", "\\\\\\", "日本語 ✓", "{{{{ }}}}", "\u{1}\u{1f}", "🦀🦀🦀"]
        {
            let lines = format!("{}\n", word.repeat(20)).repeat(500);
            let record = record(word.repeat(5000), Some(Console::read("i-0123456789abcdef0", &lines, &[]))).bounded();
            assert!(encoded(&record) <= parameter::FREE, "{word}: {}", encoded(&record));
            let console = record.console.unwrap();
            assert!(!console.lines.is_empty() || console.without.is_some(), "{word}: the newest lines stay");
            assert!(record.reason.chars().count() > 200, "{word}: {}", record.reason);
        }
    }

    proptest! {
        /// Whatever AWS, a console and people have written, in any script: the bound holds, and what is kept reads back.
        #[test]
        fn a_record_never_has_more_bytes_than_a_parameter_that_costs_nothing(
            reason in "\\PC{0,3000}",
            image in "\\PC{0,300}",
            instance in "\\PC{0,300}",
            without in proptest::option::of("\\PC{0,1500}"),
            text in proptest::collection::vec("(?s).{0,200}", 0..40),
        ) {
            let lines = Console::read(&instance, &text.join("\n"), &[]).lines;
            let console = Console { instance, lines, without };
            let record = FailureRecord { image, ..record(reason, Some(console)) }.bounded();
            let text = parameter::encode(&record).unwrap();
            prop_assert!(text.len() <= parameter::FREE, "{}", text.len());
            prop_assert!(!text.contains("{{"));
            prop_assert_eq!(serde_json::from_str::<FailureRecord>(&text).unwrap(), record);
        }
    }
}
