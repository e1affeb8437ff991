//! Groups and their target groups.

use crate::sim::api::trial::Trial;
use crate::sim::world::example::HELLO_1_0;

fn state(aws: &mut Trial) -> String {
    let answer = aws.asg("DescribeLoadBalancerTargetGroups", "AutoScalingGroupName=hello");
    answer.all("State").join(" ")
}

fn params(arns: &[String]) -> String {
    let arns: String =
        arns.iter().enumerate().map(|(n, arn)| format!("&TargetGroupARNs.member.{}={arn}", n + 1)).collect();
    format!("AutoScalingGroupName=hello{arns}")
}

#[test]
fn a_target_group_named_at_creation_is_in_service_at_once_though_nothing_is_healthy() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    aws.group("hello", HELLO_1_0, 1, &format!("TargetGroupARNs.member.1={target_group}"));
    assert_eq!(state(&mut aws), "InService");
    assert!(aws.health(&target_group).is_empty());
}

#[test]
fn attaching_goes_from_adding_over_added_to_in_service() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&target_group, 1)]);
    aws.group("hello", HELLO_1_0, 2, "");
    aws.wait(13);
    aws.asg("AttachLoadBalancerTargetGroups", &params(std::slice::from_ref(&target_group)));
    assert_eq!(state(&mut aws), "Adding");
    aws.wait(3);
    assert_eq!(state(&mut aws), "Added", "all are registered, none is healthy yet");
    aws.wait(60);
    assert_eq!(state(&mut aws), "InService");
    assert_eq!(aws.health(&target_group), ["healthy"; 2]);
}

#[test]
fn attaching_adds_and_detaching_leaves_the_instances_running() {
    let mut aws = Trial::new();
    let (one, two) = (aws.target_group("one"), aws.target_group("two"));
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&one, 1), (&two, 0)]);
    aws.group("hello", HELLO_1_0, 1, &format!("TargetGroupARNs.member.1={one}"));
    aws.wait(60);
    aws.asg("AttachLoadBalancerTargetGroups", &params(std::slice::from_ref(&two)));
    aws.wait(60);
    assert_eq!((aws.health(&one), aws.health(&two)), (vec!["healthy".to_owned()], vec!["healthy".to_owned()]));
    let ids = aws.ids("hello");
    aws.asg("DetachLoadBalancerTargetGroups", &params(std::slice::from_ref(&one)));
    aws.wait(5);
    assert_eq!(aws.health(&one), ["draining"]);
    assert!(state(&mut aws).contains("Removing"));
    aws.wait(70);
    assert_eq!(state(&mut aws), "InService");
    assert!(aws.health(&one).is_empty());
    assert_eq!(aws.ids("hello"), ids);
    assert_eq!(aws.asg_refuses("DetachLoadBalancerTargetGroups", &params(&[one])).0, "ValidationError");
}

#[test]
fn ten_target_groups_go_in_one_call_and_fifty_in_one_group() {
    let mut aws = Trial::new();
    let arns: Vec<String> = (0..55).map(|n| aws.target_group(&format!("t{n}"))).collect();
    aws.group("hello", HELLO_1_0, 0, "");
    assert_eq!(aws.asg_refuses("AttachLoadBalancerTargetGroups", &params(&arns[..11])).0, "ValidationError");
    for ten in arns[..50].chunks(10) {
        aws.asg("AttachLoadBalancerTargetGroups", &params(ten));
    }
    assert_eq!(aws.asg_refuses("AttachLoadBalancerTargetGroups", &params(&arns[50..51])).0, "LimitExceeded");
}
