//! Deleting groups.

use crate::sim::api::trial::{Trial, group_params};
use crate::sim::world::example::HELLO_1_0;

#[test]
fn a_group_with_instances_or_activities_is_not_deleted() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(20);
    assert_eq!(aws.asg_refuses("DeleteAutoScalingGroup", "AutoScalingGroupName=hello").0, "ResourceInUse");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=0");
    aws.wait(3);
    assert_eq!(aws.asg_refuses("DeleteAutoScalingGroup", "AutoScalingGroupName=hello").0, "ScalingActivityInProgress");
    aws.wait(60);
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello");
    aws.wait(10);
    assert!(aws.asg("DescribeAutoScalingGroups", "").all("AutoScalingGroupName").is_empty());
}

#[test]
fn the_status_is_set_only_while_a_group_is_being_deleted() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "");
    assert!(aws.asg("DescribeAutoScalingGroups", "").all("Status").is_empty());
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello");
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").one("Status"), "Delete in progress");
    let (code, message) = aws.asg_refuses("CreateAutoScalingGroup", &group_params("hello", 0));
    assert_eq!(code, "AlreadyExists");
    assert!(message.contains("pending delete"), "{message}");
    aws.wait(10);
    aws.asg("CreateAutoScalingGroup", &group_params("hello", 0));
}

#[test]
fn force_terminates_without_waiting_for_the_targets_to_drain() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&target_group, 100)]);
    aws.group("hello", HELLO_1_0, 2, &format!("TargetGroupARNs.member.1={target_group}"));
    aws.wait(60);
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello&ForceDelete=true");
    aws.wait(30);
    assert!(aws.asg("DescribeAutoScalingGroups", "").all("AutoScalingGroupName").is_empty());
    let states = aws.ec2("DescribeInstances", "");
    assert_eq!(states.all("instanceState"), ["<code>48</code><name>terminated</name>"; 2]);
    assert!(aws.activities("hello").all("StatusCode").iter().all(|status| *status == "Successful"));
}

#[test]
fn deletion_protection_has_three_levels() {
    for (level, force_allowed, plain_allowed) in
        [("none", true, true), ("prevent-force-deletion", false, true), ("prevent-all-deletion", false, false)]
    {
        for (params, allowed) in [("&ForceDelete=true", force_allowed), ("", plain_allowed)] {
            let mut aws = Trial::new();
            aws.group("hello", HELLO_1_0, 0, &format!("DeletionProtection={level}"));
            let result =
                aws.call("autoscaling", "DeleteAutoScalingGroup", &format!("AutoScalingGroupName=hello{params}"));
            assert_eq!(result.is_ok(), allowed, "{level}{params}");
        }
    }
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "DeletionProtection=prevent-force-deletion");
    aws.wait(20);
    let (code, message) = aws.asg_refuses("DeleteAutoScalingGroup", "AutoScalingGroupName=hello&ForceDelete=true");
    assert_eq!(code, "ResourceInUse");
    assert!(message.contains("deletion protection"), "{message}");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&DeletionProtection=none");
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello&ForceDelete=true");
}

#[test]
fn activities_of_a_group_that_is_gone_are_shown_on_request() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(20);
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello&ForceDelete=true");
    aws.wait(60);
    let params = "AutoScalingGroupName=hello";
    assert_eq!(aws.asg_refuses("DescribeScalingActivities", params).0, "ValidationError");
    let answer = aws.asg("DescribeScalingActivities", &format!("{params}&IncludeDeletedGroups=true"));
    assert_eq!(answer.all("StatusCode"), ["Successful"; 2]);
    assert!(answer.all("Description")[0].starts_with("Terminating EC2 instance"));
}

#[test]
fn what_is_not_there_is_said_so() {
    let mut aws = Trial::new();
    for operation in ["DeleteAutoScalingGroup", "UpdateAutoScalingGroup", "SuspendProcesses"] {
        let (code, message) = aws.asg_refuses(operation, "AutoScalingGroupName=nobody");
        assert_eq!(code, "ValidationError");
        assert!(message.starts_with("AutoScalingGroup name not found"), "{message}");
    }
}
