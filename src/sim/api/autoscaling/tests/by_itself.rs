//! What groups do by themselves: hooks, scaling policies, scheduled actions, mixed instances.

use crate::sim::api::trial::{Trial, group_params};
use crate::sim::world::example::HELLO_1_0;

const HOOK: &str =
    "AutoScalingGroupName=hello&LifecycleHookName=warm&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING";

fn refuses(aws: &mut Trial, operation: &str, params: &str, says: &str) {
    let (code, message) = aws.asg_refuses(operation, params);
    assert_eq!(code, "ValidationError", "{message}");
    assert!(message.contains(says), "{message}");
}

#[test]
fn an_instance_waits_for_each_of_its_hooks() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "");
    aws.asg("PutLifecycleHook", &format!("{HOOK}&HeartbeatTimeout=300"));
    aws.asg("PutLifecycleHook", &format!("{}&HeartbeatTimeout=300", HOOK.replace("=warm", "=log")));
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MaxSize=1&DesiredCapacity=1");
    aws.wait(20);
    assert_eq!(aws.lifecycles("hello"), ["Pending:Wait"]);
    let id = aws.ids("hello")[0].clone();
    let answer = |hook: &str| {
        format!("AutoScalingGroupName=hello&LifecycleHookName={hook}&InstanceId={id}&LifecycleActionResult=CONTINUE")
    };
    aws.asg("CompleteLifecycleAction", &answer("warm"));
    aws.wait(5);
    assert_eq!(aws.lifecycles("hello"), ["Pending:Wait"]);
    refuses(&mut aws, "CompleteLifecycleAction", &answer("warm"), "No active Lifecycle Action found");
    aws.asg("CompleteLifecycleAction", &answer("log"));
    aws.wait(5);
    assert_eq!(aws.lifecycles("hello"), ["InService"]);
}

#[test]
fn an_abandoned_launch_says_so_and_is_tried_again() {
    let mut aws = Trial::new();
    let hooks = "LifecycleHookSpecificationList.member.1.LifecycleHookName=warm\
                 &LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING\
                 &LifecycleHookSpecificationList.member.1.HeartbeatTimeout=30";
    aws.group("hello", HELLO_1_0, 1, hooks);
    aws.wait(44);
    let activities = aws.activities("hello");
    let abandoned = activities.all("StatusMessage");
    assert!(abandoned.iter().any(|words| words.ends_with("was abandoned: Heartbeat Timeout")), "{abandoned:?}");
    assert!(activities.all("StatusCode").contains(&"Cancelled"));
    aws.wait(60);
    assert!(aws.activities("hello").all("Description").iter().filter(|it| it.starts_with("Launching")).count() > 1);
}

#[test]
fn a_hook_that_is_put_again_keeps_what_is_not_said_and_deleting_it_abandons_who_waits() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.asg("PutLifecycleHook", &format!("{HOOK}&HeartbeatTimeout=300&DefaultResult=CONTINUE"));
    aws.asg("PutLifecycleHook", "AutoScalingGroupName=hello&LifecycleHookName=warm&HeartbeatTimeout=600");
    let hooks = aws.asg("DescribeLifecycleHooks", "AutoScalingGroupName=hello");
    assert_eq!((hooks.one("HeartbeatTimeout"), hooks.one("DefaultResult")), ("600", "CONTINUE"));
    aws.wait(20);
    assert_eq!(aws.lifecycles("hello"), ["Pending:Wait"]);
    aws.asg("DeleteLifecycleHook", "AutoScalingGroupName=hello&LifecycleHookName=warm");
    assert_eq!(aws.lifecycles("hello"), ["Terminating"]);
    for (wrong, says) in [
        ("AutoScalingGroupName=hello&LifecycleHookName=warm", "A lifecycle transition must be specified"),
        ("AutoScalingGroupName=hello&LifecycleHookName=a b&LifecycleTransition=x", "regular expression pattern"),
        (&format!("{HOOK}&HeartbeatTimeout=29"), "between 30 and 7200"),
        (&format!("{HOOK}&RoleARN="), "greater than or equal to 1"),
    ] {
        refuses(&mut aws, "PutLifecycleHook", wrong, says);
    }
    refuses(&mut aws, "DeleteLifecycleHook", "AutoScalingGroupName=hello&LifecycleHookName=warm", "was not found");
}

const TRACKING: &str = "AutoScalingGroupName=hello&PolicyType=TargetTrackingScaling\
    &TargetTrackingConfiguration.PredefinedMetricSpecification.PredefinedMetricType=ASGAverageCPUUtilization\
    &TargetTrackingConfiguration.TargetValue=60";

#[test]
fn a_group_has_one_tracking_policy_for_each_metric() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    aws.asg("PutScalingPolicy", &format!("{TRACKING}&PolicyName=cpu"));
    aws.asg("PutScalingPolicy", &format!("{TRACKING}.5&PolicyName=cpu"));
    let policies = aws.asg("DescribePolicies", "AutoScalingGroupName=hello");
    assert_eq!(policies.one("TargetValue"), "60.5");
    refuses(&mut aws, "PutScalingPolicy", &format!("{TRACKING}&PolicyName=more"), "Only one TargetTrackingScaling");
    let by_requests = TRACKING.replace("ASGAverageCPUUtilization", "ALBRequestCountPerTarget");
    refuses(&mut aws, "PutScalingPolicy", &format!("{by_requests}&PolicyName=r"), "ResourceLabel must be specified");
    aws.asg("DeletePolicy", "AutoScalingGroupName=hello&PolicyName=cpu");
    refuses(&mut aws, "DeletePolicy", "AutoScalingGroupName=hello&PolicyName=cpu", "PolicyName not found");
}

const STEP: &str = "AutoScalingGroupName=hello&PolicyName=busy&PolicyType=StepScaling&AdjustmentType=ChangeInCapacity";

#[test]
fn steps_leave_no_gap_and_are_open_where_they_go_beyond_the_threshold() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    let steps = |bounds: &[(&str, &str)]| {
        let step = |(index, (lower, upper)): (usize, &(&str, &str))| {
            let prefix = format!("&StepAdjustments.member.{}", index + 1);
            let bound = |name: &str, bound: &str| match bound {
                "" => String::new(),
                _ => format!("{prefix}.MetricInterval{name}Bound={bound}"),
            };
            format!("{prefix}.ScalingAdjustment=1{}{}", bound("Lower", lower), bound("Upper", upper))
        };
        STEP.to_owned() + &bounds.iter().enumerate().map(step).collect::<String>()
    };
    aws.asg("PutScalingPolicy", &steps(&[("10", ""), ("0", "10")]));
    let shown = aws.asg("DescribePolicies", "AutoScalingGroupName=hello");
    assert_eq!(shown.all("MetricIntervalLowerBound"), ["0.0", "10.0"], "from the lowest on");
    for (bounds, says) in [
        (&[][..], "1 to 20 step adjustments"),
        (&[("0", "10"), ("20", "")], "must not overlap or have a gap"),
        (&[("0", "10"), ("5", "")], "must not overlap or have a gap"),
        (&[("0", "10")], "unspecified upper bound"),
        (&[("-10", "0")], "unspecified lower bound"),
        (&[("10", "10")], "less than its upper bound"),
    ] {
        refuses(&mut aws, "PutScalingPolicy", &steps(bounds), says);
    }
    let percent = steps(&[("0", "")]) + "&MinAdjustmentMagnitude=2";
    refuses(&mut aws, "PutScalingPolicy", &percent, "only supported with PercentChangeInCapacity");
    refuses(&mut aws, "PutScalingPolicy", &format!("{TRACKING}&PolicyName=busy"), "policy type of an existing policy");
}

#[test]
fn a_scheduled_action_changes_the_sizes_at_its_time_and_no_two_have_the_same_time() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    // The year begins at midnight UTC; in Los Angeles it is four in the afternoon.
    let put =
        "AutoScalingGroupName=hello&ScheduledActionName=evening&Recurrence=0 17 * * *&TimeZone=America/Los_Angeles";
    aws.asg("PutScheduledUpdateGroupAction", &format!("{put}&MinSize=2&MaxSize=3&DesiredCapacity=3"));
    let again = put.replace("=evening", "=again");
    let (code, _) = aws.asg_refuses("PutScheduledUpdateGroupAction", &format!("{again}&MinSize=2"));
    assert_eq!(code, "AlreadyExists");
    refuses(&mut aws, "PutScheduledUpdateGroupAction", put, "At least one of the following values");
    aws.wait(3590);
    assert_eq!(aws.ids("hello").len(), 1);
    aws.wait(60);
    assert_eq!(aws.ids("hello").len(), 3);
    let shown = aws.asg("DescribeScheduledActions", "");
    assert_eq!(shown.one("StartTime"), "2026-01-02T01:00:00Z");
    aws.asg("DeleteScheduledAction", "AutoScalingGroupName=hello&ScheduledActionName=evening");
    assert_eq!(aws.asg("DescribeScheduledActions", "").all("ScheduledActionName"), [""; 0]);
}

#[test]
fn a_mixed_group_buys_its_base_on_demand_and_the_rest_as_it_is_told() {
    let mut aws = Trial::new();
    aws.template("hello", HELLO_1_0);
    let policy = "MixedInstancesPolicy.LaunchTemplate";
    let params =
        group_params("hello", 4).replace("&LaunchTemplate.", &format!("&{policy}.LaunchTemplateSpecification."));
    let params = format!(
        "{params}&{policy}.Overrides.member.1.InstanceType=c7i.large&{policy}.Overrides.member.2.InstanceType=m7i.large\
         &MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity=1\
         &MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity=50"
    );
    aws.asg("CreateAutoScalingGroup", &params);
    aws.wait(20);
    let spot = aws.ec2("DescribeInstances", "").all("instanceLifecycle").len();
    assert_eq!(spot, 1, "one for the base, and what is halved is rounded up to On-Demand");
    let group = aws.asg("DescribeAutoScalingGroups", "");
    assert_eq!(group.one("SpotAllocationStrategy"), "lowest-price");
    let both = format!("{params}&LaunchTemplate.LaunchTemplateName=hello").replace("=hello&Min", "=other&Min");
    refuses(&mut aws, "CreateAutoScalingGroup", &both, "either LaunchTemplate");
}

#[test]
fn a_maintenance_policy_is_kept_in_bounds_and_taken_away_by_minus_one() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "");
    let set = |min: i32, max: i32| {
        format!(
            "AutoScalingGroupName=hello&InstanceMaintenancePolicy.MinHealthyPercentage={min}\
             &InstanceMaintenancePolicy.MaxHealthyPercentage={max}"
        )
    };
    aws.asg("UpdateAutoScalingGroup", &set(90, 120));
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").one("MinHealthyPercentage"), "90");
    refuses(&mut aws, "UpdateAutoScalingGroup", &set(50, 200), "difference must not be more than 100");
    refuses(&mut aws, "UpdateAutoScalingGroup", &set(90, 90), "between 100 and 200");
    aws.asg("UpdateAutoScalingGroup", &set(-1, -1));
    assert!(aws.asg("DescribeAutoScalingGroups", "").all("InstanceMaintenancePolicy").is_empty());
}
