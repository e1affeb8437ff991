//! How instances leave their groups, and how they are replaced.

use crate::sim::api::trial::Trial;
use crate::sim::world::example::{HELLO_1_0, HELLO_BAD, SUBNETS};

/// A group of this size behind an active load balancer, all healthy; the target group.
fn served(aws: &mut Trial, image: &str, size: u32, more: &str) -> String {
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&target_group, 100)]);
    aws.group("hello", image, size, &format!("HealthCheckType=ELB&TargetGroupARNs.member.1={target_group}&{more}"));
    aws.wait(60);
    target_group
}

#[test]
fn scaling_in_drains_before_it_terminates() {
    let mut aws = Trial::new();
    let target_group = served(&mut aws, HELLO_1_0, 2, "HealthCheckGracePeriod=120");
    assert_eq!(aws.health(&target_group), ["healthy"; 2]);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=1");
    aws.wait(5);
    assert_eq!(aws.lifecycles("hello").iter().filter(|it| *it == "Terminating").count(), 1);
    let mut health = aws.health(&target_group);
    health.sort();
    assert_eq!(health, ["draining", "healthy"]);
    let activities = aws.activities("hello");
    assert_eq!(activities.all("StatusCode")[0], "WaitingForELBConnectionDraining");
    assert!(activities.all("Cause")[0].contains("shrinking the capacity from 2 to 1"));
    aws.wait(50);
    assert_eq!(aws.ids("hello").len(), 2, "the deregistration delay of a minute is not over");
    aws.wait(40);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
    assert_eq!(aws.health(&target_group), ["healthy"]);
    assert_eq!(aws.activities("hello").all("StatusCode")[0], "Successful");
}

#[test]
fn the_fullest_zone_gives_first_and_there_the_oldest() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 3, "");
    aws.wait(20);
    let first: Vec<String> = aws.ids("hello");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MaxSize=4&DesiredCapacity=4");
    aws.wait(20);
    let zone = |aws: &mut Trial, id: &str| aws.world.compute.instances.get(id).unwrap().zone.clone();
    let newest = aws.ids("hello").into_iter().find(|id| !first.contains(id)).unwrap();
    let full = zone(&mut aws, &newest);
    aws.asg("SetDesiredCapacity", "AutoScalingGroupName=hello&DesiredCapacity=3");
    aws.wait(40);
    let left = aws.ids("hello");
    assert!(left.contains(&newest));
    let gone = first.iter().find(|id| !left.contains(id)).unwrap();
    assert_eq!(zone(&mut aws, gone), full);
}

#[test]
fn protected_instances_stay() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "NewInstancesProtectedFromScaleIn=true");
    aws.wait(20);
    let ids = aws.ids("hello");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=0");
    aws.wait(60);
    assert_eq!(aws.ids("hello"), ids);
    let params = format!("AutoScalingGroupName=hello&ProtectedFromScaleIn=false&InstanceIds.member.1={}", ids[0]);
    aws.asg("SetInstanceProtection", &params);
    aws.wait(60);
    assert_eq!(aws.ids("hello"), ids[1..]);
}

#[test]
fn protection_is_set_for_fifty_instances_a_call() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "");
    let ids: String = (1..=51).map(|n| format!("&InstanceIds.member.{n}=i-{n:017x}")).collect();
    let params = format!("AutoScalingGroupName=hello&ProtectedFromScaleIn=true{ids}");
    assert_eq!(aws.asg_refuses("SetInstanceProtection", &params).0, "LimitExceeded");
}

#[test]
fn an_instance_that_ec2_terminates_is_replaced_at_once_whatever_the_grace_period() {
    for kind in ["EC2", "ELB"] {
        let mut aws = Trial::new();
        aws.group("hello", HELLO_1_0, 1, &format!("HealthCheckType={kind}&HealthCheckGracePeriod=3600"));
        aws.wait(20);
        let old = aws.ids("hello");
        aws.ec2("TerminateInstances", &format!("InstanceId.1={}", old[0]));
        aws.wait(60);
        assert_eq!(aws.lifecycles("hello"), ["InService"], "{kind}");
        assert_ne!(aws.ids("hello"), old, "{kind}");
        let causes = aws.activities("hello");
        assert!(causes.all("Cause")[0].contains("in response to an unhealthy instance needing to be replaced"));
        assert!(causes.all("Cause")[1].contains("EC2 health check indicating it has been terminated or stopped"));
    }
}

#[test]
fn a_replacement_is_registered_in_the_target_group() {
    let mut aws = Trial::new();
    let target_group = served(&mut aws, HELLO_1_0, 2, "");
    let ids = aws.ids("hello");
    aws.world.terminate_instance(&ids[0]);
    assert!(aws.health(&target_group).contains(&"unused".to_owned()));
    aws.wait(120);
    assert_eq!(aws.health(&target_group), ["healthy"; 2]);
}

#[test]
fn what_the_load_balancer_calls_unhealthy_is_replaced_after_the_grace_period() {
    let mut aws = Trial::new();
    let target_group = served(&mut aws, HELLO_BAD, 1, "HealthCheckGracePeriod=300");
    let first = aws.ids("hello");
    assert_eq!(aws.health(&target_group), ["unhealthy"]);
    aws.wait(240);
    assert_eq!(aws.ids("hello"), first, "the grace period is not over");
    aws.wait(40);
    let causes = aws.activities("hello");
    assert!(causes.all("Cause").iter().any(|cause| cause.contains("an ELB system health check failure")));
    assert_eq!(aws.ids("hello").len(), 2, "one drains, one starts");
}

#[test]
fn load_balancer_health_does_not_count_for_a_group_that_heeds_ec2_only() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&target_group, 100)]);
    aws.group("hello", HELLO_BAD, 1, &format!("TargetGroupARNs.member.1={target_group}"));
    aws.wait(20);
    let first = aws.ids("hello");
    aws.wait(3600);
    assert_eq!(aws.health(&target_group), ["unhealthy"]);
    assert_eq!(aws.ids("hello"), first);
}

#[test]
fn with_no_grace_period_a_slow_boot_is_never_healthy() {
    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "hello 2.0.0", "boot=2m");
    let target_group = served(&mut aws, "ami-00000000000000200", 1, "");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        aws.wait(10);
        assert!(!aws.health(&target_group).contains(&"healthy".to_owned()));
        seen.extend(aws.ids("hello"));
    }
    assert!(seen.len() > 4, "replaced again and again: {seen:?}");
}

#[test]
fn a_users_verdict_replaces_an_instance_and_respects_the_grace_period() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "HealthCheckGracePeriod=600");
    aws.wait(20);
    let old = aws.ids("hello");
    let params = format!("InstanceId={}&HealthStatus=Unhealthy", old[0]);
    aws.asg("SetInstanceHealth", &params);
    aws.wait(60);
    assert_eq!(aws.ids("hello"), old);
    aws.asg("SetInstanceHealth", &format!("{params}&ShouldRespectGracePeriod=false"));
    aws.wait(60);
    assert_ne!(aws.ids("hello"), old);
}

#[test]
fn an_instance_terminated_through_its_group_is_replaced_unless_the_capacity_shrinks() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "");
    aws.wait(20);
    let ids = aws.ids("hello");
    let terminate = |id: &str, shrink: bool| format!("InstanceId={id}&ShouldDecrementDesiredCapacity={shrink}");
    assert_eq!(aws.asg_refuses("TerminateInstanceInAutoScalingGroup", &terminate(&ids[0], true)).0, "ValidationError");
    let answer = aws.asg("TerminateInstanceInAutoScalingGroup", &terminate(&ids[0], false));
    assert_eq!(answer.one("Description"), format!("Terminating EC2 instance: {}", ids[0]));
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 2]);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=1");
    aws.asg("TerminateInstanceInAutoScalingGroup", &terminate(&ids[1], true));
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn bounds_move_the_wanted_number_with_them() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=3&MaxSize=5");
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").one("DesiredCapacity"), "3");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&MaxSize=1");
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").one("DesiredCapacity"), "1");
    let (_, message) = aws.asg_refuses("SetDesiredCapacity", "AutoScalingGroupName=hello&DesiredCapacity=2");
    assert!(message.contains("is above max value 1"), "{message}");
}

#[test]
fn instances_in_subnets_that_were_taken_away_move_one_by_one() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 3, "");
    aws.wait(20);
    let update = format!("AutoScalingGroupName=hello&VPCZoneIdentifier={},{}", SUBNETS[0], SUBNETS[1]);
    aws.asg("UpdateAutoScalingGroup", &update);
    for _ in 0..30 {
        aws.wait(5);
        let serving = aws.lifecycles("hello").iter().filter(|it| *it == "InService").count();
        assert!(serving >= 3, "a successor serves before the other leaves");
    }
    let group = aws.asg("DescribeAutoScalingGroups", "");
    assert_eq!(group.all("LifecycleState"), ["InService"; 3]);
    assert!(!group.all("AvailabilityZone").contains(&"us-west-2c"));
}

#[test]
fn a_termination_hook_holds_the_instance_after_draining() {
    let mut aws = Trial::new();
    let hook = "LifecycleHookSpecificationList.member.1.LifecycleHookName=bye\
                &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling:EC2_INSTANCE_TERMINATING\
                &LifecycleHookSpecificationList.member.1.HeartbeatTimeout=120";
    aws.group("hello", HELLO_1_0, 1, hook);
    aws.wait(20);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=0");
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["Terminating:Wait"]);
    aws.wait(90);
    assert!(aws.ids("hello").is_empty());
}

#[test]
fn an_instance_in_standby_is_out_of_its_load_balancer_and_out_of_reach_of_its_group() {
    let mut aws = Trial::new();
    let target_group = served(&mut aws, HELLO_1_0, 2, "HealthCheckGracePeriod=120");
    let id = aws.ids("hello").remove(0);
    let named = format!("AutoScalingGroupName=hello&InstanceIds.member.1={id}");
    let refused = aws.asg_refuses("EnterStandby", &format!("{named}&ShouldDecrementDesiredCapacity=true"));
    assert_eq!(refused.0, "ValidationError", "its min is 2");
    let refused = aws.asg_refuses("EnterStandby", &format!("{named}&ShouldDecrementDesiredCapacity=false&Force=true"));
    assert_eq!(refused.0, "UnknownParameter");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0");
    aws.asg("EnterStandby", &format!("{named}&ShouldDecrementDesiredCapacity=true"));
    aws.wait(120);
    assert_eq!(aws.health(&target_group), ["healthy"]);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&DesiredCapacity=0");
    aws.wait(600);
    assert_eq!(aws.lifecycles("hello"), ["Standby"], "nothing takes it away");
    assert_eq!(aws.asg_refuses("DeleteAutoScalingGroup", "AutoScalingGroupName=hello").0, "ResourceInUse");
    aws.asg("ExitStandby", &named);
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
    assert_eq!(aws.health(&target_group), ["healthy"]);
}

#[test]
fn a_group_with_a_warm_pool_cannot_be_deleted() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "");
    aws.asg("PutWarmPool", "AutoScalingGroupName=hello&MinSize=1");
    let refused = aws.asg_refuses("PutWarmPool", "AutoScalingGroupName=hello&InstanceReusePolicy.ReuseOnScaleIn=true");
    assert_eq!(refused.0, "UnknownParameter");
    assert_eq!(aws.asg("DescribeWarmPool", "AutoScalingGroupName=hello").one("PoolState"), "Stopped");
    assert_eq!(aws.asg_refuses("DeleteAutoScalingGroup", "AutoScalingGroupName=hello").0, "ResourceInUse");
    aws.asg("DeleteWarmPool", "AutoScalingGroupName=hello");
    aws.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=hello");
}
