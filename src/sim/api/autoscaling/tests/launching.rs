//! Creating groups, and how they get their instances.

use crate::sim::api::trial::{Trial, group_params};
use crate::sim::world::example::{HELLO_1_0, HELLO_ARM, HELLO_FOREIGN, SUBNETS};
use crate::sim::world::scaling::LaunchFailure;

#[test]
fn a_group_launches_its_instances_and_spreads_them_over_the_zones() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 6, "");
    assert!(aws.ids("hello").is_empty());
    aws.wait(3);
    assert_eq!(aws.lifecycles("hello"), ["Pending"; 6]);
    assert_eq!(aws.activities("hello").all("StatusCode"), ["PreInService"; 6]);
    aws.wait(10);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 6]);
    let activities = aws.activities("hello");
    assert_eq!(activities.all("StatusCode"), ["Successful"; 6]);
    assert!(activities.all("Cause")[5].starts_with(
        "At 2026-01-01T00:00:00Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 6."
    ));
    assert!(activities.all("Cause")[5].ends_with("increasing the capacity from 0 to 1."));
    let group = aws.asg("DescribeAutoScalingGroups", "");
    for zone in ["us-west-2a", "us-west-2b", "us-west-2c"] {
        assert_eq!(group.all("AvailabilityZone").iter().filter(|it| **it == zone).count(), 2, "{zone}");
    }
}

#[test]
fn a_name_can_be_used_once() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    let (code, message) = aws.asg_refuses("CreateAutoScalingGroup", &group_params("hello", 1));
    assert_eq!(code, "AlreadyExists");
    assert!(message.contains("A group with the name hello already exists"), "{message}");
}

#[test]
fn names_have_255_characters_at_most_and_no_colon() {
    let mut aws = Trial::new();
    aws.template("t", HELLO_1_0);
    let create =
        |name: &str| group_params("t", 0).replace("AutoScalingGroupName=t", &format!("AutoScalingGroupName={name}"));
    for name in ["a:b", &"a".repeat(256)] {
        assert_eq!(aws.asg_refuses("CreateAutoScalingGroup", &create(name)).0, "ValidationError");
    }
    aws.asg("CreateAutoScalingGroup", &create(&"a".repeat(255)));
}

#[test]
fn sizes_must_fit_together() {
    let mut aws = Trial::new();
    aws.template("t", HELLO_1_0);
    let params = group_params("t", 2);
    for (wrong, expected) in [
        (params.replace("MaxSize=2", "MaxSize=1"), "Max bound, 1, must be greater than or equal to min bound, 2"),
        (format!("{params}&DesiredCapacity=3"), "must be between the specified min size:2 and max size:2"),
        (params.replace("MaxSize=2", "MaxSize=-1"), "Member must have value between"),
    ] {
        let (code, message) = aws.asg_refuses("CreateAutoScalingGroup", &wrong);
        assert_eq!(code, "ValidationError");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_template_is_tried_when_a_group_is_given_it() {
    let mut aws = Trial::new();
    aws.template("foreign", HELLO_FOREIGN);
    aws.template("gone", "ami-00000000000000999");
    aws.template("arm", HELLO_ARM);
    aws.template("profile", HELLO_1_0);
    for template in aws.world.templates.all.values_mut() {
        match template.name.as_str() {
            "arm" => template.versions[0].instance_type = Some("c7i.large".to_owned()),
            "profile" => template.versions[0].iam_instance_profile = Some("missing-profile".to_owned()),
            _ => {}
        }
    }
    for (name, expected) in [
        ("foreign", "Not authorized for images: [ami-00000000000000666]"),
        ("gone", "The image id '[ami-00000000000000999]' does not exist"),
        ("arm", "does not match the architecture 'arm64' of the specified AMI"),
        ("profile", "Invalid IAM Instance Profile name"),
        ("nothing", "with template name nothing, does not exist"),
    ] {
        let (code, message) = aws.asg_refuses("CreateAutoScalingGroup", &group_params(name, 1));
        assert_eq!(code, "ValidationError");
        assert!(message.starts_with("You must use a valid fully-formed launch template. "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn what_a_group_needs_must_be_there() {
    let mut aws = Trial::new();
    aws.template("t", HELLO_1_0);
    let params = group_params("t", 1);
    for (wrong, expected) in [
        (params.replace(SUBNETS[1], "subnet-1"), "The subnet ID 'subnet-1' does not exist"),
        (params.replace(&SUBNETS.join(","), ""), "At least one Availability Zone or VPC Subnet is required."),
        (
            params.replace("LaunchTemplate.Version=1", "LaunchTemplate.Version=2"),
            "Could not find the specified version 2",
        ),
        (format!("{params}&TargetGroupARNs.member.1=arn:aws:x"), "Provided Target Groups may not be valid."),
        (format!("{params}&HealthCheckType=FOO"), "Invalid health check type"),
        (format!("{params}&MaxInstanceLifetime=3600"), "must be either equal to 0 or between 86400"),
        (format!("{params}&DeletionProtection=yes"), "deletionProtection"),
    ] {
        let (code, message) = aws.asg_refuses("CreateAutoScalingGroup", &wrong);
        assert_eq!(code, "ValidationError");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_account_has_a_limit_of_groups() {
    let mut aws = Trial::new();
    aws.world.scaling.group_limit = 1;
    aws.group("one", HELLO_1_0, 0, "");
    aws.template("two", HELLO_1_0);
    assert_eq!(aws.asg_refuses("CreateAutoScalingGroup", &group_params("two", 0)).0, "LimitExceeded");
}

#[test]
fn an_image_that_is_gone_later_shows_in_failed_activities_and_the_group_goes_on_trying() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "");
    aws.world.images.all.get_mut(HELLO_1_0).unwrap().state = "deregistered".to_owned();
    aws.wait(3);
    let activities = aws.activities("hello");
    assert_eq!(activities.all("StatusCode"), ["Failed"]);
    assert_eq!(
        activities.one("StatusMessage"),
        "The image id &apos;[ami-00000000000000100]&apos; does not exist. Launching EC2 instance failed."
    );
    aws.wait(600);
    let tries = aws.activities("hello").all("StatusCode").len();
    assert!((4..10).contains(&tries), "waits longer each time: {tries} tries");
    aws.world.images.all.get_mut(HELLO_1_0).unwrap().state = "available".to_owned();
    aws.wait(900);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 2]);
}

#[test]
fn missing_capacity_fails_the_activity_and_not_the_call() {
    let mut aws = Trial::new();
    aws.world.scaling.capacity.failure = Some(LaunchFailure::InsufficientInstanceCapacity);
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(3);
    let activities = aws.activities("hello");
    assert_eq!(activities.one("StatusCode"), "Failed");
    assert!(activities.one("StatusMessage").contains("InsufficientInstanceCapacity"));
    assert!(activities.one("StatusMessage").contains("do not have sufficient c7i.large capacity"));
    aws.world.scaling.capacity.failure = None;
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn a_zone_without_capacity_is_passed_over() {
    let mut aws = Trial::new();
    aws.world.scaling.capacity.exhausted_zones.insert("us-west-2a".to_owned());
    aws.group("hello", HELLO_1_0, 3, "");
    aws.wait(20);
    let group = aws.asg("DescribeAutoScalingGroups", "");
    assert_eq!(group.all("LifecycleState"), ["InService"; 3]);
    assert!(!group.all("AvailabilityZone").contains(&"us-west-2a"));
}

#[test]
fn the_quota_stops_launches_above_it() {
    let mut aws = Trial::new();
    aws.world.scaling.capacity.instance_limit = Some(2);
    aws.group("hello", HELLO_1_0, 3, "");
    aws.wait(20);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 2]);
    assert!(aws.activities("hello").all("StatusMessage")[0].contains("VcpuLimitExceeded"));
}

#[test]
fn a_user_who_changes_the_group_does_not_wait_for_the_next_try() {
    let mut aws = Trial::new();
    aws.world.scaling.capacity.failure = Some(LaunchFailure::VcpuLimitExceeded);
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(600);
    aws.world.scaling.capacity.failure = None;
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MaxSize=2&DesiredCapacity=2");
    aws.wait(15);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 2]);
}

#[test]
fn after_a_day_of_failures_aws_suspends_the_launches() {
    let mut aws = Trial::new();
    aws.world.scaling.capacity.failure = Some(LaunchFailure::Other("No.".to_owned()));
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(23 * 3600);
    assert!(aws.asg("DescribeAutoScalingGroups", "").all("ProcessName").is_empty());
    aws.wait(2 * 3600);
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").all("ProcessName"), ["Launch"]);
    aws.world.scaling.capacity.failure = None;
    aws.wait(3600);
    assert!(aws.ids("hello").is_empty());
    aws.asg("ResumeProcesses", "AutoScalingGroupName=hello&ScalingProcesses.member.1=Launch");
    aws.wait(15);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn instances_carry_the_tags_that_propagate_and_what_the_group_adds() {
    let mut aws = Trial::new();
    let tags = "Tags.member.1.Key=app&Tags.member.1.Value=hello&Tags.member.1.PropagateAtLaunch=true\
                &Tags.member.2.Key=secret&Tags.member.2.Value=x&Tags.member.2.PropagateAtLaunch=false";
    aws.group("hello", HELLO_1_0, 1, tags);
    aws.wait(15);
    let answer = aws.ec2("DescribeInstances", "Filter.1.Name=tag:app&Filter.1.Value.1=hel*");
    assert!(answer.all("key").contains(&"aws:autoscaling:groupName"));
    assert!(!answer.all("key").contains(&"secret"));
    assert_eq!(answer.all("instanceId").len(), 1);
}

#[test]
fn a_launch_hook_holds_instances_from_the_first_launch_on() {
    for (default, expected) in [("CONTINUE", "InService"), ("ABANDON", "Pending")] {
        let mut aws = Trial::new();
        let hook = format!(
            "LifecycleHookSpecificationList.member.1.LifecycleHookName=warm\
             &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING\
             &LifecycleHookSpecificationList.member.1.HeartbeatTimeout=60\
             &LifecycleHookSpecificationList.member.1.DefaultResult={default}"
        );
        aws.group("hello", HELLO_1_0, 1, &hook);
        aws.wait(60);
        assert_eq!(aws.lifecycles("hello"), ["Pending:Wait"]);
        aws.wait(15);
        assert!(aws.lifecycles("hello").contains(&expected.to_owned()), "{default}: {:?}", aws.lifecycles("hello"));
        let ended = aws.activities("hello").all("StatusCode").contains(&"Cancelled");
        assert_eq!(ended, default == "ABANDON");
    }
}

#[test]
fn an_answered_hook_lets_the_instance_go_on() {
    let mut aws = Trial::new();
    let hook = "LifecycleHookSpecificationList.member.1.LifecycleHookName=warm\
                &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING";
    aws.group("hello", HELLO_1_0, 1, hook);
    aws.wait(30);
    let id = aws.ids("hello").remove(0);
    let answer =
        format!("AutoScalingGroupName=hello&InstanceId={id}&LifecycleHookName=warm&LifecycleActionResult=CONTINUE");
    aws.asg("CompleteLifecycleAction", &answer);
    aws.wait(3);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
    assert_eq!(aws.asg_refuses("CompleteLifecycleAction", &answer).0, "ValidationError");
}

#[test]
fn hooks_wait_between_30_seconds_and_two_hours() {
    let mut aws = Trial::new();
    aws.template("t", HELLO_1_0);
    for timeout in [29, 7201] {
        let hook = format!(
            "{}&LifecycleHookSpecificationList.member.1.LifecycleHookName=warm\
             &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING\
             &LifecycleHookSpecificationList.member.1.HeartbeatTimeout={timeout}",
            group_params("t", 1)
        );
        assert_eq!(aws.asg_refuses("CreateAutoScalingGroup", &hook).0, "ValidationError");
    }
}
