//! Images by their ids, 100 a call, and what the manifests' sources of images lead to: SSM parameters; each search
//! once, never without an owner, for anybody can publish an image under any name; deployed states of other
//! environments.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types as ec2;
use futures::future::join_all;
use futures::join;

use super::parameters::{decoded, parameters};
use crate::aws::batch::{by_ids, listed, settle, several};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::desired::Desired;
use crate::model::names::{AppName, EnvironmentName, Scope};
use crate::model::observed::{Image, ImageSources, Parameter, Read};
use crate::model::record::DeployedRecord;
use crate::model::spec::{EnvironmentSpec, ImageSearch, ImageSource};
use crate::model::text::cleaned;

const IDS: usize = 100;
const PAGE: i32 = 1000;

/// What the manifests' sources of images lead to.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn sources(aws: &Aws, desired: &Desired) -> Result<ImageSources, AwsError> {
    let (mut names, mut searched, mut records) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    let mut elsewhere: BTreeMap<EnvironmentName, BTreeSet<String>> = BTreeMap::new();
    for app in desired.chosen() {
        match &app.spec.image.source {
            ImageSource::SsmParameter(name) => drop(names.insert(name.clone())),
            ImageSource::Search(search) => drop(searched.insert(search.clone())),
            ImageSource::FromEnvironment(from) => {
                let there = Scope::new(app.scope.app.clone(), from.name.clone());
                if is_elsewhere(desired, &from.name) {
                    elsewhere.entry(from.name.clone()).or_default().insert(there.parameter_name());
                }
                records.insert((from.name.clone(), app.scope.app.clone()), there.parameter_name());
            }
            ImageSource::Id(_) | ImageSource::PackerManifest { .. } => {}
        }
    }
    let here = records.iter().filter(|((environment, _), _)| !is_elsewhere(desired, environment));
    let named = names.iter().chain(here.map(|(_, name)| name)).cloned().collect();
    let others = elsewhere.into_iter().filter_map(|(name, names)| Some(abroad(aws, desired.others.get(&name)?, names)));
    let (parameters, others, searches) = join!(parameters(aws, named), join_all(others), searches(aws, searched));
    let mut parameters = parameters?;
    parameters.extend(others.into_iter().flatten());
    let deployed = deployed(&records, &parameters);
    parameters.retain(|name, _| names.contains(name));
    Ok(ImageSources { parameters, searches: searches?, deployed })
}

/// Whether an environment is in another account, which our credentials do not reach.
fn is_elsewhere(desired: &Desired, name: &EnvironmentName) -> bool {
    desired.others.get(name).is_some_and(|other| other.account_id != desired.environment.account_id)
}

/// Parameters in the account of another environment, read as that environment would be. Whatever fails there leaves them
/// unknown: the environment that is worked on can do without.
async fn abroad(
    aws: &Aws,
    environment: &EnvironmentSpec,
    names: BTreeSet<String>,
) -> BTreeMap<String, Read<Option<Parameter>>> {
    let there = aws.with_role(environment.assume_role.as_deref()).await;
    let found = match account(&there, environment).await {
        Ok(()) => parameters(&there, names.clone()).await,
        Err(error) => Err(error),
    };
    found.unwrap_or_else(|error| {
        let why = error.why_unread();
        names.into_iter().map(|name| (name, Read::Unknown(why.clone()))).collect()
    })
}

/// Makes sure that we are in the account of another environment. A role that it names is in it, which was checked before.
async fn account(there: &Aws, environment: &EnvironmentSpec) -> Result<(), AwsError> {
    if environment.assume_role.is_some() {
        return Ok(());
    }
    let call = Call::new("sts", "GetCallerIdentity", "");
    let identity = there.read(call.clone(), there.sts.get_caller_identity().send()).await?;
    let found = identity.account.unwrap_or_default();
    if found == environment.account_id {
        return Ok(());
    }
    let message = format!(
        "the credentials belong to account {found}, and what is deployed is recorded in account {}: give that environment an `assumeRole`",
        environment.account_id
    );
    Err(AwsError::other_account(call, message))
}

/// The deployed states among parameters.
fn deployed(
    records: &BTreeMap<(EnvironmentName, AppName), String>,
    parameters: &BTreeMap<String, Read<Option<Parameter>>>,
) -> BTreeMap<(EnvironmentName, AppName), Read<Option<DeployedRecord>>> {
    let decode = |name: &String| Some(decoded(name, parameters.get(name)?, codec::decode_record));
    records.iter().filter_map(|(key, name)| Some((key.clone(), decode(name)?))).collect()
}

/// What each search finds.
async fn searches(
    aws: &Aws,
    searches: BTreeSet<ImageSearch>,
) -> Result<BTreeMap<ImageSearch, Read<Vec<Image>>>, AwsError> {
    let found = join_all(searches.iter().map(|search| found(aws, search))).await;
    searches.iter().zip(found).map(|(search, found)| Ok((search.clone(), settle(found)?))).collect()
}

/// What a search finds, whole: one page too few could lack the newest.
async fn found(aws: &Aws, search: &ImageSearch) -> Result<Vec<Image>, AwsError> {
    let filter = |name: &str, value: &str| ec2::Filter::builder().name(name).values(value).build();
    let mut filters = vec![filter("name", &search.name), filter("state", "available")];
    filters.extend(search.architecture.map(|one| filter("architecture", one.as_str())));
    filters.extend(search.tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), &literal(value))));
    let call = Call::new("ec2", "DescribeImages", &search.name);
    let ask = |token| {
        let request = aws.ec2.describe_images().owners(&search.owner).set_filters(Some(filters.clone()));
        request.max_results(PAGE).set_next_token(token).send()
    };
    let all = listed(aws, call, ask, |page| (page.images, page.next_token)).await?;
    Ok(all.iter().filter_map(image).collect())
}

/// A value in which `*` and `?` stand for themselves.
fn literal(value: &str) -> String {
    value.chars().flat_map(|c| ['*', '?', '\\'].contains(&c).then_some('\\').into_iter().chain([c])).collect()
}

/// Images by their ids. Whether their owner may be trusted is for the plan to say.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn images(aws: &Aws, ids: BTreeSet<String>) -> Result<BTreeMap<String, Read<Option<Image>>>, AwsError> {
    by_ids(ids, IDS, |ids| async move {
        let call = Call::new("ec2", "DescribeImages", several(&ids));
        // A deprecated or disabled image is there all the same; without these AWS hides it from those who do not own it.
        let request =
            aws.ec2.describe_images().set_image_ids(Some(ids)).include_deprecated(true).include_disabled(true);
        let page = aws.read(call, request.send()).await?;
        Ok(page.images().iter().filter_map(image).map(|image| (image.id.clone(), image)).collect())
    })
    .await
}

/// An image. One that was deregistered lingers for a while as an empty shell, and then counts as gone.
fn image(image: &ec2::Image) -> Option<Image> {
    Some(Image {
        id: image.image_id()?.to_owned(),
        name: cleaned(image.name().unwrap_or_default()),
        owner: image.owner_id()?.to_owned(),
        owner_alias: image.image_owner_alias().map(str::to_owned),
        created_at: image.creation_date().and_then(|date| date.parse().ok()),
        architecture: image.architecture().map(|kind| cleaned(kind.as_str())).unwrap_or_default(),
        state: image.state().map(|state| cleaned(state.as_str())).unwrap_or_default(),
        root_device: image.root_device_name().map(str::to_owned),
        tags: codec::ec2_tags(image.tags()),
    })
}
