//! The EC2 operations on instances, and the life that they show.

use crate::sim::api::trial::Trial;
use crate::sim::world::compute::Service;
use crate::sim::world::example::HELLO_1_0;

fn running(count: u32) -> Trial {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, count, "");
    aws.wait(20);
    aws
}

#[test]
fn an_instance_starts_runs_and_ends_as_ec2_tells_it() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(3);
    let state = |aws: &mut Trial| aws.ec2("DescribeInstances", "").one("instanceState").to_owned();
    assert_eq!(state(&mut aws), "<code>0</code><name>pending</name>");
    aws.wait(10);
    assert_eq!(state(&mut aws), "<code>16</code><name>running</name>");
    let id = aws.ids("hello").remove(0);
    aws.asg("SuspendProcesses", "AutoScalingGroupName=hello");
    let answer = aws.ec2("TerminateInstances", &format!("InstanceId.1={id}"));
    assert_eq!(answer.one("previousState"), "<code>16</code><name>running</name>");
    assert_eq!(answer.one("currentState"), "<code>32</code><name>shutting-down</name>");
    aws.wait(30);
    assert_eq!(state(&mut aws), "<code>48</code><name>terminated</name>");
}

#[test]
fn a_terminated_instance_is_forgotten_after_an_hour() {
    let mut aws = running(1);
    let id = aws.ids("hello").remove(0);
    aws.world.terminate_instance(&id);
    aws.wait(3500);
    aws.ec2("DescribeInstances", &format!("InstanceId.1={id}"));
    aws.wait(200);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0");
    aws.wait(10);
    let (code, _) = aws.call("ec2", "DescribeInstances", &format!("InstanceId.1={id}")).unwrap_err();
    assert_eq!(code, "InvalidInstanceID.NotFound");
}

#[test]
fn ids_that_are_not_there_fail_the_whole_call() {
    let mut aws = running(1);
    let id = aws.ids("hello").remove(0);
    for operation in ["DescribeInstances", "DescribeInstanceStatus", "TerminateInstances"] {
        let params = format!("InstanceId.1={id}&InstanceId.2=i-0123456789abcdef0");
        let (code, message) = aws.call("ec2", operation, &params).unwrap_err();
        assert_eq!(code, "InvalidInstanceID.NotFound");
        assert_eq!(message, "The instance ID 'i-0123456789abcdef0' does not exist");
        assert_eq!(aws.call("ec2", operation, "InstanceId.1=x").unwrap_err().0, "InvalidInstanceID.Malformed");
    }
    assert_eq!(aws.lifecycles("hello"), ["InService"], "nothing was terminated");
}

#[test]
fn ec2_does_not_know_at_first_what_was_just_launched() {
    let mut aws = Trial::new();
    aws.world.consistency = crate::model::time::Span::seconds(5);
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(3);
    let id = aws.ids("hello").remove(0);
    let describe = format!("InstanceId.1={id}");
    assert_eq!(aws.call("ec2", "DescribeInstances", &describe).unwrap_err().0, "InvalidInstanceID.NotFound");
    aws.wait(5);
    aws.ec2("DescribeInstances", &describe);
}

#[test]
fn filters_and_pages_narrow_the_list() {
    let mut aws = running(7);
    let in_zone = aws.ec2("DescribeInstances", "Filter.1.Name=availability-zone&Filter.1.Value.1=us-west-2a");
    assert_eq!(in_zone.all("instanceId").len(), 3);
    let none = aws.ec2("DescribeInstances", "Filter.1.Name=instance-state-name&Filter.1.Value.1=terminated");
    assert!(none.all("instanceId").is_empty());
    assert_eq!(
        aws.call("ec2", "DescribeInstances", "Filter.1.Name=x&Filter.1.Value.1=y").unwrap_err().0,
        "InvalidParameterValue"
    );
    let page = aws.ec2("DescribeInstances", "MaxResults=5");
    let token = page.one("nextToken").to_owned();
    let rest = aws.ec2("DescribeInstances", &format!("MaxResults=5&NextToken={token}"));
    assert_eq!((page.all("instanceId").len(), rest.all("instanceId").len()), (5, 2));
}

#[test]
fn status_checks_take_two_minutes_and_show_running_instances_only() {
    let mut aws = running(1);
    assert_eq!(aws.ec2("DescribeInstanceStatus", "").all("status")[0], "initializing");
    aws.wait(120);
    assert_eq!(aws.ec2("DescribeInstanceStatus", "").all("status"), ["ok", "passed", "ok", "passed"]);
    aws.asg("SuspendProcesses", "AutoScalingGroupName=hello");
    let id = aws.ids("hello").remove(0);
    aws.world.terminate_instance(&id);
    assert!(aws.ec2("DescribeInstanceStatus", "").all("instanceId").is_empty());
    assert_eq!(aws.ec2("DescribeInstanceStatus", "IncludeAllInstances=true").all("instanceId").len(), 1);
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut aws = running(1);
    let id = aws.ids("hello").remove(0);
    let (code, _) = aws.call("ec2", "TerminateInstances", &format!("InstanceId.1={id}&DryRun=true")).unwrap_err();
    assert_eq!(code, "DryRunOperation");
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn the_service_answers_after_the_boot_that_the_image_tells() {
    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "timed", "boot=1m sick-after=30s latency=2s");
    aws.group("hello", "ami-00000000000000200", 1, "");
    aws.wait(12);
    let id = aws.ids("hello").remove(0);
    let latency = std::time::Duration::from_secs(2);
    for (seconds, expected) in [
        (59, Service::NotListening),
        (1, Service::Ok { latency }),
        (29, Service::Ok { latency }),
        (1, Service::Sick { latency }),
    ] {
        aws.wait(seconds);
        assert_eq!(aws.world.compute.instances.get(&id).unwrap().service(aws.world.now), expected);
    }
}

#[test]
fn an_instance_can_fail_its_health_checks_while_clients_notice_nothing() {
    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "timed", "boot=1m checks-fail-after=30s");
    aws.group("hello", "ami-00000000000000200", 1, "");
    aws.wait(12 + 60 + 31);
    let id = aws.ids("hello").remove(0);
    let instance = aws.world.compute.instances.get(&id).unwrap();
    let latency = std::time::Duration::ZERO;
    assert_eq!(instance.service(aws.world.now), Service::Sick { latency });
    assert_eq!(instance.answer("/", 1, aws.world.now), Service::Ok { latency });
}

#[test]
fn addresses_lie_in_the_subnet_and_differ() {
    let aws = running(6);
    let addresses: std::collections::BTreeSet<_> =
        aws.world.compute.instances.values().map(|it| it.private_ip.clone()).collect();
    assert_eq!(addresses.len(), 6);
    for instance in aws.world.compute.instances.values() {
        let third: u8 = instance.private_ip.split('.').nth(2).unwrap().parse().unwrap();
        let expected = match instance.zone.as_str() {
            "us-west-2a" => 0,
            "us-west-2b" => 64,
            _ => 128,
        };
        assert_eq!(third, expected, "{}", instance.private_ip);
    }
}
