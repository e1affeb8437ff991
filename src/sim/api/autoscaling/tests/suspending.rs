//! Suspended processes.

use crate::sim::api::trial::Trial;
use crate::sim::world::example::HELLO_1_0;

fn suspend(aws: &mut Trial, process: &str) {
    aws.asg("SuspendProcesses", &format!("AutoScalingGroupName=hello&ScalingProcesses.member.1={process}"));
}

fn resume(aws: &mut Trial) {
    aws.asg("ResumeProcesses", "AutoScalingGroupName=hello");
}

#[test]
fn what_launches_while_adding_to_the_load_balancer_is_suspended_is_never_registered() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    aws.listener(&load_balancer, &[(&target_group, 1)]);
    aws.group("hello", HELLO_1_0, 1, &format!("TargetGroupARNs.member.1={target_group}"));
    suspend(&mut aws, "AddToLoadBalancer");
    aws.wait(60);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
    resume(&mut aws);
    aws.wait(600);
    assert!(aws.health(&target_group).is_empty());
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MaxSize=2&DesiredCapacity=2");
    aws.wait(60);
    assert_eq!(aws.health(&target_group), ["healthy"], "what launches afterwards is registered");
}

#[test]
fn with_launch_suspended_an_unhealthy_instance_is_terminated_all_the_same() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(20);
    suspend(&mut aws, "Launch");
    let id = aws.ids("hello").remove(0);
    aws.asg("SetInstanceHealth", &format!("InstanceId={id}&HealthStatus=Unhealthy"));
    aws.wait(120);
    assert!(aws.ids("hello").is_empty());
    resume(&mut aws);
    aws.wait(20);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn without_health_checks_a_dead_instance_stays_in_its_group() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(20);
    let ids = aws.ids("hello");
    suspend(&mut aws, "HealthCheck");
    aws.world.terminate_instance(&ids[0]);
    aws.wait(600);
    assert_eq!(aws.ids("hello"), ids);
    resume(&mut aws);
    aws.wait(60);
    assert_ne!(aws.ids("hello"), ids);
}

#[test]
fn without_replacing_an_unhealthy_instance_stays_marked() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(20);
    let ids = aws.ids("hello");
    suspend(&mut aws, "ReplaceUnhealthy");
    aws.asg("SetInstanceHealth", &format!("InstanceId={}&HealthStatus=Unhealthy", ids[0]));
    aws.wait(600);
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").one("HealthStatus"), "Unhealthy");
    assert_eq!(aws.ids("hello"), ids);
}

#[test]
fn without_terminate_nothing_scales_in() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "");
    aws.wait(20);
    suspend(&mut aws, "Terminate");
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=0");
    aws.wait(600);
    assert_eq!(aws.lifecycles("hello"), ["InService"; 2]);
    resume(&mut aws);
    aws.wait(60);
    assert!(aws.ids("hello").is_empty());
}

#[test]
fn a_group_lists_what_is_suspended_and_names_must_be_known() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "");
    suspend(&mut aws, "Launch");
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").all("ProcessName"), ["Launch"]);
    let unknown = "AutoScalingGroupName=hello&ScalingProcesses.member.1=Lunch";
    assert_eq!(aws.asg_refuses("SuspendProcesses", unknown).0, "ValidationError");
}
