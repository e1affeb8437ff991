//! What a version of a launch template holds: read from a request, and written into an answer.
//!
//! A launch template is checked for form only, as on AWS: whether the image or the security group exists shows at launch.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{parsed, required, tag_set, tags};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::templates::{BlockDevice, TemplateData};

/// Longest user data, before its encoding.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>
const MAX_USER_DATA: usize = 16_384;

/// Reads the settings below `LaunchTemplateData`, on top of `base`: what is not given stays.
pub fn read(params: &Params, base: TemplateData) -> Result<TemplateData, ApiError> {
    let params = params.below("LaunchTemplateData");
    if params.is_empty() {
        return Err(ApiError::new("MissingParameter", "The request must contain the parameter LaunchTemplateData"));
    }
    let mut data = base;
    let text = |name: &str, old: Option<String>| params.get(name).map(str::to_owned).or(old);
    data.image_id = text("ImageId", data.image_id);
    data.instance_type = text("InstanceType", data.instance_type);
    data.key_name = text("KeyName", data.key_name);
    let profile = text("IamInstanceProfile.Name", data.iam_instance_profile);
    data.iam_instance_profile = text("IamInstanceProfile.Arn", profile);
    data.tenancy = text("Placement.Tenancy", data.tenancy);
    data.cpu_credits = text("CreditSpecification.CpuCredits", data.cpu_credits);
    data.http_tokens = text("MetadataOptions.HttpTokens", data.http_tokens);
    data.http_endpoint = text("MetadataOptions.HttpEndpoint", data.http_endpoint);
    data.instance_metadata_tags = text("MetadataOptions.InstanceMetadataTags", data.instance_metadata_tags);
    data.http_hop_limit = parsed(&params, "MetadataOptions.HttpPutResponseHopLimit")?.or(data.http_hop_limit);
    data.monitoring = parsed(&params, "Monitoring.Enabled")?.or(data.monitoring);
    data.ebs_optimized = parsed(&params, "EbsOptimized")?.or(data.ebs_optimized);
    if let Some(user_data) = params.get("UserData") {
        check_user_data(user_data)?;
        data.user_data = Some(user_data.to_owned());
    }
    let groups = params.values("SecurityGroupId");
    if !groups.is_empty() {
        data.security_group_ids = groups;
    }
    let devices = params.structures("BlockDeviceMapping");
    if !devices.is_empty() {
        data.block_devices = devices.iter().map(read_device).collect::<Result<_, _>>()?;
    }
    let specifications = params.structures("TagSpecification");
    if !specifications.is_empty() {
        data.tag_specifications = BTreeMap::new();
        for specification in &specifications {
            let kind = required(specification, "ResourceType")?.to_owned();
            data.tag_specifications.entry(kind).or_default().append(&mut tags::read(specification)?);
        }
    }
    Ok(data)
}

fn read_device(params: &Params) -> Result<BlockDevice, ApiError> {
    const KINDS: [&str; 7] = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"];
    let kind = params.get("Ebs.VolumeType");
    if let Some(kind) = kind.filter(|kind| !KINDS.contains(kind)) {
        return Err(super::invalid_value("volumeType", kind));
    }
    let (iops, throughput) = (parsed(params, "Ebs.Iops")?, parsed(params, "Ebs.Throughput")?);
    let refuse = |message: &str| Err(ApiError::new("InvalidParameterCombination", message));
    if throughput.is_some() && kind != Some("gp3") {
        return refuse("The parameter throughput is not supported for this volume type.");
    }
    if iops.is_some() && !matches!(kind, Some("gp3" | "io1" | "io2")) {
        return refuse("The parameter iops is not supported for this volume type.");
    }
    if iops.is_none() && matches!(kind, Some("io1" | "io2")) {
        return Err(ApiError::new("MissingParameter", "The parameter iops must be specified for io1 and io2 volumes."));
    }
    let encrypted = parsed(params, "Ebs.Encrypted")?;
    let kms_key_id = params.get("Ebs.KmsKeyId").map(str::to_owned);
    if kms_key_id.is_some() && encrypted != Some(true) {
        return refuse("The parameter KmsKeyId requires the parameter Encrypted to be set.");
    }
    Ok(BlockDevice {
        device: required(params, "DeviceName")?.to_owned(),
        iops,
        throughput,
        kms_key_id,
        snapshot_id: params.get("Ebs.SnapshotId").map(str::to_owned),
        volume_size: parsed(params, "Ebs.VolumeSize")?,
        volume_type: kind.map(str::to_owned),
        encrypted,
        delete_on_termination: parsed(params, "Ebs.DeleteOnTermination")?,
    })
}

fn check_user_data(encoded: &str) -> Result<(), ApiError> {
    let decoded = STANDARD
        .decode(encoded)
        .map_err(|_| ApiError::new("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."))?;
    if decoded.len() > MAX_USER_DATA {
        let message = format!("User data is limited to {MAX_USER_DATA} bytes");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    Ok(())
}

/// Writes the settings as `launchTemplateData`.
pub fn write(xml: &mut Xml, data: &TemplateData) {
    xml.within("launchTemplateData", |xml| {
        xml.optional("ebsOptimized", data.ebs_optimized);
        if let Some(name) = &data.iam_instance_profile {
            xml.within("iamInstanceProfile", |xml| {
                xml.leaf(if name.starts_with("arn:") { "arn" } else { "name" }, name);
            });
        }
        if !data.block_devices.is_empty() {
            xml.list("blockDeviceMappingSet", "item", &data.block_devices, write_device);
        }
        xml.optional("imageId", data.image_id.as_ref()).optional("instanceType", data.instance_type.as_ref());
        xml.optional("keyName", data.key_name.as_ref());
        if let Some(tenancy) = &data.tenancy {
            xml.within("placement", |xml| {
                xml.leaf("tenancy", tenancy);
            });
        }
        if let Some(credits) = &data.cpu_credits {
            xml.within("creditSpecification", |xml| {
                xml.leaf("cpuCredits", credits);
            });
        }
        if let Some(enabled) = data.monitoring {
            xml.within("monitoring", |xml| {
                xml.leaf("enabled", enabled);
            });
        }
        xml.optional("userData", data.user_data.as_ref());
        if !data.tag_specifications.is_empty() {
            xml.list("tagSpecificationSet", "item", &data.tag_specifications, |xml, (kind, tags)| {
                xml.leaf("resourceType", kind);
                tag_set(xml, tags);
            });
        }
        if !data.security_group_ids.is_empty() {
            xml.within("securityGroupIdSet", |xml| {
                for id in &data.security_group_ids {
                    xml.leaf("item", id);
                }
            });
        }
        write_metadata_options(xml, data);
    });
}

fn write_device(xml: &mut Xml, device: &BlockDevice) {
    xml.leaf("deviceName", &device.device);
    xml.within("ebs", |xml| {
        xml.optional("encrypted", device.encrypted).optional("deleteOnTermination", device.delete_on_termination);
        xml.optional("volumeSize", device.volume_size).optional("volumeType", device.volume_type.as_ref());
        xml.optional("iops", device.iops).optional("throughput", device.throughput);
        xml.optional("kmsKeyId", device.kms_key_id.as_ref()).optional("snapshotId", device.snapshot_id.as_ref());
    });
}

fn write_metadata_options(xml: &mut Xml, data: &TemplateData) {
    let any = data.http_tokens.is_some()
        || data.http_endpoint.is_some()
        || data.http_hop_limit.is_some()
        || data.instance_metadata_tags.is_some();
    if any {
        xml.within("metadataOptions", |xml| {
            xml.optional("httpTokens", data.http_tokens.as_ref()).optional("httpEndpoint", data.http_endpoint.as_ref());
            xml.optional("httpPutResponseHopLimit", data.http_hop_limit);
            xml.optional("instanceMetadataTags", data.instance_metadata_tags.as_ref());
        });
    }
}
