//! What the values of tags may hold.

use std::collections::BTreeMap;

use super::text::is_disturbing;

/// Tags as AWS holds them.
pub type Tags = BTreeMap<String, String>;

/// Longest value of a tag, in characters.
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
pub const MAX_VALUE: usize = 256;

/// Text as every AWS service takes it in a tag: letters, digits, spaces and `_ . : / = + - @`, at most 256 characters.
/// Anything else becomes a space.
pub fn value(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_alphanumeric() || "_.:/=+-@".contains(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(MAX_VALUE).collect::<String>().trim_end().to_owned()
}

/// Text as Auto Scaling takes it in the tag of a group, which is nearly everything; at most 256 characters. Characters that
/// are not seen, or that turn others round, become a space. What is cut ends in `…`.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Tag.html>
pub fn group_value(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_disturbing(c) { ' ' } else { c }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.chars().count() <= MAX_VALUE {
        return plain;
    }
    let cut: String = plain.chars().take(MAX_VALUE - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Text as every AWS service takes it in a tag, so that [`unescape`] brings it back: what is not plain is `=` and two
/// hexadecimal digits for each of its bytes.
pub fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/+-@ ".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("={byte:02X}") }).collect()
}

/// What was escaped; nothing when it was not.
pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'=' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
