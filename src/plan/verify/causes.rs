//! What AWS's words say of a launch that failed: whether the release can ever succeed, or AWS only lacks room for now.
//!
//! Every row names where AWS documents its words, or who was told them. Words that no row knows are shown as they are; they
//! judge nothing.

/// What a failed launch says about the release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// It can never succeed: the image, a key, a volume or another part of the template is wrong.
    Release,
    /// It cannot succeed in this zone; the group's other zones may be able to.
    Zone,
    /// AWS lacks room, or the account its quota: later may do.
    Capacity,
    /// Neither can be told.
    Unclear,
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html>
const LAUNCH: &str = "ts-as-instancelaunchfailure";
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-ami.html>
const AMI: &str = "ts-as-ami";
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
const CODES: &str = "errors-overview";
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html>
const STATE: &str = "API_StateReason";

/// Words in lower case, what they mean, and where they are from. The first row that has any of its words in a message
/// decides, so that what is special stands before what is general.
const TABLE: &[(&[&str], Cause, &str)] = &[
    // The zone.
    (&["not supported in your requested availability zone"], Cause::Zone, LAUNCH),
    (&["requested availability zone is no longer supported"], Cause::Zone, LAUNCH),
    (&["requested configuration is currently not supported"], Cause::Zone, LAUNCH),
    // Room.
    (&["insufficientinstancecapacity", "currently do not have sufficient"], Cause::Capacity, LAUNCH),
    (&["does not have sufficient compatible and available capacity"], Cause::Capacity, LAUNCH),
    (&["capacity block reservation", "no spot capacity available"], Cause::Capacity, LAUNCH),
    (&["lower than the minimum required spot request fulfillment price"], Cause::Capacity, LAUNCH),
    (&["instance(s) are already running"], Cause::Capacity, LAUNCH),
    (
        &["insufficienthostcapacity", "insufficientcapacity", "insufficientreservedinstancecapacity"],
        Cause::Capacity,
        CODES,
    ),
    (&["insufficientvolumecapacity", "insufficientaddresscapacity"], Cause::Capacity, CODES),
    (&["insufficientfreeaddressesinsubnet", "not enough free addresses in subnet"], Cause::Capacity, CODES),
    // An account's quotas. What one instance may have is no quota.
    (&["attachmentlimitexceeded", "taglimitexceeded"], Cause::Release, CODES),
    (&["vcpulimitexceeded", "vcpu limit", "instancelimitexceeded"], Cause::Capacity, CODES),
    (&["maxspotinstancecountexceeded", "max spot instance count exceeded"], Cause::Capacity, CODES),
    (&["volumelimitexceeded", "storage limit", "maxiopslimitexceeded", "iops limit"], Cause::Capacity, STATE),
    (&["requestlimitexceeded", "request limit exceeded", "throttling", "rate exceeded"], Cause::Capacity, CODES),
    (&["limitexceeded", "limit exceeded", "quota"], Cause::Capacity, CODES),
    // The template.
    (&["client.internalerror", "client error on launch"], Cause::Release, LAUNCH),
    (&["security group", "key pair"], Cause::Release, LAUNCH),
    (&["invalid device name", "parameter virtualname is invalid"], Cause::Release, LAUNCH),
    (&["block device mappings not supported", "placement groups may not be used"], Cause::Release, LAUNCH),
    (&["does not match the architecture", "invalid ami", "invalidami"], Cause::Release, AMI),
    (&["may only be used with"], Cause::Release, AMI),
    (&["client.invalidsnapshot.notfound"], Cause::Release, STATE),
    (&["optinrequired", "accept terms and subscribe", "not subscribed to this service"], Cause::Release, CODES),
    (&["invalid iam instance profile", "iaminstanceprofile.name is invalid"], Cause::Release, CODES),
    (&["unauthorized", "not authorized"], Cause::Release, CODES),
    (&["invalidblockdevicemapping", "encryptedvolumesnotsupported"], Cause::Release, CODES),
    // <https://github.com/kubernetes/cloud-provider-aws/issues/436>
    (&["is not a valid tag key"], Cause::Release, "cloud-provider-aws#436"),
    // <https://github.com/rocicorp/mono/pull/4410>
    (&["volume size ratio of", "to iops ratio of"], Cause::Release, "rocicorp/mono#4410"),
    // <https://github.com/aws-samples/amazon-autoscaling-mac1metal-ec2-with-terraform/issues/6>
    (&["is smaller than snapshot"], Cause::Release, "mac1metal-ec2-with-terraform#6"),
    // What is named is gone: an image, a snapshot, a subnet, a launch template.
    (&["does not exist", "invalidsnapshot.notfound", "could not find the specified version"], Cause::Release, AMI),
];

/// Tells trouble with AWS from trouble with the release, by AWS's own words.
pub(super) fn cause(message: &str) -> Cause {
    let message = message.to_ascii_lowercase();
    let says = |words: &&(&[&str], Cause, &str)| words.0.iter().any(|word| message.contains(word));
    TABLE.iter().find(says).map_or(Cause::Unclear, |(_, cause, _)| *cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_words_tell_a_bad_release_from_a_bad_zone_and_from_a_lack_of_room() {
        let rows: &[(Cause, &[&str])] = &[
            (
                Cause::Release,
                &[
                    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                     Client.InternalError: Client error on launch",
                    "The image id '[ami-0aaa]' does not exist. Launching EC2 instance failed.",
                    "The AMI ID ami-0aaa does not exist. Launching EC2 instance failed.",
                    "The security group 'sg-0a' does not exist in VPC 'vpc-1'. Launching EC2 instance failed.",
                    "The key pair 'ada' does not exist. Launching EC2 instance failed.",
                    "Invalid IAM Instance Profile name. Launching EC2 instance failed.",
                    "Value (x) for parameter iamInstanceProfile.name is invalid. Launching EC2 instance failed.",
                    "Invalid device name upload. Launching EC2 instance failed.",
                    "Value (xvdb) for parameter virtualName is invalid. Expected format: 'ephemeralNUMBER'. Launching EC2 \
                     instance failed.",
                    "EBS block device mappings not supported for instance-store AMIs. Launching EC2 instance failed.",
                    "Placement groups may not be used with instances of type 't3.micro'. Launching EC2 instance failed.",
                    "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64' of \
                     the specified AMI.",
                    "The requested instance type's architecture (i386) does not match the architecture in the manifest for \
                     ami-6622f00f (x86_64). Launching ec2 instance failed.",
                    "'kubernetes.io/cluster/my-cluster' is not a valid tag key. Tag keys must match pattern \
                     ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index'). Launching EC2 \
                     instance failed.",
                    "Iops to volume size ratio of 750.000000 is too high; maximum is 500. Launching EC2 instance failed.",
                    "Throughput (MiBps) to iops ratio of 0.333333 is too high; maximum is 0.250000 MiBps per iops. Launching \
                     EC2 instance failed.",
                    "Volume of size 30GB is smaller than snapshot 'snap-0194da2e1369f5937', expect size >= 50GB. Launching \
                     EC2 instance failed.",
                    "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please \
                     visit https://aws.amazon.com/marketplace/pp?sku=14onryp2ljrzlajty34nw8o2z. Launching EC2 instance \
                     failed.",
                    "You are not subscribed to this service. Please see https://aws.amazon.com/.",
                    "You are not authorized to perform this operation. Encoded authorization failure message: 4GIOH…. \
                     Launching EC2 instance failed.",
                    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                     Client.InvalidSnapshot.NotFound: The snapshot 'snap-1' does not exist.",
                    "AttachmentLimitExceeded - The maximum number of volumes for the instance was exceeded.",
                ],
            ),
            (
                Cause::Zone,
                &[
                    "Your requested instance type (c7g.large) is not supported in your requested Availability Zone \
                     (us-east-1e). Please retry your request by not specifying an Availability Zone or choosing us-east-1a, \
                     us-east-1b. Launching EC2 instance failed.",
                    "The requested configuration is currently not supported. Please check the documentation for supported \
                     configurations. Launching EC2 instance failed.",
                    "The requested Availability Zone is no longer supported. Please retry your request by not specifying an \
                     Availability Zone or choosing us-west-2a. Launching EC2 instance failed.",
                ],
            ),
            (
                Cause::Capacity,
                &[
                    "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have \
                     sufficient c7g.large capacity in the Availability Zone you requested (us-west-2a). Launching EC2 \
                     instance failed.",
                    "There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
                    "The requested reservation does not have sufficient compatible and available capacity for this request. \
                     Launching EC2 instance failed.",
                    "Your Spot request price of 0.015 is lower than the minimum required Spot request fulfillment price of \
                     0.0735. Launching EC2 instance failed.",
                    "4 instance(s) are already running. Launching EC2 instance failed.",
                    "There are not enough free addresses in subnet 'subnet-66d3dd2c' to satisfy the requested number of \
                     instances. Launching EC2 instance failed.",
                    "Max spot instance count exceeded. Launching EC2 instance failed.",
                    "Max spot instance count exceeded. Placing Spot instance request failed.",
                    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket \
                     that the specified instance type belongs to. Launching EC2 instance failed.",
                    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                     Client.VolumeLimitExceeded: Volume limit exceeded",
                    "You have exceeded your maximum gp3 storage limit of 50 TiB in this region. Launching EC2 instance \
                     failed.",
                    "Request limit exceeded. Launching EC2 instance failed.",
                ],
            ),
            (
                Cause::Unclear,
                &[
                    "An internal error has occurred. Launching EC2 instance failed.",
                    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                     Server.InternalError: Internal error on launch",
                    "AMI ami-0aaa is pending, and cannot be run. Launching EC2 instance failed.",
                    "The moon is in the wrong phase. Launching EC2 instance failed.",
                    "Insufficient enthusiasm.",
                    "",
                ],
            ),
        ];
        for (expected, messages) in rows {
            for message in *messages {
                assert_eq!(cause(message), *expected, "{message}");
            }
        }
    }

    #[test]
    fn every_row_is_in_lower_case_has_a_source_and_is_not_hidden_by_an_earlier_one() {
        for (index, (words, cause, source)) in TABLE.iter().enumerate() {
            assert!(!source.is_empty() && !words.is_empty() && *cause != Cause::Unclear, "{words:?}");
            for word in *words {
                assert_eq!(*word, word.to_ascii_lowercase());
                let earlier = TABLE[..index].iter().flat_map(|row| row.0).find(|other| word.contains(**other));
                assert_eq!(earlier, None, "{word} never decides");
            }
        }
    }
}
