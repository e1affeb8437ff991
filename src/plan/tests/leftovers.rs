//! What keeps a group that is emptied, as tables: what is lifted, what is gone round, and what is said.

use super::*;

/// Generation 3 is wanted; 2 serves; 1 is to have no instances, and these are left of it.
fn emptied(change: impl FnOnce(&mut Group)) -> Case {
    let mut case = Case::new("ami-00000000000000003", json!({}));
    let (id, image) = image("ami-00000000000000003", ACCOUNT);
    case.observed.images.insert(id, image);
    case.with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            (group.min, group.desired) = (0, 0);
            group.instances.truncate(1);
            change(group);
        })
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.shifted_at = Some(ago(5000));
            group.owner.recorded_at = Some(ago(4000));
        })
}

fn lifecycle(state: &'static str) -> impl FnOnce(&mut Group) {
    move |group| group.instances[0].lifecycle = state.to_owned()
}

fn waits(plan: &AppPlan) -> Vec<&str> {
    plan.waits.iter().map(|wait| wait.what.as_str()).collect()
}

const LAUNCH: [&str; 2] = ["CreateLaunchTemplate hello-prod-v003", "CreateAutoScalingGroup hello-prod-v003"];

#[test]
fn what_is_ours_to_lift_is_lifted() {
    let protected = emptied(|group| group.instances[0].protected = true);
    assert_eq!(protected.calls(), ["SetInstanceProtection hello-prod-v001"]);
    let expects = &protected.plan().actions[0].expects;
    assert!(matches!(&expects[..], [crate::model::action::Expect::OwnGroup { .. }]), "{expects:?}");
    let held = emptied(|group| group.suspended.extend(["Terminate".to_owned()]));
    assert_eq!(held.calls(), ["ResumeProcesses hello-prod-v001"]);
    let leaving = emptied(|group| {
        group.instances[0].protected = true;
        lifecycle("Terminating")(group);
    });
    assert_eq!(leaving.calls(), Vec::<String>::new(), "it goes already");
    assert_eq!(waits(&leaving.plan()), ["1 instance of v001 to drain and terminate"]);
}

#[test]
fn a_slot_in_which_nothing_is_healthy_is_free_for_the_next_release() {
    let standby = emptied(lifecycle("Standby"));
    assert_eq!(standby.calls(), LAUNCH);
    assert_eq!(
        standby.plan().left_over,
        [format!(
            "left over, and Amiable cannot remove it: i-1-1 of v001 is in standby, where somebody put it; `aws autoscaling \
                 detach-load-balancer-target-groups --auto-scaling-group-name hello-prod-v001 --target-group-arns {}` keeps \
                 all traffic from it, then `aws autoscaling exit-standby --auto-scaling-group-name hello-prod-v001 \
                 --instance-ids i-1-1` puts it back into service, and Amiable removes it",
            target_group_arn(Slot::A)
        )]
    );
    let pool = emptied(|group| {
        group.instances.clear();
        group.has_warm_pool = true;
    });
    assert_eq!(pool.calls(), LAUNCH);
    assert!(pool.plan().left_over[0].contains("delete-warm-pool"), "{:?}", pool.plan().left_over);
    let protected = emptied(|group| {
        group.instances.clear();
        group.undeletable = true;
    });
    assert_eq!(protected.calls(), LAUNCH);
    assert!(protected.plan().left_over[0].contains("prevent-all-deletion"), "{:?}", protected.plan().left_over);
}

#[test]
fn a_lifecycle_hook_that_holds_an_instance_is_named_and_gone_round() {
    let mut held = emptied(lifecycle("Terminating:Wait"));
    let hook = crate::model::scaling::Hook {
        name: "drain-agent".to_owned(),
        launching: false,
        timeout: 3600,
        continue_by_default: false,
        role_arn: None,
        notification_target_arn: None,
    };
    let hooks = vec![hook.clone(), crate::model::scaling::Hook { launching: true, name: "boot".to_owned(), ..hook }];
    held.observed.details.hooks.insert("hello-prod-v001".to_owned(), Read::Known(hooks));
    assert_eq!(held.calls(), LAUNCH);
    let said =
        "1 instance of v001 to drain and terminate: i-1-1 is held by the lifecycle hook `drain-agent`, for up to 1h";
    assert_eq!(waits(&held.plan()), [said]);
}

#[test]
fn what_is_left_of_a_failed_generation_is_lifted_or_said_too() {
    let tombstone = |change: fn(&mut Group)| {
        Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            failed("never healthy")(group);
            (group.min, group.desired) = (0, 0);
            group.instances.truncate(1);
            change(group);
        })
    };
    let protected = tombstone(|group| group.instances[0].protected = true);
    assert_eq!(protected.calls(), ["SetInstanceProtection hello-prod-v002"]);
    let standby = tombstone(|group| group.instances[0].lifecycle = "Standby".to_owned());
    let plan = standby.plan();
    assert!(plan.is_over(true) && plan.left_over[0].contains("i-2-1 of v002 is in standby"), "{plan:?}");
}

#[test]
fn a_destruction_looks_first_and_deletes_nothing_that_it_cannot_delete_whole() {
    let destroy = |change: fn(&mut Group)| {
        let mut case = Case::serving(OLD_IMAGE, json!({"destroy": true}));
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        change(groups.get_mut("hello-prod-v001").unwrap());
        case
    };
    let protected = destroy(|group| group.instances[0].protected = true);
    assert_eq!(protected.calls(), ["SetInstanceProtection hello-prod-v001"]);
    let held = destroy(|group| group.suspended.extend(["Terminate".to_owned()]));
    assert_eq!(held.calls(), ["ResumeProcesses hello-prod-v001"]);
    for (change, said) in [
        (
            (|group| group.instances[0].lifecycle = "Standby".to_owned()) as fn(&mut Group),
            "i-1-1 of v001 is in standby",
        ),
        (|group| group.has_warm_pool = true, "v001 has a warm pool"),
        (|group| group.undeletable = true, "v001 has the deletion protection"),
    ] {
        let plan = destroy(change).plan();
        assert_eq!((plan.change, plan.actions.len(), plan.waits.len()), (Change::Blocked, 0, 0));
        assert!(plan.reason.contains("nothing more of it is") && plan.reason.contains(said), "{}", plan.reason);
    }
    let mut strange = destroy(|_| {});
    let Some(Read::Known(targets)) = strange.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets.push(Target { id: "i-9".to_owned(), health: Health::Healthy, reason: None, description: None });
    let plan = strange.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("i-9 in target group hello-prod-b is none of its instances"), "{}", plan.reason);
}
