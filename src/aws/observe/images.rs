//! Images by their ids, 100 a call. Never by name: anybody can publish an image under any name.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types as ec2;

use crate::aws::batch::{by_ids, several};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::observed::{Image, Read};

const IDS: usize = 100;

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
        name: image.name().unwrap_or_default().to_owned(),
        owner: image.owner_id()?.to_owned(),
        architecture: image.architecture().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        state: image.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        root_device: image.root_device_name().map(str::to_owned),
        tags: codec::ec2_tags(image.tags()),
    })
}
