//! AWS's types to and from the model's.

use aws_sdk_autoscaling::types as asg;
use aws_sdk_cloudwatch::types as cw;
use aws_sdk_ec2::types as ec2;
use aws_sdk_elasticloadbalancingv2::types as elb;
use aws_smithy_types::DateTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;

use crate::model::action::Tags;
use crate::model::autopsy::FailureRecord;
use crate::model::container::Container;
use crate::model::decision::Decision;
use crate::model::launch::{LaunchData, RootVolume, Secret};
use crate::model::machine::{Metadata, Volume};
use crate::model::observed::{Forward, Health, Redirect};
use crate::model::parameter;
use crate::model::record::{DeployedRecord, NO_RECORD};
use crate::model::text::{cleaned, cleaned_json};
use crate::model::time::Timestamp;

/// A point in time; nothing when it lies outside what the model can hold.
pub fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()
}

macro_rules! tags_of {
    ($($name:ident: $tag:ty, $whose:literal;)*) => {$(
        #[doc = concat!("Tags as ", $whose, " gives them.")]
        pub fn $name(tags: &[$tag]) -> Tags {
            tags.iter()
                .filter_map(|tag| Some((cleaned(tag.key()?), cleaned(tag.value().unwrap_or_default()))))
                .collect()
        }
    )*};
}

tags_of! {
    group_tags: asg::TagDescription, "Auto Scaling";
    ec2_tags: ec2::Tag, "EC2";
    elb_tags: elb::Tag, "load balancing";
    alarm_tags: cw::Tag, "CloudWatch";
}

/// Tags as CloudWatch takes them.
pub fn to_alarm_tags(tags: &Tags) -> Vec<cw::Tag> {
    tags.iter().map(|(key, value)| cw::Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as EC2 takes them.
pub fn to_ec2_tags(tags: &Tags) -> Vec<ec2::Tag> {
    tags.iter().map(|(key, value)| ec2::Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as load balancing takes them.
pub fn to_elb_tags(tags: &Tags) -> Vec<elb::Tag> {
    tags.iter().map(|(key, value)| elb::Tag::builder().key(key).value(value).build()).collect()
}

/// Where a list of actions forwards to; empty when it does something else. The older form names one target group
/// without a weight, which is all of the traffic.
pub fn forward(actions: &[elb::Action]) -> Forward {
    let mut forward = Forward::default();
    for action in actions.iter().filter(|action| action.r#type() == Some(&elb::ActionTypeEnum::Forward)) {
        let tuples = action.forward_config().map(elb::ForwardActionConfig::target_groups).unwrap_or_default();
        for tuple in tuples {
            let weight = tuple.weight().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
            forward.weights.extend(tuple.target_group_arn().map(|arn| (arn.to_owned(), weight)));
        }
        let stickiness = action.forward_config().and_then(|config| config.target_group_stickiness_config());
        let stickiness = stickiness.filter(|stickiness| stickiness.enabled == Some(true));
        let seconds = stickiness.and_then(|stickiness| stickiness.duration_seconds);
        forward.stickiness = forward.stickiness.or(seconds.and_then(|seconds| u32::try_from(seconds).ok()));
        if tuples.is_empty() {
            forward.weights.extend(action.target_group_arn().map(|arn| (arn.to_owned(), 1)));
        }
    }
    forward
}

/// Where the actions of a listener send clients, if they do.
pub fn redirect(actions: &[elb::Action]) -> Option<Redirect> {
    let config = actions.iter().find_map(elb::Action::redirect_config)?;
    let or = |given: Option<&str>, otherwise: &str| given.unwrap_or(otherwise).to_owned();
    Some(Redirect {
        protocol: or(config.protocol(), "#{protocol}"),
        port: or(config.port(), "#{port}"),
        host: or(config.host(), "#{host}"),
        path: or(config.path(), "/#{path}"),
        query: or(config.query(), "#{query}"),
        status: or(config.status_code().map(elb::RedirectActionStatusCodeEnum::as_str), "HTTP_301"),
    })
}

/// What a list of actions answers instead of forwarding, in words; nothing where it forwards. The body of a fixed response
/// is somebody's page, and is not repeated.
pub fn instead(actions: &[elb::Action]) -> Option<String> {
    if let Some(redirect) = redirect(actions) {
        return Some(format!("redirect {redirect}"));
    }
    let fixed = actions.iter().find_map(elb::Action::fixed_response_config)?;
    Some(format!("fixed response {}", fixed.status_code().unwrap_or("of an unknown status")))
}

/// The health of a target.
pub fn health(state: Option<&elb::TargetHealthStateEnum>) -> Health {
    use elb::TargetHealthStateEnum as State;
    match state {
        Some(State::Initial) => Health::Initial,
        Some(State::Healthy) => Health::Healthy,
        Some(State::Unhealthy) => Health::Unhealthy,
        Some(State::Unused) => Health::Unused,
        Some(State::Draining | State::UnhealthyDraining) => Health::Draining,
        Some(State::Unavailable) => Health::Unavailable,
        _ => Health::Unrecognised,
    }
}

/// What a launch template holds.
///
/// # Errors
/// What of it cannot be told.
pub fn launch_data(data: &ec2::ResponseLaunchTemplateData) -> Result<LaunchData, String> {
    let mut security_group_ids = data.security_group_ids().to_vec();
    security_group_ids.sort();
    let profile = data.iam_instance_profile().and_then(|profile| match profile.name() {
        Some(name) => Some(name.to_owned()),
        None => profile.arn().map(str::to_owned),
    });
    // A root volume of another size says nothing but its size; any other volume says whether it is encrypted.
    let (plain, full): (Vec<_>, Vec<_>) = data
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| Some((mapping.device_name()?, mapping.ebs()?)))
        .partition(|(_, ebs)| ebs.encrypted().is_none());
    let root_volume = plain.iter().find_map(|(device, ebs)| {
        Some(RootVolume { device: (*device).to_owned(), size: ebs.volume_size().and_then(whole)? })
    });
    let mut volumes: Vec<Volume> = full.iter().map(|(device, ebs)| volume(device, ebs)).collect();
    volumes.sort();
    let user_data = data.user_data().map(decode_user_data).transpose()?;
    let container = user_data.as_ref().and_then(Container::read);
    Ok(LaunchData {
        image_id: data.image_id().ok_or("it names no image")?.to_owned(),
        instance_type: data.instance_type().ok_or("it names no instance type")?.as_str().to_owned(),
        iam_instance_profile: profile,
        key_name: data.key_name().map(str::to_owned),
        security_group_ids,
        user_data: user_data.filter(|_| container.is_none()),
        detailed_monitoring: data.monitoring().and_then(ec2::LaunchTemplatesMonitoring::enabled).unwrap_or(false),
        root_volume,
        volumes,
        metadata: metadata(data),
        tenancy: data
            .placement()
            .and_then(|placement| placement.tenancy())
            .map(|tenancy| tenancy.as_str().to_owned())
            .filter(|tenancy| tenancy != "default"),
        ebs_optimized: data.ebs_optimized(),
        cpu_credits: data.credit_specification().and_then(|credits| credits.cpu_credits()).map(str::to_owned),
        // The types are the group's.
        mixed: None,
        container,
    })
}

fn whole(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

fn volume(device: &str, ebs: &ec2::LaunchTemplateEbsBlockDevice) -> Volume {
    Volume {
        device: device.to_owned(),
        size: ebs.volume_size().and_then(whole),
        kind: ebs.volume_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        iops: ebs.iops().and_then(whole),
        throughput: ebs.throughput().and_then(whole),
        encrypted: ebs.encrypted().unwrap_or(false),
        kms_key_id: ebs.kms_key_id().map(str::to_owned),
        delete_on_termination: ebs.delete_on_termination().unwrap_or(true),
        snapshot_id: ebs.snapshot_id().map(str::to_owned),
    }
}

/// Templates from before there was a choice say the default.
fn metadata(data: &ec2::ResponseLaunchTemplateData) -> Metadata {
    let Some(options) = data.metadata_options() else { return Metadata::default() };
    Metadata {
        tokens_required: options.http_tokens() != Some(&ec2::LaunchTemplateHttpTokensState::Optional),
        hop_limit: options.http_put_response_hop_limit().and_then(whole).unwrap_or(Metadata::default().hop_limit),
        tags: options.instance_metadata_tags() == Some(&ec2::LaunchTemplateInstanceMetadataTagsState::Enabled),
    }
}

fn decode_user_data(text: &str) -> Result<Secret, String> {
    let bytes = BASE64.decode(text).map_err(|_| "its user data is not base64")?;
    // The bytes are not quoted: they may hold secrets.
    String::from_utf8(bytes).map(Secret::new).map_err(|_| "its user data is not text".to_owned())
}

/// User data as EC2 takes it.
pub fn encode_user_data(data: &Secret) -> String {
    BASE64.encode(data.reveal())
}

/// The deployed state as it is kept.
///
/// # Errors
/// Never in practice: the record has nothing that JSON cannot hold.
pub fn encode_record(record: &DeployedRecord) -> Result<String, String> {
    parameter::encode(record)
}

/// The deployed state as it was kept.
///
/// # Errors
/// Where it is not such a record.
pub fn decode_record(text: &str) -> Result<DeployedRecord, String> {
    decode_json(text).map_err(|error| format!("{NO_RECORD}: {error}"))
}

/// What a person decided, as Parameter Store keeps it.
///
/// # Errors
/// Never in practice: it is plain data.
pub fn encode_decision(decision: &Decision) -> Result<String, String> {
    parameter::encode(decision)
}

/// What a person decided as it was kept.
///
/// # Errors
/// Where it is not such a decision.
pub fn decode_decision(text: &str) -> Result<Decision, String> {
    decode_json(text).map_err(|error| format!("it does not hold a decision: {error}"))
}

/// Why a generation failed, as Parameter Store keeps it.
///
/// # Errors
/// Never in practice: it is plain data.
pub fn encode_failure(record: &FailureRecord) -> Result<String, String> {
    parameter::encode(record)
}

/// Why a generation failed as it was kept.
///
/// # Errors
/// Where it is not such a record.
pub fn decode_failure(text: &str) -> Result<FailureRecord, String> {
    decode_json(text).map_err(|error| format!("it does not hold why a generation failed: {error}"))
}

/// The text of a console, which EC2 sends in base64. What is no text in it is shown as such.
///
/// # Errors
/// When it is not base64.
pub fn decode_console(text: &str) -> Result<String, String> {
    let bare: String = text.split_whitespace().collect();
    let bytes = BASE64.decode(bare).map_err(|_| "the console's text is not base64")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a parameter holds as JSON. Whoever may write the parameter may have put anything into its strings.
fn decode_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let value = serde_json::from_str(text).map_err(|error| cleaned(&error.to_string()))?;
    serde_json::from_value(cleaned_json(value)).map_err(|error| cleaned(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::names::Generation;

    fn forward_action(tuples: &[(&str, Option<i32>)]) -> elb::Action {
        let tuples = tuples
            .iter()
            .map(|(arn, weight)| elb::TargetGroupTuple::builder().target_group_arn(*arn).set_weight(*weight).build());
        elb::Action::builder()
            .r#type(elb::ActionTypeEnum::Forward)
            .forward_config(elb::ForwardActionConfig::builder().set_target_groups(Some(tuples.collect())).build())
            .build()
    }

    #[test]
    fn weights_are_read_from_both_forms_of_a_forward() {
        let both = forward(&[forward_action(&[("a", Some(0)), ("b", Some(100)), ("c", None)])]);
        assert_eq!((both.weight("a"), both.weight("b"), both.weight("c"), both.weight("d")), (0, 100, 1, 0));
        let plain = elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).target_group_arn("a").build();
        assert_eq!(forward(&[plain]).weight("a"), 1);
        let other = elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).target_group_arn("a").build();
        assert_eq!(forward(&[other]), Forward::default());
    }

    #[test]
    fn what_stands_in_the_place_of_a_forward_is_said_in_words() {
        assert_eq!(instead(&[forward_action(&[("a", Some(1))])]), None);
        let page =
            elb::FixedResponseActionConfig::builder().status_code("503").message_body("Back at <b>noon</b>").build();
        let page =
            elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(page).build();
        assert_eq!(instead(&[page]), Some("fixed response 503".to_owned()));
        let to = elb::RedirectActionConfig::builder().host("status.example.com").status_code("HTTP_302".into()).build();
        let to = elb::Action::builder().r#type(elb::ActionTypeEnum::Redirect).redirect_config(to).build();
        let words = "redirect 302 #{protocol}://status.example.com:#{port}/#{path}?#{query}";
        assert_eq!(instead(&[to]), Some(words.to_owned()));
    }

    #[test]
    fn only_healthy_is_healthy() {
        assert_eq!(health(Some(&"healthy".into())), Health::Healthy);
        for (state, expected) in [
            ("initial", Health::Initial),
            ("unhealthy", Health::Unhealthy),
            ("unused", Health::Unused),
            ("draining", Health::Draining),
            ("unhealthy.draining", Health::Draining),
            ("unavailable", Health::Unavailable),
            ("splendid", Health::Unrecognised),
        ] {
            assert_eq!(health(Some(&state.into())), expected);
        }
        assert_eq!(health(None), Health::Unrecognised);
    }

    #[test]
    fn a_template_is_read_back_with_the_hash_it_was_written_with() {
        let data = LaunchData {
            image_id: "ami-0123456789abcdef0".into(),
            instance_type: "c7g.large".into(),
            iam_instance_profile: Some("web".into()),
            key_name: None,
            security_group_ids: vec!["sg-1".into(), "sg-2".into()],
            user_data: Some(Secret::new("#!/bin/sh\necho hello")),
            detailed_monitoring: true,
            root_volume: Some(RootVolume { device: "/dev/xvda".into(), size: 20 }),
            volumes: vec![Volume {
                device: "/dev/sdb".into(),
                size: Some(100),
                kind: "gp3".into(),
                iops: Some(4000),
                throughput: None,
                encrypted: true,
                kms_key_id: None,
                delete_on_termination: false,
                snapshot_id: None,
            }],
            metadata: Metadata { tokens_required: false, hop_limit: 1, tags: true },
            tenancy: Some("dedicated".into()),
            ebs_optimized: Some(true),
            cpu_credits: Some("unlimited".into()),
            ..LaunchData::default()
        };
        let ebs = ec2::LaunchTemplateEbsBlockDevice::builder().volume_size(20).build();
        let data_ebs = ec2::LaunchTemplateEbsBlockDevice::builder()
            .volume_size(100)
            .volume_type(ec2::VolumeType::Gp3)
            .iops(4000)
            .encrypted(true)
            .delete_on_termination(false)
            .build();
        let template = ec2::ResponseLaunchTemplateData::builder()
            .image_id(&data.image_id)
            .instance_type("c7g.large".into())
            .iam_instance_profile(ec2::LaunchTemplateIamInstanceProfileSpecification::builder().name("web").build())
            .security_group_ids("sg-2")
            .security_group_ids("sg-1")
            .user_data(encode_user_data(data.user_data.as_ref().unwrap()))
            .monitoring(ec2::LaunchTemplatesMonitoring::builder().enabled(true).build())
            .block_device_mappings(
                ec2::LaunchTemplateBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(ebs).build(),
            )
            .block_device_mappings(
                ec2::LaunchTemplateBlockDeviceMapping::builder().device_name("/dev/sdb").ebs(data_ebs).build(),
            )
            .metadata_options(
                ec2::LaunchTemplateInstanceMetadataOptions::builder()
                    .http_tokens(ec2::LaunchTemplateHttpTokensState::Optional)
                    .http_put_response_hop_limit(1)
                    .instance_metadata_tags(ec2::LaunchTemplateInstanceMetadataTagsState::Enabled)
                    .build(),
            )
            .placement(ec2::LaunchTemplatePlacement::builder().tenancy(ec2::Tenancy::Dedicated).build())
            .ebs_optimized(true)
            .credit_specification(ec2::CreditSpecification::builder().cpu_credits("unlimited").build())
            .build();
        assert_eq!(launch_data(&template).unwrap(), data);
        assert_eq!(launch_data(&template).unwrap().hash(), data.hash());
    }

    #[test]
    fn user_data_that_is_not_text_is_an_error_that_quotes_nothing() {
        for text in ["canary!", "/w=="] {
            let template = ec2::ResponseLaunchTemplateData::builder()
                .image_id("ami-1")
                .instance_type("c7g.large".into())
                .user_data(text)
                .build();
            assert!(!launch_data(&template).unwrap_err().contains("canary"));
        }
    }

    #[test]
    fn a_record_is_read_back_and_anything_else_is_refused() {
        let record = DeployedRecord {
            app: "hello-world".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            generation: Generation(42),
            image: "ami-1".into(),
            image_name: None,
            template_hash: "1-0a1b".parse().unwrap(),
            image_source: None,
            artifacts: BTreeMap::new(),
            release: BTreeMap::from([("version".into(), "1.9.0".into())]),
            manifests: Some("3f2c1ab".into()),
            deployed_at: "2026-08-01T10:00:00Z".parse().unwrap(),
            deployed_by: "arn:aws:iam::123456789012:role/deploy".into(),
            turned_down: None,
        };
        assert_eq!(decode_record(&encode_record(&record).unwrap()), Ok(record));
        for text in ["", "null", "[]", "{\"app\": \"Hello\"}", "\u{0}"] {
            assert!(decode_record(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_are_no_times() {
        assert_eq!(timestamp(&DateTime::from_secs(i64::MAX)), None);
        assert_eq!(timestamp(&DateTime::from_secs(0)), Some(Timestamp::UNIX_EPOCH));
    }
}
