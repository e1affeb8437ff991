//! What the source of an image leads to, and which images may be launched on which instance types.

use crate::model::desired::DesiredApp;
use crate::model::names::Scope;
use crate::model::names::is_image_id;
use crate::model::observed::{Image, Observed, Parameter, Read};
use crate::model::record::DeployedRecord;
use crate::model::spec::{EnvironmentSpec, FromEnvironment, ImageSearch, ImageSource};
use crate::model::time::Timestamp;

/// What the source of an image leads to.
#[derive(Clone)]
pub(in crate::plan) enum Lead<'a> {
    /// An image.
    Image {
        /// Its id.
        id: &'a str,
        /// The deployed state that names it, in another environment.
        record: Option<&'a DeployedRecord>,
        /// When it may be used.
        not_before: Option<Timestamp>,
    },
    /// None at all, and why.
    Nothing(String),
    /// That cannot be told now, because it could not be read.
    Unread(String),
}

/// What the manifest's source of images leads to.
pub(super) fn lead<'a>(app: &'a DesiredApp, environment: &EnvironmentSpec, observed: &'a Observed) -> Lead<'a> {
    let image = |id| Lead::Image { id, record: None, not_before: None };
    match &app.spec.image.source {
        ImageSource::Id(id) => image(id),
        ImageSource::PackerManifest { id: Some(id), .. } => image(id),
        ImageSource::PackerManifest { path, id: None } => Lead::Nothing(format!("{path} was not read")),
        ImageSource::SsmParameter(name) => match observed.sources.parameters.get(name) {
            Some(Read::Known(Some(parameter))) => match held(name, parameter) {
                Ok(id) => image(id),
                Err(why) => Lead::Nothing(why),
            },
            Some(Read::Known(None)) => {
                Lead::Nothing(format!("SSM parameter {name} does not exist in {}", observed.region))
            }
            Some(Read::Unknown(why)) => Lead::Unread(format!("SSM parameter {name} could not be read: {why}")),
            None => Lead::Unread(format!("SSM parameter {name} was not read")),
        },
        ImageSource::Search(search) => match observed.sources.searches.get(search) {
            Some(Read::Known(found)) => match newest(app, search, environment, observed, found) {
                Some(found) => image(&found.id),
                None => Lead::Nothing(nothing_found(app, search)),
            },
            Some(Read::Unknown(why)) => {
                Lead::Unread(format!("the images named {} could not be read: {why}", search.name))
            }
            None => Lead::Unread(format!("the images named {} were not read", search.name)),
        },
        ImageSource::FromEnvironment(from) => recorded(app, from, observed),
    }
}

/// The id that a parameter holds. Its value is not shown: it may be another parameter than was meant.
fn held<'a>(name: &str, parameter: &'a Parameter) -> Result<&'a str, String> {
    if parameter.kind != "String" {
        return Err(format!(
            "SSM parameter {name} is a {}, and the id of an image is kept as a String",
            parameter.kind
        ));
    }
    let id = parameter.value.trim();
    if is_image_id(id) { Ok(id) } else { Err(format!("SSM parameter {name} does not hold the id of an image")) }
}

/// The newest of the images that a search has found. Who owns it is looked at once more: anybody can publish an image
/// under any name.
fn newest<'a>(
    app: &DesiredApp,
    search: &ImageSearch,
    environment: &EnvironmentSpec,
    observed: &Observed,
    found: &'a [Image],
) -> Option<&'a Image> {
    let architectures = searched(app, search);
    let fits = |image: &&Image| {
        let owner = is_owner(&search.owner, image, observed);
        let runs = architectures.is_empty() || architectures.contains(&image.architecture.as_str());
        owner && runs && image.state == "available" && is_allowed(environment, image, observed)
    };
    found.iter().filter(fits).max_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)))
}

/// The architectures that a search takes; none of them: any.
fn searched(app: &DesiredApp, search: &ImageSearch) -> Vec<&'static str> {
    match search.architecture {
        Some(architecture) => vec![architecture.as_str()],
        None => app.spec.types().filter_map(architecture).collect(),
    }
}

fn nothing_found(app: &DesiredApp, search: &ImageSearch) -> String {
    let architecture = searched(app, search).first().map(|one| format!(" for {one}")).unwrap_or_default();
    let tags: Vec<String> = search.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let tags = if tags.is_empty() { String::new() } else { format!(" with {}", tags.join(", ")) };
    format!("no available image of {}{architecture} is named {}{tags}", search.owner, search.name)
}

/// The image that the app's deployed state in another environment names.
fn recorded<'a>(app: &DesiredApp, from: &FromEnvironment, observed: &'a Observed) -> Lead<'a> {
    let there = Scope::new(app.scope.app.clone(), from.name.clone());
    match observed.sources.deployed.get(&(from.name.clone(), app.scope.app.clone())) {
        Some(Read::Known(Some(DeployedRecord { turned_down: Some(down), image, .. }))) => Lead::Nothing(format!(
            "{} has turned down {image} ({}), and nothing else is deployed there yet",
            from.name, down.reason
        )),
        Some(Read::Known(Some(record))) => {
            let not_before = (!from.after.is_zero()).then(|| from.after.after(record.deployed_at));
            Lead::Image { id: &record.image, record: Some(record), not_before }
        }
        Some(Read::Known(None)) => Lead::Nothing(format!(
            "nothing of {} is recorded as deployed in {} yet (SSM parameter {})",
            app.scope.app,
            from.name,
            there.parameter_name()
        )),
        Some(Read::Unknown(why)) => Lead::Unread(format!("what is deployed in {} could not be read: {why}", from.name)),
        None => Lead::Unread(format!("what is deployed in {} was not read", from.name)),
    }
}

/// Why an image is not to be deployed any more, where the environment that it comes from has turned it down.
pub(super) fn turned_down(app: &DesiredApp, observed: &Observed, image: &str) -> Option<String> {
    let ImageSource::FromEnvironment(from) = &app.spec.image.source else { return None };
    let record = observed.sources.deployed.get(&(from.name.clone(), app.scope.app.clone()))?.known()?.as_ref()?;
    let down = record.turned_down.as_ref().filter(|_| record.image == image)?;
    Some(format!("{} has turned it down: {}", from.name, down.reason))
}

/// An image as AWS knows it, and why it must not be launched if it must not.
pub(super) fn image<'a>(
    id: &str,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<(Option<&'a Image>, Option<String>), String> {
    let image = match observed.images.get(id) {
        Some(Read::Known(image)) => image.as_ref(),
        Some(Read::Unknown(why)) => return Err(format!("image {id} could not be read: {why}")),
        None => return Err(format!("image {id} was not read")),
    };
    let Some(image) = image else {
        let region = &observed.region;
        return Ok((None, Some(format!("image {id} does not exist in {region}, or is not shared with this account"))));
    };
    let refusal = if !is_allowed(environment, image, observed) {
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

/// Whether the environment trusts the owner of an image.
fn is_allowed(environment: &EnvironmentSpec, image: &Image, observed: &Observed) -> bool {
    environment.image_owners.iter().any(|owner| is_owner(owner, image, observed))
}

/// Whether an image is an owner's: `self`, an account, or an alias such as `amazon`, which AWS alone gives.
fn is_owner(owner: &str, image: &Image, observed: &Observed) -> bool {
    match owner {
        "self" => image.owner == observed.account,
        owner => image.owner == owner || image.owner_alias.as_deref() == Some(owner),
    }
}

/// Why one of the app's instance types cannot run an image, if one cannot.
pub(super) fn mismatch(app: &DesiredApp, image: &Image) -> Option<String> {
    app.spec.types().find_map(|instance_type| unfit(instance_type, image))
}

/// Why an instance type cannot run an image, if it cannot.
fn unfit(instance_type: &str, image: &Image) -> Option<String> {
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
