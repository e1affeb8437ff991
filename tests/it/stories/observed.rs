//! What was observed is compared, and what cannot go on says so: changes by hand that only show in what is read besides.

use amiable::controller::converge::Outcome;
use amiable::model::plan::{AppPlan, Change};
use amiable::plan::intent;
use amiable::report::status;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{HELLO, Lab, app};

/// What the table of `amiable status` says of the app.
async fn state(lab: &Lab) -> String {
    let (observed, plan) = lab.look().await;
    status::state(&observed, plan.app(&"hello".parse().unwrap()).unwrap(), plan.at)
}

fn drift(plan: &AppPlan) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_default();
    let each = plan.drift.iter().map(|it| format!("{}: {} -> {}", it.path, shown(&it.before), shown(&it.after)));
    each.collect::<Vec<_>>().join("\n")
}

fn modify_listener(lab: &Lab, action: &[(&str, &str)]) {
    let listener = lab.listener("hello-prod");
    lab.by_hand("elasticloadbalancing", "ModifyListener", &[&[("ListenerArn", listener.as_str())], action].concat());
}

#[tokio::test(start_paused = true)]
async fn weights_that_somebody_set_into_an_empty_slot_are_told_as_drift_and_put_right() {
    for (a, b) in [("50", "50"), ("0", "100")] {
        let lab = deployed("").await;
        lab.diary();
        lab.simulation.set_observer(None);
        let (slot_a, slot_b) = (lab.target_group("hello-prod-a"), lab.target_group("hello-prod-b"));
        modify_listener(
            &lab,
            &[
                ("DefaultActions.member.1.Type", "forward"),
                ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn", &slot_a),
                ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight", a),
                ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn", &slot_b),
                ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight", b),
            ],
        );
        let plan = lab.plan("hello").await;
        assert_eq!(plan.change, Change::Drift, "{plan:?}");
        let wanted = "100 % hello-prod-a, 0 % hello-prod-b";
        assert_eq!(drift(&plan), format!("traffic: {a} % hello-prod-a, {b} % hello-prod-b -> {wanted}"));
        assert!(state(&lab).await.starts_with("drifted: traffic"));
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
        assert_eq!(lab.diary().lines().count(), 1, "one call puts it right");
        lab.pass(60).await;
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_maintenance_page_stays_until_a_person_says_that_it_is_over() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.simulation.set_observer(None);
    modify_listener(
        &lab,
        &[
            ("DefaultActions.member.1.Type", "fixed-response"),
            ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "503"),
        ],
    );
    let plan = lab.plan("hello").await;
    assert_eq!(drift(&plan), "traffic: fixed response 503 -> 100 % hello-prod-a, 0 % hello-prod-b");
    assert_snapshot!(state(&lab).await, @"blocked: the listener on port 80 answers with a fixed response 503, which somebody put in the place of v001; nothing is done until `amiable resume hello` gives the traffic back to it");
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Blocked, "neither the page nor the release is touched");
    assert_eq!(lab.diary(), "");
    lab.write("hello", app("hello", HELLO_1_0, ""));
    lab.say("hello", "maintenance is over", intent::resume).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateOrUpdateTags hello-prod-v001: resumed by simulated: maintenance is over
    07:07 ModifyListener listener/hello-prod: nothing serves: v001 had the traffic last
    07:08 DeleteTags hello-prod-v001: the traffic is back
    ");
    lab.pass(60).await;
    assert_eq!(serving(&lab), [(HELLO.to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_somebody_deleted_comes_back_with_the_name_that_leads_to_it() {
    let lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    lab.diary();
    lab.simulation.set_observer(None);
    let balancer = lab.simulation.with(|world| world.balancing.load_balancers.keys().next().unwrap().to_string());
    lab.by_hand("elasticloadbalancing", "DeleteLoadBalancer", &[("LoadBalancerArn", &balancer)]);
    lab.pass(5).await;
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Drift, "{}", plan.reason);
    assert!(drift(&plan).contains("load balancer hello-prod is gone"), "{}", drift(&plan));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    07:12 CreateLoadBalancer hello-prod: the app has no load balancer
    07:13 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    07:14 CreateOrUpdateTags hello-prod-v001: these are its listeners now
    07:59 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    ");
    lab.pass(60).await;
    assert_eq!(serving(&lab), [(HELLO.to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_somebody_pointed_at_another_launch_template_launches_its_own_again() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.simulation.set_observer(None);
    let other = [
        ("LaunchTemplateName", "other"),
        ("LaunchTemplateData.ImageId", HELLO_1_1),
        ("LaunchTemplateData.InstanceType", "m7i.large"),
    ];
    lab.by_hand("ec2", "CreateLaunchTemplate", &other);
    let to = [
        ("AutoScalingGroupName", HELLO),
        ("LaunchTemplate.LaunchTemplateName", "other"),
        ("LaunchTemplate.Version", "1"),
    ];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &to);
    // An instance that dies meanwhile comes back as something else.
    let victim = lab.instances(HELLO)[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(180).await;
    let plan = lab.plan("hello").await;
    assert_eq!(
        (plan.change, drift(&plan)),
        (Change::Drift, "launchTemplate: other version 1 -> hello-prod-v001 version 1".into())
    );
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"10:07 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
    // What is not of the release stays by name until somebody lets it go.
    let plan = lab.plan("hello").await;
    assert!(plan.reason.starts_with("1 instance of v001 was launched from other version 1"), "{}", plan.reason);
    let strange = lab.simulation.with(|world| {
        let members = &world.scaling.groups.get(HELLO).unwrap().members;
        members.iter().find(|(_, member)| member.template.name == "other").map(|(id, _)| id.clone()).unwrap()
    });
    assert!(plan.reason.contains(&strange), "{}", plan.reason);
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &strange)]);
    lab.pass(180).await;
    assert_eq!(serving(&lab), [(HELLO.to_owned(), 2)]);
    lab.deep = true;
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn targets_that_somebody_deregistered_are_registered_again() {
    let lab = deployed("").await;
    lab.diary();
    lab.simulation.set_observer(None);
    let (slot, instances) = (lab.target_group("hello-prod-a"), lab.instances(HELLO));
    let targets = [
        ("TargetGroupArn", slot.as_str()),
        ("Targets.member.1.Id", instances[0].as_str()),
        ("Targets.member.2.Id", instances[1].as_str()),
    ];
    lab.by_hand("elasticloadbalancing", "DeregisterTargets", &targets);
    let state = state(&lab).await;
    assert!(state.starts_with("sick, 0/2 healthy: "), "{state}");
    lab.pass(90).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged, "they are checked anew");
    assert_snapshot!(lab.diary(), @"08:37 RegisterTargets hello-prod-a: somebody has taken them out of the target group");
    lab.pass(120).await;
    assert_eq!(serving(&lab).iter().map(|(_, healthy)| *healthy).sum::<u32>(), 2);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_serves_sick_after_its_record_is_told_in_words_and_by_how_apply_ends() {
    let lab = {
        let mut lab = Lab::new().await;
        let quick = "  strategy: {redBlack: {bakeTime: 10s}}\n";
        lab.write("hello", app("hello", HELLO_SICK_LATER, quick));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        lab
    };
    lab.simulation.set_observer(None);
    let mut seen = Vec::new();
    for _ in 0..120 {
        lab.pass(5).await;
        let plan = lab.plan("hello").await;
        if plan.is_sick() {
            let state = state(&lab).await;
            assert!(state.starts_with("sick, 0/2 healthy: i-"), "{state}");
            assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0));
            assert_eq!(lab.apply(false).await, Outcome::Sick);
            seen.push(state);
            break;
        }
    }
    assert_eq!(seen.len(), 1, "it was sick within ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_image_was_deregistered_says_that_it_cannot_replace_an_instance() {
    let lab = deployed("").await;
    lab.by_hand("ec2", "DeregisterImage", &[("ImageId", HELLO_1_0)]);
    let whole = state(&lab).await;
    assert!(whole.starts_with("serving, it cannot replace an instance: its image"), "{whole}");
    let victim = lab.instances(HELLO)[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(120).await;
    let lacking = state(&lab).await;
    assert!(lacking.starts_with("serving, 1/2 healthy") && lacking.contains("cannot replace"), "{lacking}");
    assert_eq!(
        lab.apply(false).await,
        Outcome::Converged,
        "it runs what its manifest asks for, so that `apply` has nothing to change"
    );
}

#[tokio::test(start_paused = true)]
async fn something_else_in_the_place_of_the_record_ends_a_release_with_a_name_and_a_way_out() {
    let strange = r#"{"app":"other","environment":"prod","generation":"v009","image":"ami-00000000000000100","templateHash":"1-0a1b","deployedAt":"2026-08-01T10:00:00Z","deployedBy":"x"}"#;
    for value in ["hello", "{}", strange] {
        let lab = {
            let mut lab = deployed("").await;
            lab.write("hello", app("hello", HELLO_1_1, ""));
            lab
        };
        let during = async {
            lab.pass(150).await;
            assert_eq!(weight(&lab, "hello-prod-b"), 100);
            lab.put_parameter("/amiable/prod/hello/deployed", value);
        };
        let (outcome, ()) = tokio::join!(lab.apply(false), during);
        assert_eq!(outcome, Outcome::Failed, "{value}: {}", lab.diary());
        let plan = lab.plan("hello").await;
        assert!(plan.reason.contains("does not hold a deployed state"), "{}", plan.reason);
        assert!(plan.reason.contains("delete-parameter --name /amiable/prod/hello/deployed"), "{}", plan.reason);
        lab.delete_parameter("/amiable/prod/hello/deployed");
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        settles(&lab).await;
    }
}
