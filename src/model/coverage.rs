//! Which of two rules of a listener takes all requests of the other: such rules must stand in the right order, or one of them
//! never gets a request.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>

// Only the type of addresses: nothing here does I/O.
use core::net::IpAddr;

use super::conditions::Conditions;

/// Whether every request that fulfils `narrow` fulfils `wide`. It may be denied in rare cases in which it is so: two values
/// of one condition that cover a pattern only together.
pub fn covers(wide: &Conditions, narrow: &Conditions) -> bool {
    let any_case = |wide: &str, narrow: &str| pattern_covers(&wide.to_lowercase(), &narrow.to_lowercase());
    let headers = wide.headers.iter().all(|(name, values)| {
        let same = narrow.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        same.is_some_and(|(_, others)| all_covered(values, others, any_case))
    });
    headers
        && all_covered(&wide.hosts, &narrow.hosts, any_case)
        && all_covered(&wide.paths, &narrow.paths, pattern_covers)
        && all_covered(&wide.methods, &narrow.methods, |wide, narrow| wide == narrow)
        && all_covered(&wide.source_ips, &narrow.source_ips, network_covers)
}

/// Whether each of the `narrow` values is covered by one of the `wide` ones. No value at all stands for every request.
fn all_covered(wide: &[String], narrow: &[String], covers: impl Fn(&str, &str) -> bool) -> bool {
    let is_covered = |value: &String| wide.iter().any(|wide| covers(wide, value));
    wide.is_empty() || !narrow.is_empty() && narrow.iter().all(is_covered)
}

/// Whether every text that matches the pattern `narrow` matches `wide`, where `*` is any text and `?` one character.
fn pattern_covers(wide: &str, narrow: &str) -> bool {
    let (wide, narrow): (Vec<char>, Vec<char>) = (wide.chars().collect(), narrow.chars().collect());
    // `covered[j]`: whether the rest of `wide` from the character that is looked at covers the rest of `narrow` from `j` on.
    let mut covered = vec![false; narrow.len() + 1];
    covered[narrow.len()] = true;
    for pattern in wide.iter().rev() {
        let rest = covered.clone();
        for at in (0..=narrow.len()).rev() {
            covered[at] = match (pattern, narrow.get(at)) {
                ('*', None) => rest[at],
                ('*', Some(_)) => rest[at] || covered[at + 1],
                ('?', Some(character)) => *character != '*' && rest[at + 1],
                (literal, Some(character)) => literal == character && rest[at + 1],
                (_, None) => false,
            };
        }
    }
    covered[0]
}

/// Whether a network in CIDR notation lies within another.
fn network_covers(wide: &str, narrow: &str) -> bool {
    let (Some((wide_bits, wide_length)), Some((narrow_bits, narrow_length))) = (network(wide), network(narrow)) else {
        return wide == narrow;
    };
    let same_family = wide_bits.len() == narrow_bits.len();
    same_family
        && wide_length <= narrow_length
        && wide_bits.iter().zip(&narrow_bits).take(wide_length).all(|(one, other)| one == other)
}

/// The bits of a network's address, and how many of them count.
fn network(text: &str) -> Option<(Vec<bool>, usize)> {
    let (address, length) = text.split_once('/')?;
    let bytes = match address.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let bits: Vec<bool> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte & (1 << bit) != 0)).collect();
    let length = length.parse().ok().filter(|length| *length <= bits.len())?;
    Some((bits, length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn conditions(hosts: &[&str], paths: &[&str]) -> Conditions {
        Conditions { hosts: strings(hosts), paths: strings(paths), ..Conditions::default() }
    }

    #[test]
    fn a_condition_more_and_a_narrower_pattern_make_a_rule_narrower() {
        let front = conditions(&["front.example.com"], &[]);
        let api = conditions(&["front.example.com"], &["/api/*"]);
        assert!(covers(&front, &api) && !covers(&api, &front));
        assert!(covers(&front, &conditions(&["FRONT.example.com"], &[])), "hosts are compared without case");
        assert!(!covers(&conditions(&[], &["/API/*"]), &conditions(&[], &["/api/*"])), "paths are compared with it");
        assert!(covers(&conditions(&["*.example.com"], &[]), &front));
        assert!(covers(&conditions(&["a.com", "*.example.com"], &[]), &front));
        assert!(!covers(&front, &conditions(&["front.example.com", "b.com"], &[])));
        assert!(!covers(&api, &conditions(&[], &["/api/*"])), "any host is more than one");
    }

    #[test]
    fn headers_methods_and_networks_count_as_well() {
        let with = |name: &str, values: &[&str]| Conditions {
            headers: [(name.to_owned(), strings(values))].into(),
            ..conditions(&["a.com"], &[])
        };
        assert!(covers(&with("x-tier", &["g*"]), &with("x-tier", &["Gold"])));
        assert!(!covers(&with("x-tier", &["gold"]), &conditions(&["a.com"], &[])));
        let from = |networks: &[&str], methods: &[&str]| Conditions {
            source_ips: strings(networks),
            methods: strings(methods),
            ..Conditions::default()
        };
        assert!(covers(&from(&["10.0.0.0/8"], &[]), &from(&["10.1.0.0/16"], &["GET"])));
        assert!(!covers(&from(&["10.1.0.0/16"], &[]), &from(&["10.0.0.0/8"], &[])));
        assert!(!covers(&from(&["0.0.0.0/0"], &[]), &from(&["2001:db8::/32"], &[])));
        assert!(!covers(&from(&[], &["GET"]), &from(&[], &["GET", "HEAD"])));
    }

    /// Whether a text matches a pattern, the slow and plain way.
    fn matches(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => matches(&pattern[1..], text) || !text.is_empty() && matches(pattern, &text[1..]),
            (Some('?'), Some(_)) => matches(&pattern[1..], &text[1..]),
            (Some(one), Some(other)) if one == other => matches(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_matches_a_covered_pattern_matches_the_covering_one(
            wide in "[ab?*]{0,6}", narrow in "[ab?*]{0,6}", text in "[ab]{0,7}",
        ) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            if pattern_covers(&wide, &narrow) && matches(&chars(&narrow), &chars(&text)) {
                prop_assert!(matches(&chars(&wide), &chars(&text)));
            }
        }

        #[test]
        fn a_pattern_covers_itself_and_a_star_covers_all(pattern in "[ab?*]{0,6}") {
            prop_assert!(pattern_covers(&pattern, &pattern));
            prop_assert!(pattern_covers("*", &pattern));
        }

        #[test]
        fn a_text_is_covered_by_what_it_matches(wide in "[ab?*]{0,6}", text in "[ab]{0,7}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(pattern_covers(&wide, &text), matches(&chars(&wide), &chars(&text)));
        }
    }
}
