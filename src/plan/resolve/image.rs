//! The image: whether it may be launched, and whether the instance type can run it.

use super::Unresolved;
use crate::manifest::spec::EnvironmentSpec;
use crate::model::observed::{Image, Observed, Read};

/// The image, and why it must not be launched if it must not.
pub(super) fn image<'a>(
    id: &str,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<(Option<&'a Image>, Option<String>), Unresolved> {
    let image = match observed.images.get(id) {
        Some(Read::Known(image)) => image.as_ref(),
        Some(Read::Unknown(why)) => return Err(Unresolved::Unread(format!("image {id} could not be read: {why}"))),
        None => return Err(Unresolved::Unread(format!("image {id} was not read"))),
    };
    let Some(image) = image else {
        let region = &observed.region;
        return Ok((None, Some(format!("image {id} does not exist in {region}, or is not shared with this account"))));
    };
    let allowed = environment.image_owners.iter().any(|owner| {
        let owner = if owner == "self" { &observed.account } else { owner };
        *owner == image.owner
    });
    let refusal = if !allowed {
        Some(format!(
            "image {id} belongs to account {}, which is not among the environment's imageOwners ({})",
            image.owner,
            environment.image_owners.join(", ")
        ))
    } else if image.state != "available" {
        Some(format!("image {id} is {}, not available", image.state))
    } else {
        None
    };
    Ok((Some(image), refusal))
}

/// An image that the instance type cannot run.
pub(super) fn mismatch(instance_type: &str, image: &Image) -> Option<String> {
    let runs = architecture(instance_type)?;
    (["x86_64", "arm64"].contains(&image.architecture.as_str()) && runs != image.architecture).then(|| {
        format!("image {} is for {}, but instance type {instance_type} runs {runs}", image.id, image.architecture)
    })
}

/// The architecture of an instance type, by AWS's naming: a `g` after the family's number stands for Graviton.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>
fn architecture(instance_type: &str) -> Option<&'static str> {
    let (family, _) = instance_type.split_once('.')?;
    let attributes =
        family.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_start_matches(|c: char| c.is_ascii_digit());
    match family {
        "a1" => Some("arm64"),
        // Their letters say something else: Apple's machines, and memory in terabytes.
        _ if family.starts_with("mac") || family.starts_with("u-") => None,
        _ if attributes.contains('g') => Some("arm64"),
        _ => Some("x86_64"),
    }
}

#[cfg(test)]
mod tests {
    use super::architecture;

    #[test]
    fn the_name_of_an_instance_type_tells_its_architecture() {
        for name in [
            "c7g.large",
            "m6gd.metal",
            "t4g.nano",
            "a1.medium",
            "im4gn.large",
            "x2gd.large",
            "g5g.xlarge",
            "c7gn.large",
        ] {
            assert_eq!(architecture(name), Some("arm64"), "{name}");
        }
        for name in [
            "c4.large",
            "m7i.large",
            "m7i-flex.large",
            "t3.micro",
            "g5.xlarge",
            "p4d.24xlarge",
            "c7a.large",
            "i4i.large",
        ] {
            assert_eq!(architecture(name), Some("x86_64"), "{name}");
        }
        for name in ["mac2.metal", "u-6tb1.metal", "large"] {
            assert_eq!(architecture(name), None, "{name}");
        }
    }
}
