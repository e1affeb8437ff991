//! What must not be shown of a console's text: the secrets of the launch template, and what looks like one wherever it is from.

use super::launch::LaunchData;
use super::secret::Secret;
use super::text::without_secret;

/// Shorter texts are no secrets, and striking them out would leave nothing to read.
const LEAST: usize = 4;

/// What stands in the place of a secret.
pub(super) const STRUCK: &str = "***";

/// How the keys and tokens of well-known services begin, and a JSON web token.
const KNOWN: [&str; 12] =
    ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk_live_", "sk-", "AIza", "eyJ"];

/// From this length on, a word that begins like that is one.
const KNOWN_LENGTH: usize = 16;

/// From this length on, a word of base64 with letters of both cases and digits is a key: AWS's have forty characters, and a
/// line of a private key has 64.
const BLOB_LENGTH: usize = 40;

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
pub(super) fn strike(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = without_secret(&text, secret);
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
        lines.push(of_console(line));
    }
    lines.join("\n")
}

/// What comes next in a line.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    /// Nothing secret is known of it.
    Shown,
    /// A name of a secret stood alone: `=` or `:` makes what follows its value.
    Named,
    /// A secret.
    Secret,
    /// The rest of a secret, up to this quotation mark.
    Until(char),
}

/// A line without access keys, tokens, passwords in addresses, and the values of what is called a password, secret, token, key
/// or cookie.
fn of_console(line: &str) -> String {
    let mut next = Next::Shown;
    let mut words = Vec::new();
    for word in line.split(' ') {
        if word.is_empty() {
            words.push(String::new());
            continue;
        }
        let is_sign = matches!(word, "=" | ":" | ":=" | "=>");
        next = match next {
            Next::Named | Next::Secret if is_sign => {
                words.push(word.to_owned());
                Next::Secret
            }
            Next::Until(mark) => {
                words.push(STRUCK.to_owned());
                if word.contains(mark) { Next::Shown } else { next }
            }
            Next::Secret => {
                let is_scheme = ["basic", "bearer", "token"].contains(&word.to_ascii_lowercase().as_str());
                words.push(if is_scheme { word } else { STRUCK }.to_owned());
                if is_scheme { next } else { open_quote(word).map_or(Next::Shown, Next::Until) }
            }
            Next::Shown | Next::Named => {
                let (shown, next) = of_word(word);
                words.push(shown);
                next
            }
        };
    }
    words.join(" ")
}

/// A word as it may be shown, and what that means for the next one.
fn of_word(word: &str) -> (String, Next) {
    const ENDS: [char; 16] = ['&', '?', ';', ',', '{', '}', '(', ')', '[', ']', '<', '>', '/', '=', ':', '@'];
    let named = word.char_indices().filter(|(_, c)| matches!(c, '=' | ':')).find(|(at, _)| {
        let name = word[..*at].rsplit(ENDS).next().unwrap_or_default();
        names_a_secret(name)
    });
    if let Some((at, _)) = named {
        let (name, value) = word.split_at(at + 1);
        let name = without_keys(name);
        return match value.trim_matches(['"', '\'']) {
            "" if !value.is_empty() => (format!("{name}{STRUCK}"), open_quote(value).map_or(Next::Shown, Next::Until)),
            "" => (name, Next::Secret),
            _ => (format!("{name}{STRUCK}"), open_quote(value).map_or(Next::Shown, Next::Until)),
        };
    }
    let lower = word.to_ascii_lowercase();
    let next = match () {
        () if lower.ends_with("bearer") || (word.starts_with('-') && names_a_secret(word)) => Next::Secret,
        () if names_a_secret(word) => Next::Named,
        () => Next::Shown,
    };
    (without_keys(&without_password(word)), next)
}

/// The mark of a quotation that begins with a text and does not end in it.
fn open_quote(text: &str) -> Option<char> {
    let mark = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    (!text[1..].contains(mark)).then_some(mark)
}

fn names_a_secret(name: &str) -> bool {
    const PARTS: [&str; 8] =
        ["password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "cookie"];
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    PARTS.iter().any(|what| name.contains(what)) || name.ends_with("key") || name.ends_with("_pwd")
}

/// A word without the password of an address: `postgres://app:***@db/app`.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password may have any of these characters in it, too.
    let end = if authority.contains('@') { authority.len() } else { rest.len() };
    let Some(at) = rest[..end].rfind('@') else { return word.to_owned() };
    let user = match rest[..at].split_once(':') {
        Some((user, _)) => format!("{user}:"),
        None => String::new(),
    };
    format!("{scheme}://{user}{STRUCK}{}", &rest[at..])
}

/// A word in which whatever looks like a key is struck out: access key ids of AWS, the tokens of well-known services, and what
/// is as long and as mixed as a secret key.
fn without_keys(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let run = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        if run.is_empty() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let is_known = run.len() >= KNOWN_LENGTH && KNOWN.iter().any(|begin| run.starts_with(begin));
        out.push_str(&if is_known || is_blob(run) { STRUCK.to_owned() } else { without_access_keys(run) });
        rest = &rest[run.len()..];
    }
    out
}

/// Whether it is as long and as mixed as a secret key, and neither a path nor a digest in hexadecimal digits.
fn is_blob(run: &str) -> bool {
    let has = |is: fn(&u8) -> bool| run.bytes().any(|byte| is(&byte));
    run.len() >= BLOB_LENGTH
        && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && !run.starts_with('/')
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_called_a_secret_is_struck_out_of_a_line_whatever_its_form() {
        for (line, expected) in [
            ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE up", "AWS_ACCESS_KEY_ID=*** up"),
            ("{\"AccessKeyId\":\"ASIAIOSFODNN7EXAMPLE\"}", "{\"AccessKeyId\":\"***\"}"),
            ("db password=hunter2 tried", "db password=*** tried"),
            ("db password=a&b,c;d tried", "db password=*** tried"),
            ("password=\"two words\" tried", "password=*** *** tried"),
            ("DB_PASSWORD = 'two words' tried", "DB_PASSWORD = *** *** tried"),
            ("token: abc123 sent", "token: *** sent"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic ***"),
            ("Set-Cookie: session=abc", "Set-Cookie: ***"),
            ("aws_secret_access_key = x", "aws_secret_access_key = ***"),
            ("mysql --password hunter2 app", "mysql --password *** app"),
            ("\"password\": \"hunter2\", \"user\": \"a\"", "\"password\": *** \"user\": \"a\""),
            ("GET https://x.test/a?b=c&token=hunter2&d=e", "GET https://x.test/a?b=c&token=***"),
            ("at postgres://app:hunter2@db:5432/app now", "at postgres://app:***@db:5432/app now"),
            ("at postgres://app:hun/ter2@db:5432/app now", "at postgres://app:***@db:5432/app now"),
            ("clone https://hunter2@git.test/app", "clone https://***@git.test/app"),
            ("used ghp_0123456789abcdefABCDEF", "used ***"),
            ("got (eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln)", "got (***)"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0 refused", "*** refused"),
            ("DB_PWD=hunter2", "DB_PWD=***"),
            // What is nothing of that kind is shown.
            (
                "hello[812]: ERROR cannot reach the database: connection refused",
                "hello[812]: ERROR cannot reach the database: connection refused",
            ),
            ("the token has expired at https://auth.test/", "the token has expired at https://auth.test/"),
            (
                "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 pulled",
                "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 pulled",
            ),
        ] {
            assert_eq!(of_console(line), expected, "{line}");
        }
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_text_that_was_cut_is_struck_out_too() {
        assert_eq!(strike("said canary-o", &["canary-one".to_owned()]), "said ***");
    }

    proptest! {
        /// A value that is named as one in any of these forms is nowhere in what is left.
        #[test]
        fn a_value_that_is_named_is_nowhere_in_what_is_shown(
            value in "[a-zA-Z0-9!#$%*+.&?;,/|~^-]{6,40}",
            form in 0..9_usize,
            before in "[a-z ]{0,20}",
            after in "[a-z ]{0,20}",
        ) {
            prop_assume!(value != "bearer" && !value.eq_ignore_ascii_case("bearer"));
            let named = match form {
                0 => format!("password={value}"),
                1 => format!("DB_PASSWORD = {value}"),
                2 => format!("\"secret\": \"{value}\""),
                3 => format!("api_key='{value}'"),
                4 => format!("Authorization: Bearer {value}"),
                5 => format!("--token {value}"),
                6 => format!("token: {value}"),
                7 => format!("X-Api-Key: {value}"),
                _ => format!("https://x.test/?token={value}"),
            };
            let shown = of_console(&format!("{before} {named} {after}"));
            prop_assert!(!shown.contains(&value), "{shown}");
        }

        /// Whatever text it is, it is struck without a panic.
        #[test]
        fn any_text_can_be_struck(text in "\\PC{0,200}", secret in "\\PC{0,12}") {
            let _ = strike(&text, &[secret]);
        }
    }
}
