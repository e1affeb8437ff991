//! Targets: their states, with AWS's reasons and words.

use crate::sim::api::trial::{Trial, forward};
use crate::sim::world::example::{HELLO_1_0, HELLO_BAD, HELLO_SICK_LATER, SUBNETS};

/// One instance of an image behind an active load balancer, in service but not yet checked; target group and listener.
fn one(aws: &mut Trial, image: &str) -> (String, String) {
    let target_group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    let listener = aws.listener(&load_balancer, &[(&target_group, 1)]);
    aws.group("hello", image, 1, &format!("TargetGroupARNs.member.1={target_group}"));
    aws.wait(12);
    (target_group, listener)
}

/// State, reason and description of the only target.
fn target(aws: &mut Trial, target_group: &str) -> (String, String, String) {
    let answer = aws.elb("DescribeTargetHealth", &format!("TargetGroupArn={target_group}"));
    let or_none = |name: &str| answer.all(name).first().copied().unwrap_or("-").to_owned();
    (answer.one("State").to_owned(), or_none("Reason"), or_none("Description"))
}

fn texts(state: &str, reason: &str, description: &str) -> (String, String, String) {
    (state.to_owned(), reason.to_owned(), description.to_owned())
}

#[test]
fn a_new_target_is_registered_then_checked_then_healthy_after_one_pass() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    let registering = texts("initial", "Elb.RegistrationInProgress", "Target registration is in progress");
    assert_eq!(target(&mut aws, &target_group), registering);
    // Checks at 3, 13 and 23 seconds; the service answers 20 seconds after the instance runs.
    aws.wait(5);
    let checking = texts("initial", "Elb.InitialHealthChecking", "Initial health checks in progress");
    assert_eq!(target(&mut aws, &target_group), checking);
    aws.wait(17);
    assert_eq!(target(&mut aws, &target_group), checking);
    aws.wait(1);
    assert_eq!(target(&mut aws, &target_group), texts("healthy", "-", "-"));
}

#[test]
fn a_target_that_answers_with_500_becomes_unhealthy_at_the_threshold() {
    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "bad at once", "boot=0s never-healthy");
    let (target_group, _) = one(&mut aws, "ami-00000000000000200");
    aws.wait(22);
    assert_eq!(target(&mut aws, &target_group).0, "initial", "two failures are not three");
    aws.wait(1);
    let mismatch = "Health checks failed with these codes: [500]";
    assert_eq!(target(&mut aws, &target_group), texts("unhealthy", "Target.ResponseCodeMismatch", mismatch));
}

#[test]
fn a_slow_answer_times_out_and_a_closed_port_fails() {
    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "slow answers", "boot=0s latency=6s");
    let (target_group, _) = one(&mut aws, "ami-00000000000000200");
    aws.wait(60);
    assert_eq!(target(&mut aws, &target_group), texts("unhealthy", "Target.Timeout", "Request timed out"));

    let mut aws = Trial::new();
    aws.world.add_image("ami-00000000000000200", "slow boot", "boot=5m");
    let (target_group, _) = one(&mut aws, "ami-00000000000000200");
    aws.wait(60);
    assert_eq!(
        target(&mut aws, &target_group),
        texts("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    );
    aws.wait(240);
    assert_eq!(target(&mut aws, &target_group).0, "unhealthy", "one pass is not two");
    aws.wait(20);
    assert_eq!(target(&mut aws, &target_group).0, "healthy");
}

#[test]
fn an_instance_that_falls_sick_is_found_by_the_threshold_and_recovers_by_the_other() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_SICK_LATER);
    aws.wait(140);
    assert_eq!(target(&mut aws, &target_group).0, "healthy", "sick since a moment, not yet found");
    aws.wait(30);
    assert_eq!(target(&mut aws, &target_group).0, "unhealthy");
    let id = aws.ids("hello").remove(0);
    aws.world.make_well(&id);
    aws.wait(9);
    assert_eq!(target(&mut aws, &target_group).0, "unhealthy");
    aws.wait(11);
    assert_eq!(target(&mut aws, &target_group).0, "healthy", "two passes");
}

#[test]
fn a_matcher_decides_which_codes_count_as_well() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_BAD);
    aws.wait(60);
    assert_eq!(target(&mut aws, &target_group).0, "unhealthy");
    let refused = format!("TargetGroupArn={target_group}&Matcher.HttpCode=200-599");
    assert_eq!(aws.elb_refuses("ModifyTargetGroup", &refused).0, "ValidationError");
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.elb("ModifyTargetGroup", &format!("TargetGroupArn={target_group}&Matcher.HttpCode=204,300-399"));
    aws.wait(60);
    let mismatch = "Health checks failed with these codes: [200]";
    assert_eq!(target(&mut aws, &target_group), texts("unhealthy", "Target.ResponseCodeMismatch", mismatch));
    aws.elb("ModifyTargetGroup", &format!("TargetGroupArn={target_group}&Matcher.HttpCode=200-299"));
    aws.wait(20);
    assert_eq!(target(&mut aws, &target_group).0, "healthy");
}

#[test]
fn without_a_listener_targets_are_unused_and_with_weight_zero_they_are_checked() {
    let mut aws = Trial::new();
    let (target_group, listener) = one(&mut aws, HELLO_1_0);
    let other = aws.target_group("hello-b");
    aws.wait(60);
    let shift = |weights: &[(&str, u32)]| format!("ListenerArn={listener}&{}", forward("DefaultActions", weights));
    aws.elb("ModifyListener", &shift(&[(&other, 1)]));
    let words = "Target group is not configured to receive traffic from the load balancer";
    assert_eq!(target(&mut aws, &target_group), texts("unused", "Target.NotInUse", words));
    aws.elb("ModifyListener", &shift(&[(&other, 1), (&target_group, 0)]));
    assert_eq!(target(&mut aws, &target_group).0, "initial");
    aws.wait(5);
    assert_eq!(target(&mut aws, &target_group).0, "healthy");
    aws.elb("DeleteListener", &format!("ListenerArn={listener}"));
    assert_eq!(target(&mut aws, &target_group).0, "unused");
}

#[test]
fn a_target_in_a_zone_that_is_off_is_unused() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let params = format!("Name=two-zones&Subnets.member.1={}&Subnets.member.2={}", SUBNETS[0], SUBNETS[1]);
    let load_balancer = aws.elb("CreateLoadBalancer", &params).one("LoadBalancerArn").to_owned();
    aws.wait(90);
    aws.listener(&load_balancer, &[(&target_group, 1)]);
    aws.group("hello", HELLO_1_0, 3, &format!("TargetGroupARNs.member.1={target_group}"));
    aws.wait(60);
    let mut health = aws.health(&target_group);
    health.sort();
    assert_eq!(health, ["healthy", "healthy", "unused"]);
    let answer = aws.elb("DescribeTargetHealth", &format!("TargetGroupArn={target_group}"));
    assert_eq!(
        answer.all("Description"),
        ["Target is in an Availability Zone that is not enabled for the load balancer"]
    );
}

#[test]
fn while_the_load_balancer_is_provisioning_targets_stay_initial() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    let params = format!("Name=fresh&Subnets.member.1={}&Subnets.member.2={}", SUBNETS[0], SUBNETS[1]);
    aws.group("hello", HELLO_1_0, 2, &format!("TargetGroupARNs.member.1={target_group}"));
    aws.wait(60);
    let created = aws.elb("CreateLoadBalancer", &params);
    assert_eq!(created.one("Code"), "provisioning");
    let load_balancer = created.one("LoadBalancerArn").to_owned();
    aws.listener(&load_balancer, &[(&target_group, 1)]);
    aws.wait(89);
    assert_eq!(aws.health(&target_group), ["initial"; 2]);
    aws.wait(5);
    assert_eq!(aws.elb("DescribeLoadBalancers", "").one("Code"), "active");
    assert_eq!(aws.health(&target_group), ["healthy"; 2]);
}

#[test]
fn a_deregistered_target_drains_for_the_delay_and_is_gone() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.wait(60);
    let id = aws.ids("hello").remove(0);
    let params = format!("TargetGroupArn={target_group}&Targets.member.1.Id={id}");
    aws.elb("DeregisterTargets", &params);
    let draining = texts("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress");
    assert_eq!(target(&mut aws, &target_group), draining);
    aws.wait(59);
    assert_eq!(target(&mut aws, &target_group), draining);
    aws.wait(1);
    assert!(aws.health(&target_group).is_empty());
    let unregistered = texts("unused", "Target.NotRegistered", "Target is not registered to the target group");
    let answer = aws.elb("DescribeTargetHealth", &params);
    assert_eq!((answer.one("State"), answer.one("Reason")), (&*unregistered.0, &*unregistered.1));
    assert_eq!(answer.one("Description"), unregistered.2);
    // One that is not there is deregistered already.
    aws.elb("DeregisterTargets", &params);
}

#[test]
fn a_draining_target_can_come_back() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.wait(60);
    let id = aws.ids("hello").remove(0);
    let params = format!("TargetGroupArn={target_group}&Targets.member.1.Id={id}");
    aws.elb("DeregisterTargets", &params);
    aws.wait(10);
    aws.elb("RegisterTargets", &params);
    assert_eq!(target(&mut aws, &target_group).0, "initial");
    aws.wait(120);
    assert_eq!(target(&mut aws, &target_group).0, "healthy");
}

#[test]
fn only_running_instances_can_be_registered() {
    let mut aws = Trial::new();
    let target_group = aws.target_group("hello-a");
    aws.group("hello", HELLO_1_0, 1, "");
    aws.wait(5);
    let id = aws.ids("hello").remove(0);
    for id in [id.as_str(), "i-00000000000000001"] {
        let params = format!("TargetGroupArn={target_group}&Targets.member.1.Id={id}");
        assert_eq!(aws.elb_refuses("RegisterTargets", &params).0, "InvalidTarget");
    }
}

#[test]
fn a_terminated_instance_is_unused_and_then_gone() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.wait(60);
    aws.asg("SuspendProcesses", "AutoScalingGroupName=hello");
    let id = aws.ids("hello").remove(0);
    aws.ec2("TerminateInstances", &format!("InstanceId.1={id}"));
    let words = "Target is in the stopped or terminated state";
    assert_eq!(target(&mut aws, &target_group), texts("unused", "Target.InvalidState", words));
    aws.wait(60);
    assert!(aws.health(&target_group).is_empty());
}

#[test]
fn health_that_aws_cannot_tell_is_unavailable() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.wait(60);
    aws.world.balancing.blind.insert(target_group.clone());
    let (state, reason, _) = target(&mut aws, &target_group);
    assert_eq!((state.as_str(), reason.as_str()), ("unavailable", "Elb.InternalError"));
    aws.world.balancing.blind.clear();
    assert_eq!(target(&mut aws, &target_group).0, "healthy");
}

#[test]
fn a_target_group_is_asked_for_by_itself() {
    let mut aws = Trial::new();
    let error = aws.elb_refuses("DescribeTargetHealth", "TargetGroupArn=arn:aws:x");
    assert_eq!(error.0, "TargetGroupNotFound");
    assert_eq!(aws.elb_refuses("DescribeTargetHealth", "").0, "ValidationError");
}

#[test]
fn steady_targets_and_groups_cost_nothing() {
    let mut aws = Trial::new();
    let (target_group, _) = one(&mut aws, HELLO_1_0);
    aws.wait(60);
    assert_eq!(aws.health(&target_group), ["healthy"]);
    assert_eq!(crate::sim::world::balancing::next_event(&aws.world), None);
    assert_eq!(crate::sim::world::scaling::next_event(&aws.world), None);
}

#[test]
fn the_same_calls_give_the_same_world() {
    let run = || {
        let mut aws = Trial::new();
        let (target_group, _) = one(&mut aws, HELLO_SICK_LATER);
        aws.wait(600);
        let mut text = aws.activities("hello").0;
        text.push_str(&aws.elb("DescribeTargetHealth", &format!("TargetGroupArn={target_group}")).0);
        text
    };
    assert_eq!(run(), run());
}

#[test]
fn it_does_not_matter_in_which_steps_time_passes() {
    let run = |step: u64| {
        let mut aws = Trial::new();
        let target_group = aws.target_group("hello-a");
        let load_balancer = aws.load_balancer("hello");
        aws.listener(&load_balancer, &[(&target_group, 1)]);
        let more = format!("HealthCheckType=ELB&TargetGroupARNs.member.1={target_group}");
        aws.group("hello", HELLO_SICK_LATER, 2, &format!("{more}&HealthCheckGracePeriod=60"));
        for _ in 0..1200 / step {
            aws.wait(step);
        }
        (aws.activities("hello").0, aws.health(&target_group))
    };
    let expected = run(1200);
    for step in [1, 7, 10, 100] {
        if 1200 % step == 0 {
            assert_eq!(run(step), expected, "steps of {step} seconds");
        }
    }
    assert!(expected.0.contains("ELB system health check failure"));
}
