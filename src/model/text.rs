//! Text that others wrote (tags, names, AWS's messages, answers over HTTP), as it may be shown: on one line, and without
//! anything that a terminal, a log or a CI runner would obey.
//!
//! It is cleaned where it enters, in `aws::codec`, `probe` and `manifest`. So no renderer has to think of it.

use serde_json::Value;

/// `text` on one line: white space of any kind is a space, and what a terminal would obey, or what reorders or hides the
/// characters beside it, is `U+FFFD`.
pub fn cleaned(text: &str) -> String {
    text.chars().map(clean).collect()
}

/// The same for every string of a JSON value, keys of objects among them.
pub fn cleaned_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cleaned(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(cleaned_json).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (cleaned(&key), cleaned_json(value))).collect())
        }
        other => other,
    }
}

fn clean(character: char) -> char {
    match character {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        character if is_disturbing(character) => char::REPLACEMENT_CHARACTER,
        character => character,
    }
}

/// Control characters (C0, DEL and C1), and those that reorder or hide what follows.
/// <https://www.unicode.org/reports/tr9/#Explicit_Directional_Formatting_Characters>
pub fn is_disturbing(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text without a secret in it: every occurrence is `***`, and so is the beginning of one at the end of the text, which may
/// have been cut there. Secrets of fewer than four characters are left, for they would strike out half of any text.
pub fn without_secret(text: &str, secret: &str) -> String {
    const STRUCK_OUT: &str = "***";
    let secret = secret.trim();
    if secret.len() < 4 {
        return text.to_owned();
    }
    let mut left = text.replace(secret, STRUCK_OUT);
    let starts = (4..secret.len()).rev().filter(|end| secret.is_char_boundary(*end));
    if let Some(cut) = starts.map(|end| &secret[..end]).find(|start| left.ends_with(start)) {
        left.truncate(left.len() - cut.len());
        left.push_str(STRUCK_OUT);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_on_its_line_and_gives_no_orders() {
        for (text, expected) in [
            ("1.9.0", "1.9.0"),
            ("grün · 日本語 ✓ é", "grün · 日本語 ✓ é"),
            ("1.0\n::error::pwned", "1.0 ::error::pwned"),
            ("red\u{1b}[31m", "red\u{fffd}[31m"),
            ("c1\u{9b}31m", "c1\u{fffd}31m"),
            ("\u{202e}txt.exe", "\u{fffd}txt.exe"),
            ("a\u{2028}b\u{2029}c\u{85}d\te\r\nf", "a b c d e  f"),
            ("zero\u{200b}width\u{feff}", "zero\u{fffd}width\u{fffd}"),
        ] {
            assert_eq!(cleaned(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_string_of_a_json_value_is_cleaned() {
        let value = serde_json::json!({"by\u{1b}": ["a\nb", {"deep": "\u{202e}"}], "number": 7});
        assert_eq!(cleaned_json(value), serde_json::json!({"by\u{fffd}": ["a b", {"deep": "\u{fffd}"}], "number": 7}));
    }

    #[test]
    fn a_secret_is_struck_out_wherever_it_stands() {
        assert_eq!(without_secret("Bearer s3cr3t, again s3cr3t", "s3cr3t\n"), "Bearer ***, again ***");
        assert_eq!(without_secret("it was s3cr", "s3cr3t"), "it was ***", "the text was cut within it");
        assert_eq!(without_secret("abc", "a"), "abc");
        assert_eq!(without_secret("abc", ""), "abc");
    }
}
