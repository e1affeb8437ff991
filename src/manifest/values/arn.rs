//! Amazon resource names, as far as a manifest can be checked by them.

/// The parts of an ARN. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Such as `elasticloadbalancing`.
    pub service: &'a str,
    /// Such as `us-west-2`; empty for global services.
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
    /// What the service makes of the rest, such as `role/deploy`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes `text` apart; nothing if it is no ARN of a resource in an account.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (scheme, partition) = (parts.next()?, parts.next()?);
        let arn =
            Self { service: parts.next()?, region: parts.next()?, account: parts.next()?, resource: parts.next()? };
        let is_aws = scheme == "arn" && (partition == "aws" || partition.starts_with("aws-"));
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.len() <= 2048;
        (is_aws && plain && is_account(arn.account) && !arn.resource.is_empty()).then_some(arn)
    }
}

/// Whether `text` is the number of an AWS account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` has the form of a region's name, such as `us-west-2` or `us-gov-east-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            let numbered = number.len() <= 2 && number.parse::<u8>().is_ok_and(|number| number > 0);
            (2..=3).contains(&words.len()) && words.iter().all(word) && words[0].len() <= 3 && numbered
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_taken_apart() {
        let arn = Arn::parse("arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/web/1/2").unwrap();
        assert_eq!((arn.service, arn.region, arn.account), ("elasticloadbalancing", "us-west-2", "123456789012"));
        assert_eq!(arn.resource, "listener/app/web/1/2");
        assert_eq!(Arn::parse("arn:aws:iam::123456789012:role/a:b").unwrap().resource, "role/a:b");
        for text in
            ["", "arn:aws:iam::123:role/a", "arn:gcp:iam::123456789012:x", "arn:aws:iam::123456789012:", "a:b:c"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn regions_are_told_from_zones_and_places() {
        for region in ["us-west-2", "eu-central-1", "us-gov-west-1", "ap-southeast-4", "il-central-1"] {
            assert!(is_region(region), "{region}");
        }
        for text in ["us-west-2a", "Oregon", "us-west", "us_west_2", "us-west-0", "", "-west-1"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
