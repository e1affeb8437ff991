//! What listeners and rules do with requests, and for which requests rules do it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::routing::Incoming;

/// One action of a listener or rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends clients to log in first; the action after it answers those who have.
    Login(Login),
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

/// A login with an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// `authenticate-oidc` or `authenticate-cognito`.
    pub kind: String,
    /// Its settings, as AWS names and writes them.
    pub settings: BTreeMap<String, String>,
    /// The secret of an OIDC client, which AWS never tells.
    pub secret: Option<String>,
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
    /// The method is one of these.
    Method(Vec<String>),
    /// The client's address is in one of these networks.
    SourceIp(Vec<String>),
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
            Condition::Host(values)
            | Condition::Path(values)
            | Condition::Method(values)
            | Condition::SourceIp(values)
            | Condition::Header { values, .. } => values,
        }
    }

    /// Whether a request meets it. Hosts and headers are compared without regard to case, paths with it.
    pub fn holds(&self, request: &Incoming) -> bool {
        match self {
            Condition::Host(patterns) => {
                let host = request.host.split(':').next().unwrap_or_default().to_ascii_lowercase();
                patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &host))
            }
            Condition::Path(patterns) => {
                let path = request.path.split('?').next().unwrap_or_default();
                patterns.iter().any(|pattern| matches(pattern, path))
            }
            Condition::Method(methods) => methods.contains(&request.method),
            Condition::SourceIp(networks) => networks.iter().any(|network| is_in(&request.source_ip, network)),
            Condition::Header { name, values } => request.headers.iter().any(|(header, value)| {
                let value = value.to_ascii_lowercase();
                header.eq_ignore_ascii_case(name)
                    && values.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &value))
            }),
        }
    }
}

/// Whether an address is in a network such as `10.0.0.0/8`.
fn is_in(address: &str, network: &str) -> bool {
    let parsed = network.split_once('/').and_then(|(base, bits)| {
        Some((base.parse::<IpAddr>().ok()?, bits.parse::<u32>().ok()?, address.parse::<IpAddr>().ok()?))
    });
    match parsed {
        Some((IpAddr::V4(base), bits @ 0..=32, IpAddr::V4(address))) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        Some((IpAddr::V6(base), bits @ 0..=128, IpAddr::V6(address))) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
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
        assert!(host.holds(&Incoming { host: "hello.example.COM:8080".to_owned(), ..Incoming::default() }));
        let path = Condition::Path(vec!["/a".to_owned()]);
        let at = |path: &str| Incoming { path: path.to_owned(), ..Incoming::default() };
        assert!(path.holds(&at("/a?b=c")));
        assert!(!path.holds(&at("/A")));
        let header = Condition::Header { name: "X-Preview".to_owned(), values: vec!["v0*".to_owned()] };
        let headers = vec![("x-preview".to_owned(), "V042".to_owned())];
        assert!(header.holds(&Incoming { headers, ..Incoming::default() }));
    }

    #[test]
    fn methods_are_compared_as_they_are_and_addresses_by_their_network() {
        let method = Condition::Method(vec!["GET".to_owned(), "HEAD".to_owned()]);
        let with = |method: &str| Incoming { method: method.to_owned(), ..Incoming::default() };
        assert!(method.holds(&with("HEAD")));
        assert!(!method.holds(&with("POST")));
        let networks = Condition::SourceIp(vec!["10.1.0.0/16".to_owned(), "2001:db8::/32".to_owned()]);
        let from = |address: &str| Incoming { source_ip: address.to_owned(), ..Incoming::default() };
        for (address, expected) in
            [("10.1.2.3", true), ("10.2.2.3", false), ("2001:db8::1", true), ("2001:db9::1", false), ("", false)]
        {
            assert_eq!(networks.holds(&from(address)), expected, "{address}");
        }
        assert!(Condition::SourceIp(vec!["0.0.0.0/0".to_owned()]).holds(&from("192.0.2.1")));
    }
}
