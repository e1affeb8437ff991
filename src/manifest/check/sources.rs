//! Whether the source of an app's image can be one: exactly one, of an owner whom the environment trusts, from an environment
//! that there is; and what Packer's manifest names.

use std::collections::BTreeMap;

use crate::manifest::attached::Attached;
use crate::manifest::attached::packer;
use crate::manifest::check::{Subject, Surroundings};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean, quoted};
use crate::manifest::read::node::Node;
use crate::model::names::EnvironmentName;
use crate::model::spec::{AppSpec, FromEnvironment, ImageSearch, ImageSource};

/// Reads the manifest of Packer that an app names, and takes the image for the region from it.
pub(in crate::manifest) fn read_packer(
    spec: &mut AppSpec,
    tree: &Node,
    region: &str,
    attached: &Attached,
    findings: &mut Diagnostics,
) {
    let ImageSource::PackerManifest { path, id } = &mut spec.image.source else { return };
    let Some(node) = tree.at(&["image", "packerManifest"]) else { return };
    let text = match attached.packer(node) {
        Ok(text) => text,
        Err(finding) => return findings.push(*finding),
    };
    match packer::image(&text, region) {
        Ok(found) => *id = Some(found),
        Err(why) => {
            findings.push(Diagnostic::at(Code::PackerManifest, node.spot(), format!("{} {why}", quoted(path))));
        }
    }
}

/// Checks the sources of all apps' images.
pub(in crate::manifest) fn check(
    subjects: &[Subject<'_>],
    surroundings: &BTreeMap<&EnvironmentName, Surroundings<'_>>,
    is_known: &dyn Fn(&EnvironmentName) -> bool,
    findings: &mut Diagnostics,
) {
    for subject in subjects {
        track(subject, findings);
        match &subject.spec.image.source {
            ImageSource::Search(search) => owner(subject, search, findings),
            ImageSource::FromEnvironment(from) => match surroundings.get(&from.name) {
                Some(there) => from_environment(subject, from, there, subjects, findings),
                // One that there is, and whose manifest is wrong, has findings of its own.
                None if is_known(&from.name) => {}
                None => {
                    let name = from.name.as_str();
                    let message = format!("there is no environment {}", quoted(name));
                    let help = did_you_mean(name, surroundings.keys().map(|name| name.as_str()));
                    let path = ["image", "fromEnvironment", "name"];
                    findings.push(subject.error(Code::UnknownEnvironment, &path, message).maybe_help(help));
                }
            },
            _ => {}
        }
    }
}

fn track(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let source = match subject.spec.image.source {
        ImageSource::Id(_) => "id",
        ImageSource::PackerManifest { .. } => "packerManifest",
        _ => return,
    };
    if subject.spec.image.track.is_some() {
        let message = format!("`track` has no meaning with `{source}`, which changes with the manifests only");
        let finding = subject.error(Code::ConflictingField, &["image", "track"], message);
        findings.push(finding.help("remove `track`"));
    }
}

fn owner(subject: &Subject<'_>, search: &ImageSearch, findings: &mut Diagnostics) {
    let environment = subject.environment;
    let account = |owner: &str| if owner == "self" { environment.spec.account_id.clone() } else { owner.to_owned() };
    if environment.spec.image_owners.iter().any(|trusted| account(trusted) == account(&search.owner)) {
        return;
    }
    let message = format!(
        "images of {} are searched for, and the environment `{}` trusts {} only",
        quoted(&search.owner),
        subject.scope.environment,
        environment.spec.image_owners.iter().map(|owner| quoted(owner)).collect::<Vec<_>>().join(", ")
    );
    let finding = subject
        .error(Code::ForeignImage, &["image", "search", "owner"], message)
        .related(environment.tree.nearest(&["imageOwners"]), "the owners that it trusts")
        .help("whose images may run is for the platform team to say, in the environment's `imageOwners`");
    findings.push(finding);
}

fn from_environment(
    subject: &Subject<'_>,
    from: &FromEnvironment,
    there: &Surroundings<'_>,
    subjects: &[Subject<'_>],
    findings: &mut Diagnostics,
) {
    let (scope, path) = (subject.scope, ["image", "fromEnvironment", "name"]);
    let here = subject.environment;
    let mut report = |code: Code, message: String, help: &str| {
        let finding = subject.error(code, &path, message);
        findings.push(finding.related(there.location.name.clone(), "this environment").help(help));
    };
    if from.name == scope.environment {
        let message = format!("{scope} cannot take its image from itself");
        report(Code::Contradiction, message, "name the environment in which it is deployed first");
        return;
    }
    if there.spec.region != here.spec.region {
        let message = format!(
            "images are regional: `{}` is in {}, and `{}` in {}",
            from.name, there.spec.region, scope.environment, here.spec.region
        );
        let help = "copy the image to this region when it is built, and use `search` or `ssmParameter` here";
        report(Code::WrongAccount, message, help);
    }
    if there.spec.account_id != here.spec.account_id
        && there.spec.assume_role.is_none()
        && here.spec.assume_role.is_none()
    {
        let message = format!(
            "`{}` is in account {}, whose deployed state cannot be read with the credentials for account {}",
            from.name, there.spec.account_id, here.spec.account_id
        );
        report(Code::WrongAccount, message, "give one of both environments an `assumeRole`");
    }
    let Some(source) = subjects.iter().find(|one| one.scope.app == scope.app && one.scope.environment == from.name)
    else {
        let message = format!("`{}` is not deployed to `{}`", scope.app, from.name);
        let help = format!("add `{}: {{}}` to its `environments`", from.name);
        report(Code::UnknownEnvironment, message, &help);
        return;
    };
    if let Some(circle) = circle(source, subject, subjects) {
        report(Code::Contradiction, circle, "one of them needs another source of images");
    }
}

/// Environments that wait for each other's images.
fn circle(source: &Subject<'_>, subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Option<String> {
    let mut at = source;
    let mut names = vec![subject.scope.environment.as_str()];
    for _ in 0..subjects.len() {
        names.push(at.scope.environment.as_str());
        let ImageSource::FromEnvironment(from) = &at.spec.image.source else { return None };
        if from.name == subject.scope.environment {
            return Some(format!("the environments take the image from each other: {}", names.join(" ← ")));
        }
        at = subjects.iter().find(|one| one.scope.app == at.scope.app && one.scope.environment == from.name)?;
    }
    None
}
