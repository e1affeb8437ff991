//! What an instance is born with, from the manifest and the image.

use crate::model::launch::{LaunchData, RootVolume, Secret};
use crate::model::machine::{Metadata, MixedInstances, Volume};
use crate::model::observed::Image;
use crate::model::spec::{AppSpec, BlockDevice, EnvironmentSpec, HttpTokens, Tenancy};

/// What an instance of the app is born with.
pub(super) fn data(spec: &AppSpec, environment: &EnvironmentSpec, image_id: &str, image: Option<&Image>) -> LaunchData {
    let launch = &spec.launch;
    let mut security_group_ids =
        launch.security_group_ids.clone().unwrap_or_else(|| environment.security_group_ids.clone());
    security_group_ids.sort();
    security_group_ids.dedup();
    LaunchData {
        image_id: image_id.to_owned(),
        instance_type: spec.types().next().unwrap_or_default().to_owned(),
        mixed: mixed(spec),
        iam_instance_profile: launch.iam_instance_profile.clone(),
        key_name: launch.key_name.clone(),
        security_group_ids,
        user_data: launch.user_data.as_deref().map(Secret::new).or_else(|| launch.user_data_text.clone()),
        container: spec.container(),
        detailed_monitoring: launch.detailed_monitoring,
        root_volume: launch.root_volume_size.map(|size| RootVolume { device: root_device(image), size }),
        volumes: volumes(&launch.block_devices, image),
        metadata: metadata(spec),
        tenancy: launch.tenancy.filter(|tenancy| *tenancy == Tenancy::Dedicated).map(|_| "dedicated".to_owned()),
        ebs_optimized: launch.ebs_optimized,
        cpu_credits: launch.cpu_credits.map(|credits| credits.as_str().to_owned()),
    }
}

/// Of an image that is gone nobody knows the device; nothing is launched from it either.
fn root_device(image: Option<&Image>) -> String {
    image.and_then(|image| image.root_device.clone()).unwrap_or_else(|| "unknown".to_owned())
}

/// One On-Demand type needs no choice, and is left to the launch template.
pub(super) fn mixed(spec: &AppSpec) -> Option<MixedInstances> {
    if spec.spot.is_none() && spec.instance_types.len() < 2 {
        return None;
    }
    let spot = spec.spot.as_ref();
    Some(MixedInstances {
        instance_types: spec.types().map(str::to_owned).collect(),
        on_demand_base: spot.map_or(0, |spot| spot.on_demand_base),
        on_demand_percentage: spot.map_or(100, |spot| spot.on_demand_percentage),
        spot_allocation: spot.map(|spot| spot.allocation_strategy).unwrap_or_default().as_str().to_owned(),
        max_price: spot.and_then(|spot| spot.max_price.clone()),
    })
}

fn volumes(devices: &[BlockDevice], image: Option<&Image>) -> Vec<Volume> {
    let volume = |given: &BlockDevice| Volume {
        device: given.device.clone().unwrap_or_else(|| root_device(image)),
        size: given.size,
        kind: given.kind.as_str().to_owned(),
        iops: given.iops,
        throughput: given.throughput,
        encrypted: given.encrypted,
        kms_key_id: given.kms_key_id.clone(),
        delete_on_termination: given.delete_on_termination,
        snapshot_id: given.snapshot_id.clone(),
    };
    let mut volumes: Vec<Volume> = devices.iter().map(volume).collect();
    volumes.sort();
    volumes
}

/// Why the volumes cannot be what the manifest says, with this image: one device cannot be two volumes.
pub(super) fn collision(data: &LaunchData) -> Option<String> {
    let mut devices: Vec<&str> = data.volumes.iter().map(|volume| volume.device.as_str()).collect();
    devices.extend(data.root_volume.as_ref().map(|root| root.device.as_str()));
    devices.sort_unstable();
    let twice = devices.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(format!(
        "launch.blockDevices names {} twice: it is the root device of image {}; give the other volume another device",
        twice[0], data.image_id
    ))
}

fn metadata(spec: &AppSpec) -> Metadata {
    spec.launch.metadata_options.as_ref().map_or_else(Metadata::default, |options| Metadata {
        tokens_required: options.http_tokens == HttpTokens::Required,
        hop_limit: options.hop_limit,
        tags: options.instance_metadata_tags,
    })
}
