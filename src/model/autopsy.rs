//! Why a generation failed, as it is kept in SSM Parameter Store after its instances are gone: the whole reason, and the last
//! lines of an instance's console without what is secret in them.

use serde::{Deserialize, Serialize};

use super::launch::{LaunchData, Secret};
use super::names::{AppName, EnvironmentName, Generation};
use super::text::is_disturbing;
use super::time::Timestamp;

/// The most lines of a console that are kept, the most characters of one of them, and the most bytes of all: the whole record stays
/// within the 4 KB that a parameter holds for nothing.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
const LINES: usize = 30;
const LINE: usize = 160;
const ALL: usize = 2000;

/// The most characters of a reason that are kept.
const REASON: usize = 800;

/// Shorter texts are no secrets, and striking them out would leave nothing to read.
const LEAST: usize = 4;

/// What stands in the place of a secret.
const STRUCK: &str = "***";

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

    /// The same with a reason that is not longer than what is kept.
    pub fn bounded(mut self) -> Self {
        self.reason = cut(&self.reason, REASON);
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
        let mut lines: Vec<String> = Vec::new();
        let mut room = ALL;
        for line in struck.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()).take(LINES) {
            let line = cut(line, LINE);
            // As JSON writes it.
            let length = line.len() + line.matches(['"', '\\']).count();
            if length > room {
                break;
            }
            room -= length;
            lines.push(line);
        }
        lines.reverse();
        let without = lines.is_empty().then(|| "it has written nothing yet".to_owned());
        Self { instance: instance.to_owned(), lines, without }
    }

    /// No lines, and why.
    pub fn without(instance: &str, why: impl Into<String>) -> Self {
        Self { instance: instance.to_owned(), lines: Vec::new(), without: Some(why.into()) }
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

/// Everything of a launch template that must not be shown wherever it turns up: the values of a container's environment, and
/// of user data whole lines, what is assigned in them, and what looks like a key.
pub fn secrets(data: &LaunchData) -> Vec<String> {
    let environment = data.container.iter().flat_map(|container| container.env.values()).map(Secret::reveal);
    let mut all: Vec<String> = environment.flat_map(str::lines).map(|line| line.trim().to_owned()).collect();
    if let (Some(script), None) = (&data.user_data, &data.container) {
        script.reveal().lines().for_each(|line| all.extend(of_line(line)));
    }
    all.retain(|text| text.chars().count() >= LEAST);
    // The longest first: what is a part of another must not break it.
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    all.dedup();
    all
}

/// What may be secret in a line of a script.
fn of_line(line: &str) -> Vec<String> {
    let bare = |text: &str| text.trim_matches(|c| matches!(c, '"' | '\'' | ';' | ',' | '`')).to_owned();
    let line = line.trim();
    let mut found = Vec::new();
    if line.chars().count() > 12 && !line.starts_with('#') {
        found.push(line.to_owned());
    }
    let assigned = line.split_once(": ").into_iter().chain(line.split_once('=')).map(|(_, value)| value);
    found.extend(assigned.map(str::trim).map(bare));
    let mut is_named = false;
    for word in line.split_whitespace() {
        found.extend(word.split_once('=').map(|(_, value)| bare(value)));
        let word = bare(word);
        if is_named || is_key(&word) {
            found.push(word.clone());
        }
        let name = word.to_ascii_lowercase();
        is_named = ["password", "passwd", "secret", "token", "key"].iter().any(|what| name.contains(what));
    }
    found
}

/// Whether a word looks like a key: long, of letters and digits, and no path.
fn is_key(word: &str) -> bool {
    let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
    word.chars().count() >= 12
        && has(|c| c.is_ascii_digit())
        && has(|c| c.is_ascii_alphabetic())
        && !word.starts_with(['/', '-'])
}

/// Strikes out what is secret: these texts, and what looks like a token, an access key or a private key wherever it is from.
fn strike(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, STRUCK);
    }
    let mut in_key = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let begins = line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
        let ends = line.contains("-----END");
        if begins || in_key {
            in_key = !ends;
            lines.push(STRUCK.to_owned());
            continue;
        }
        lines.push(without_tokens(line));
    }
    lines.join("\n")
}

/// Without access keys, what follows `Bearer`, and values of what is called a password, secret, token or key.
fn without_tokens(line: &str) -> String {
    let mut is_secret_next = false;
    let words = line.split(' ').map(|word| {
        if word.is_empty() {
            return String::new();
        }
        let struck = is_secret_next;
        is_secret_next = word.to_ascii_lowercase().ends_with("bearer");
        if struck {
            return STRUCK.to_owned();
        }
        let Some(at) = word.find(['=', ':']).filter(|at| names_a_secret(&word[..*at])) else {
            return without_access_keys(word);
        };
        let (name, value) = word.split_at(at + 1);
        is_secret_next |= value.is_empty();
        if value.is_empty() { name.to_owned() } else { format!("{name}{STRUCK}") }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn names_a_secret(name: &str) -> bool {
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    ["password", "passwd", "secret", "token"].iter().any(|what| name.contains(what)) || name.ends_with("key")
}

/// A word in which every access key id of AWS's is struck out, whatever stands around it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn without_access_keys(word: &str) -> String {
    const LENGTH: usize = 20;
    let is_key = |text: &str| {
        let begins = text.starts_with("AKIA") || text.starts_with("ASIA");
        begins
            && text.bytes().take(LENGTH).filter(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()).count()
                == LENGTH
    };
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        if is_key(rest) {
            out.push_str(STRUCK);
            rest = &rest[LENGTH..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
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

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::container::Container;

    fn data(user_data: &str) -> LaunchData {
        LaunchData { user_data: Some(Secret::new(user_data)), ..LaunchData::default() }
    }

    #[test]
    fn what_is_called_a_secret_is_struck_out_of_a_line_whatever_its_form() {
        for (line, expected) in [
            ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE up", "AWS_ACCESS_KEY_ID=*** up"),
            ("{\"AccessKeyId\":\"ASIAIOSFODNN7EXAMPLE\"}", "{\"AccessKeyId\":\"***\"}"),
            ("db password=hunter2 tried", "db password=*** tried"),
            ("token: abc123 sent", "token: *** sent"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("aws_secret_access_key = x", "aws_secret_access_key = x"),
            (
                "hello[812]: ERROR cannot reach the database: connection refused",
                "hello[812]: ERROR cannot reach the database: connection refused",
            ),
        ] {
            assert_eq!(without_tokens(line).replace(STRUCK, "***"), expected, "{line}");
        }
    }

    #[test]
    fn the_last_lines_are_kept_within_bounds_and_without_commands_to_a_terminal() {
        let text = "[    0.0] Linux\r\n\u{1b}[1;31mhello\u{1b}[0m[812]: \tcannot bind\u{7}\u{202e}\n\n\n";
        assert_eq!(Console::read("i-1", text, &[]).lines, ["[    0.0] Linux", "hello[812]:  cannot bind"]);
        let long: String = (0..5000).map(|number| format!("line {number} {}\n", "x".repeat(500))).collect();
        let console = Console::read("i-1", &long, &[]);
        assert!(console.lines.len() <= LINES && console.lines.iter().all(|line| line.chars().count() <= LINE));
        assert!(console.lines.iter().map(|line| line.chars().count()).sum::<usize>() <= ALL);
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

    #[test]
    fn a_record_is_small_enough_for_a_parameter_that_costs_nothing() {
        let record = FailureRecord {
            app: "a".repeat(32).parse().unwrap(),
            environment: "production".parse().unwrap(),
            generation: Generation(42),
            image: "ami-0123456789abcdef0".to_owned(),
            at: "2026-08-01T10:07:00Z".parse().unwrap(),
            reason: "r".repeat(5000),
            serves: Some(Generation(41)),
            console: Some(Console::read("i-0123456789abcdef0", &"word and word\n".repeat(500), &[])),
        };
        let text = serde_json::to_string(&record.bounded()).unwrap();
        assert!(text.len() < 4096, "{}", text.len());
    }
}
