//! What of a manifest's text is never shown: found in the text itself, so that it also works on what is not YAML.

use std::ops::Range;

/// The stretches of a text in which secrets may stand, in order: the values of fields that hold some or are called like it,
/// misspelt ones too, and users with their passwords in URLs.
pub(in crate::manifest) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    // The indentation of the field whose value this is, and where the value ends at the earliest.
    let mut within: Option<(usize, usize)> = None;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let indent = line.len() - line.trim_start().len();
        let goes_on = |(outer, least): (usize, usize)| start < least || line.trim().is_empty() || indent > outer;
        match (within.filter(|field| goes_on(*field)), sensitive_column(line)) {
            (Some(_), _) => {
                if let Some(last) = found.last_mut() {
                    last.end = end;
                }
            }
            (None, Some(column)) => {
                found.push(start + column..end);
                within = Some((indent, closed(text, start + column)));
            }
            (None, None) => {
                within = None;
                found.extend(user_info(line).map(|part| start + part.start..start + part.end));
            }
        }
        start = end;
    }
    found
}

/// What else must not be shown where the text is no YAML from `offset` on: the value of the last sensitive field before it, which
/// may not have ended, up to the end of the document.
pub(in crate::manifest) fn open_at(text: &str, secrets: &[Range<usize>], offset: usize) -> Option<Range<usize>> {
    let marker = |at: usize| text[at..].starts_with("---") && text[..at].ends_with('\n');
    let offset = offset.min(text.len());
    let markers = || text.match_indices("---").map(|(at, _)| at).filter(|at| marker(*at));
    let document = markers().take_while(|at| *at < offset).last().unwrap_or(0);
    let end = markers().find(|at| *at >= offset).unwrap_or(text.len());
    let open = secrets.iter().rev().find(|secret| secret.start <= offset && secret.start >= document)?;
    Some(open.start..end)
}

/// Where a value that begins at `at` ends at the earliest, if it is in quotes or brackets: they may go on over any lines.
fn closed(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let begin = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let mut quote = None;
    let mut depth = 0;
    let mut escaped = false;
    for (index, c) in rest[begin..].char_indices() {
        match (quote, c) {
            (Some('"'), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some('\''), '\'') if !escaped && rest[begin + index + 1..].starts_with('\'') => escaped = true,
            (Some('\''), '\'') if escaped => escaped = false,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if index == 0 || depth > 0 => quote = Some(c),
            (None, '{' | '[') if index == 0 || depth > 0 => depth += 1,
            (None, '}' | ']') => depth -= 1,
            (None, _) => {}
        }
        if quote.is_none() && depth <= 0 {
            return at + begin + index;
        }
    }
    text.len()
}

/// The column after the colon of the first field of a line that may hold a secret, its name in quotes or not.
fn sensitive_column(line: &str) -> Option<usize> {
    line.match_indices(':').map(|(at, _)| at).find(|at| is_sensitive(name_before(&line[..*at]))).map(|at| at + 1)
}

/// The name that a text ends with.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '"', '\'']);
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let length: usize = text.chars().rev().take_while(|c| plain(*c)).map(char::len_utf8).sum();
    &text[text.len() - length..]
}

/// Whether a field of this name holds a secret, or was meant to be one that does.
fn is_sensitive(name: &str) -> bool {
    const LONGEST: usize = 64;
    const ENV: [&str; 7] = ["env", "envs", "evn", "nev", "environment", "envvars", "environmentvariables"];
    const PARTS: [&str; 8] =
        ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "authorization"];
    if name.len() > LONGEST {
        return false;
    }
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    let near = |known: &str, most: usize| strsim::damerau_levenshtein(&plain, known) <= most;
    near("userdata", 2)
        || near("headers", 1)
        || near("command", 1)
        || ENV.contains(&plain.as_str())
        || PARTS.iter().any(|part| plain.contains(part))
}

/// The users, with their passwords, in the URLs of a line.
fn user_info(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("://").filter_map(|(at, _)| {
        let begin = at + 3;
        let rest = &line[begin..];
        let rest = &rest[..rest.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(rest.len())];
        Some(begin..begin + rest.rfind('@')?)
    })
}

/// A text without the users and passwords of its URLs.
pub(in crate::manifest) fn without_user_info(text: &str) -> String {
    let mut shown = text.to_owned();
    let found: Vec<_> = user_info(text).collect();
    found.into_iter().rev().for_each(|part| shown.replace_range(part, "***"));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in secrets(text).into_iter().rev() {
            let stars =
                text[secret.clone()].chars().map(|c| if c.is_whitespace() { c } else { '*' }).collect::<String>();
            shown.replace_range(secret, &stars);
        }
        shown
    }

    #[test]
    fn values_of_sensitive_fields_are_hidden_however_they_are_written() {
        for text in [
            "userData: canary\n",
            "\"userData\": canary\n",
            "x: {userData: canary, y: canary}\n",
            "userData: |\n  a\n\n  canary\n",
            "userData: \"a\ncanary\n\tcanary\"\n",
            "userData: 'it''s\ncanary'\n",
            "env: {\nA: canary,\nB: \"}\", C: canary}\n",
            "env:\n  A: canary\n",
            "user_data: canary\n",
            "userdata: canary\n",
            "usrData: canary\n",
            "headers: {Authorization: Bearer canary}\n",
            "Authorization: canary\n",
            "dbPassword: canary\n",
            "command: [serve, --password=canary]\n",
            "url: https://ada:canary@example.com/x\n",
            "url: \"https://ada:can/ary:canary@example.com/x\"\n",
            "userData: \"canary\n",
        ] {
            assert!(!visible(text).contains("canary"), "{}", visible(text));
        }
    }

    #[test]
    fn nothing_else_is_hidden() {
        for text in [
            "environments: {test: {}}\n",
            "userDataFile: boot.sh\n",
            "userData: x\nkeyName: ops\n",
            "a: \"userData\"\n",
            "url: https://example.com/a\n",
            "metadata: {name: env}\n",
        ] {
            let shown = visible(text);
            assert_eq!(shown.replace("userData: *", "userData: x"), text);
        }
        assert!(visible("env: {A: x}\nB: shown\n").contains("B: shown"));
        assert_eq!(without_user_info("a http://b:c@d/e f"), "a http://***@d/e f");
    }
}
