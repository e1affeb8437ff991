//! What listeners and rules do with requests, and for which requests rules do it.

/// One action of a listener or rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forwards to target groups by weight.
    Forward(Forward),
    /// Answers by itself.
    FixedResponse {
        /// The status.
        status: String,
        /// The content type.
        content_type: Option<String>,
        /// The body.
        body: Option<String>,
    },
    /// Sends the client elsewhere.
    Redirect {
        /// `HTTP_301` or `HTTP_302`.
        status: String,
        /// The protocol, or `#{protocol}`.
        protocol: String,
        /// The port, or `#{port}`.
        port: String,
        /// The host, or `#{host}`.
        host: String,
        /// The path, or `/#{path}`.
        path: String,
        /// The query, or `#{query}`.
        query: String,
    },
}

/// A weighted forward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// Target groups with their weights, 0 to 999, in the order given.
    pub target_groups: Vec<(String, u32)>,
    /// Whether a client stays with its target group, and for how many seconds.
    pub stickiness: Option<u32>,
}

/// A condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The host matches one of these patterns.
    Host(Vec<String>),
    /// The path matches one of these patterns.
    Path(Vec<String>),
    /// A header matches one of these patterns.
    Header {
        /// The header's name.
        name: String,
        /// The patterns.
        values: Vec<String>,
    },
}

impl Action {
    /// The target groups it forwards to, whatever their weights.
    pub fn target_groups(&self) -> impl Iterator<Item = &str> {
        let forward = match self {
            Action::Forward(forward) => Some(forward),
            _ => None,
        };
        forward.into_iter().flat_map(|forward| forward.target_groups.iter().map(|(arn, _)| arn.as_str()))
    }
}

impl Condition {
    /// The patterns.
    pub fn values(&self) -> &[String] {
        match self {
            Condition::Host(values) | Condition::Path(values) | Condition::Header { values, .. } => values,
        }
    }

    /// Whether a request meets it. Hosts and headers are compared without regard to case, paths with it.
    pub fn holds(&self, host: &str, path: &str, headers: &[(String, String)]) -> bool {
        match self {
            Condition::Host(patterns) => {
                let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
                patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &host))
            }
            Condition::Path(patterns) => {
                let path = path.split('?').next().unwrap_or_default();
                patterns.iter().any(|pattern| matches(pattern, path))
            }
            Condition::Header { name, values } => headers.iter().any(|(header, value)| {
                let value = value.to_ascii_lowercase();
                header.eq_ignore_ascii_case(name)
                    && values.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &value))
            }),
        }
    }
}

/// Whether `text` matches a pattern with `*` (anything) and `?` (one character).
/// Walks back to the last star only, so that no pattern takes more than quadratic time.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_user_guide_says() {
        for (pattern, text, expected) in [
            ("/img/*", "/img/a/b.png", true),
            ("/img/*", "/img", false),
            ("*.example.com", "test.example.com", true),
            ("*.example.com", "example.com", false),
            ("/v?/x", "/v1/x", true),
            ("/v?/x", "/v12/x", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn hosts_ignore_case_and_port_and_paths_ignore_the_query() {
        let host = Condition::Host(vec!["Hello.Example.com".to_owned()]);
        assert!(host.holds("hello.example.COM:8080", "/", &[]));
        let path = Condition::Path(vec!["/a".to_owned()]);
        assert!(path.holds("", "/a?b=c", &[]));
        assert!(!path.holds("", "/A", &[]));
        let header = Condition::Header { name: "X-Preview".to_owned(), values: vec!["v0*".to_owned()] };
        assert!(header.holds("", "/", &[("x-preview".to_owned(), "V042".to_owned())]));
    }
}
