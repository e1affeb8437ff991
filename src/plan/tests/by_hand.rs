//! What somebody does by hand in the middle of a release: it is put right at once, and no image is blamed for it.

use super::*;
use crate::model::action::Expect;
use crate::model::mark::CanaryStep;
use crate::model::plan::PlannedAction;

/// Generation 2 boots beside generation 1, which serves.
fn launching(health: Health, change: impl FnOnce(&mut Group)) -> Case {
    Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, health, change)
}

/// These targets of a slot are not registered any more.
fn deregister(case: &mut Case, slot: Slot, ids: &[&str]) {
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(slot)) else {
        panic!()
    };
    targets.retain(|target| !ids.contains(&target.id.as_str()));
}

fn change(case: &mut Case, name: &str, change: impl FnOnce(&mut Group)) {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    change(groups.get_mut(name).unwrap());
}

fn first(case: &Case) -> String {
    case.calls().first().cloned().unwrap_or_default()
}

#[test]
fn what_serves_is_registered_again_at_every_step_of_a_release() {
    let both = ["i-1-1", "i-1-2"];
    let failed_before = |health| {
        let mut case = launching(health, failed("0 of 2 instances healthy after 20m"));
        case.desired.chosen = Some([scope().app].into());
        case
    };
    let waits = launching(Health::Initial, |_| {});
    let stable = launching(Health::Healthy, |group| group.owner.healthy_since = Some(ago(5)));
    let mut canary =
        Case::serving(NEW_IMAGE, json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}]}}}))
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.healthy_since = Some(ago(500));
                group.owner.canary = Some(CanaryStep { done: 1, at: ago(100) });
            });
    canary.weights(95, 5);
    for (name, mut case) in [
        ("while it boots", waits),
        ("while it must stay healthy", stable),
        ("in a canary's pause", canary),
        ("after it failed", failed_before(Health::Unhealthy)),
    ] {
        // Beside a canary that answers, all of it would be a reason for that to take over.
        deregister(&mut case, Slot::A, if name.contains("canary") { &both[..1] } else { &both });
        assert!(case.calls().contains(&"RegisterTargets hello-prod-a".to_owned()), "{name}: {:?}", case.calls());
        let drift = case.plan().drift;
        assert!(drift.iter().any(|drift| drift.path == "traffic"), "{name}: {drift:?}");
    }
    // Before anything else, and only what is missing.
    let mut one = launching(Health::Healthy, |_| {});
    deregister(&mut one, Slot::A, &["i-1-2"]);
    assert_eq!(first(&one), "RegisterTargets hello-prod-a");
    assert!(matches!(&one.plan().actions[0].action, Action::RegisterTargets { ids, .. } if *ids == ["i-1-2"]));
    // Nobody else would notice it: that is why it is read.
    let mut unread = launching(Health::Initial, |_| {});
    unread.observed.details.target_health.remove(&target_group_arn(Slot::A));
    assert!(unread.plan().wants.contains(&Want::TargetHealth(target_group_arn(Slot::A))));
}

#[test]
fn targets_that_aws_does_not_register_end_no_release_and_keep_nothing_from_being_cleared_away() {
    use crate::model::given_up::{GivenUp, Why};
    let refuse = |case: &mut Case| {
        let plan = case.plan();
        let is_registration = |planned: &&PlannedAction| matches!(planned.action, Action::RegisterTargets { .. });
        let action = plan.actions.iter().find(is_registration).unwrap().action.clone();
        let given_up = GivenUp { action, why: Why::InVain(4) };
        case.desired.given_up.insert(plan.app.clone(), vec![given_up]);
    };
    let mut booting = launching(Health::Initial, |_| {});
    deregister(&mut booting, Slot::A, &["i-1-2"]);
    refuse(&mut booting);
    let plan = booting.plan();
    assert_eq!((plan.change, plan.is_over(false)), (Change::Replace, false), "{plan:?}");
    assert!(plan.notes.iter().any(|note| note.contains("not tried again in this run")), "{:?}", plan.notes);
    let mut over = launching(Health::Unhealthy, failed("0 of 2 instances healthy after 20m"));
    over.desired.chosen = Some([scope().app].into());
    deregister(&mut over, Slot::A, &["i-1-2"]);
    refuse(&mut over);
    assert_eq!(over.calls(), ["empty hello-prod-v002"]);
}

#[test]
fn a_candidate_that_somebody_takes_out_of_its_target_group_is_registered_again() {
    for health in [Health::Initial, Health::Healthy] {
        let mut case = launching(health, |group| group.owner.healthy_since = Some(ago(5)));
        deregister(&mut case, Slot::B, &["i-2-1", "i-2-2"]);
        assert_eq!(first(&case), "RegisterTargets hello-prod-b", "{health:?}");
    }
    // One that leaves is not registered for long; one that comes is not in service yet.
    let leaves = launching(Health::Draining, |_| {});
    assert_eq!(first(&leaves), "RegisterTargets hello-prod-b");
    for lifecycle in ["Pending", "Terminating", "Standby"] {
        let mut case = launching(Health::Initial, |group| {
            group.instances.iter_mut().for_each(|instance| instance.lifecycle = lifecycle.to_owned());
        });
        deregister(&mut case, Slot::B, &["i-2-1", "i-2-2"]);
        assert!(case.calls().iter().all(|call| !call.starts_with("RegisterTargets")), "{lifecycle}");
    }
}

#[test]
fn a_target_group_that_somebody_detaches_is_attached_again_whatever_the_release_does() {
    let detached = |number: u32| {
        let mut case = launching(Health::Initial, |_| {});
        change(&mut case, &format!("hello-prod-v00{number}"), |group| group.target_group_arns.clear());
        first(&case)
    };
    assert_eq!(detached(1), "AttachLoadBalancerTargetGroups hello-prod-v001");
    assert_eq!(detached(2), "AttachLoadBalancerTargetGroups hello-prod-v002");
    // While the next manifest waits for the end of a bake, too.
    let mut case = baking(Health::Healthy, 60);
    let spec = &mut case.desired.apps.get_mut(&scope().app).unwrap().spec;
    spec.instance_type = serde_json::from_value(json!("c7g.xlarge")).unwrap();
    change(&mut case, "hello-prod-v001", |group| group.target_group_arns.clear());
    assert!(case.calls().contains(&"AttachLoadBalancerTargetGroups hello-prod-v001".to_owned()), "{:?}", case.calls());
}

#[test]
fn where_traffic_goes_back_for_it_the_mark_says_that_somebody_took_the_instances_out() {
    let mut case = baking(Health::Healthy, 60);
    deregister(&mut case, Slot::B, &["i-2-1", "i-2-2"]);
    let plan = case.plan();
    assert_eq!(calls(&plan), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    assert!(plan.reason.contains("were taken out of hello-prod-b by hand"), "{}", plan.reason);
    let said = || plan.actions.iter().map(|planned| planned.reason.as_str()).chain([plan.reason.as_str()]);
    assert!(said().all(|said| said.contains("v002 was left without targets") && !said.contains("failed")), "{plan:?}");
    // Where nobody else answers, they are registered, and nobody is blamed.
    deregister(&mut case, Slot::A, &["i-1-1", "i-1-2"]);
    let all = case.calls();
    assert!(all.contains(&"RegisterTargets hello-prod-a".to_owned()), "{all:?}");
    assert!(all.contains(&"RegisterTargets hello-prod-b".to_owned()), "{all:?}");
    assert!(!all.iter().any(|call| call.contains("failed")), "{all:?}");
}

#[test]
fn traffic_that_somebody_gives_to_a_generation_that_still_boots_is_put_right_and_is_no_failure() {
    for (a, b) in [(0, 100), (50, 50), (1, 999)] {
        for health in [Health::Initial, Health::Unhealthy, Health::Healthy] {
            let mut case = launching(health, |_| {});
            case.weights(a, b);
            let plan = case.plan();
            assert_eq!(calls(&plan), ["shift to a"], "{a}/{b} {health:?}");
            assert_eq!((plan.from, plan.to), (Some(Generation(1)), Some(Generation(2))));
            assert!(plan.reason.contains("before it was ready"), "{}", plan.reason);
            let not_ready = Expect::NotReady { group: "hello-prod-v002".to_owned(), healthy_since: None };
            assert!(plan.actions[0].expects.contains(&not_ready), "{:?}", plan.actions[0].expects);
            assert_eq!(plan.drift.len(), 1);
        }
    }
    // One that was ready has it from a run that ended before it could say so.
    let mut ready = launching(Health::Healthy, |group| group.owner.healthy_since = Some(ago(500)));
    ready.weights(0, 100);
    assert!(ready.calls().contains(&"tag hello-prod-v002 shifted-at".to_owned()), "{:?}", ready.calls());
    // Where nobody else is well, it is as good as anybody.
    let mut alone = launching(Health::Healthy, |_| {});
    alone.weights(0, 100);
    alone.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(Vec::new()));
    assert!(!alone.calls().contains(&"shift to a".to_owned()), "{:?}", alone.calls());
}

#[test]
fn a_canary_has_its_share_again_where_nobody_had_any_traffic() {
    let strategy = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}]}}});
    let mut case = Case::serving(NEW_IMAGE, strategy).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
        group.owner.healthy_since = Some(ago(5000));
        group.created_at = ago(6000);
        // Within the first minute, too: that is no look from before.
        group.owner.canary = Some(CanaryStep { done: 1, at: ago(30) });
    });
    case.weights(0, 0);
    assert_eq!(case.calls(), ["shift 5% to b"]);
    // The listener was deleted: the new one begins with the share.
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    let plan = case.plan();
    let created = plan.actions.iter().find_map(|planned| match &planned.action {
        Action::CreateListener(NewListener { answer: Answer::Forward(forward), .. }) => Some(forward.clone()),
        _ => None,
    });
    assert_eq!(created.map(|forward| forward.weight(&target_group_arn(Slot::B))), Some(5), "{:?}", plan.actions);
}

#[test]
fn a_share_that_was_taken_away_entirely_is_somebodys_word_and_not_the_images_fault() {
    let case = |health| {
        Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, health, |group| {
            group.owner.healthy_since = Some(ago(5000));
            group.owner.shifted_at = Some(ago(100));
        })
    };
    let plan = case(Health::Healthy).plan();
    let Action::TagGroup { tags, .. } = &plan.actions[0].action else { panic!("{:?}", plan.actions) };
    assert!(tags["amiable:failed"].starts_with("taken out of the traffic by hand"), "{tags:?}");
    assert!(plan.actions[0].reason.starts_with("v002 was taken out of the traffic by hand"), "{:?}", plan.actions[0]);
    // A run that was cut off in the middle of a way back had its reasons.
    let plan = case(Health::Unhealthy).plan();
    let Action::TagGroup { tags, .. } = &plan.actions[0].action else { panic!("{:?}", plan.actions) };
    assert!(tags["amiable:failed"].starts_with("unhealthy under traffic"), "{tags:?}");
}

#[test]
fn target_groups_that_lost_their_tags_are_told_before_anything_is_launched_or_removed() {
    // As long as the warm generation is attached to it, it says whose the target group is.
    let mut case = beside_a_warm_one();
    let Some(Read::Known(tags)) = case.observed.details.tags.get_mut(&target_group_arn(Slot::B)) else { panic!() };
    tags.remove("amiable:owner");
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0), "{:?}", plan.actions);
    for words in ["target group hello-prod-b has lost", "aws elbv2 add-tags", "Key=amiable:owner,Value=amiable`"] {
        assert!(plan.reason.contains(words), "{}", plan.reason);
    }
    // Nor where nothing vouches for it.
    let mut alone = Case::serving(NEW_IMAGE, json!({}));
    alone.observed.details.tags.insert(target_group_arn(Slot::B), Read::Known(BTreeMap::new()));
    let plan = alone.plan();
    assert_eq!((plan.change, plan.reason.contains("aws elbv2 add-tags")), (Change::Error, true), "{}", plan.reason);
}

/// Generation 2 is deployed, and somebody has given all of its traffic to generation 1, which stands warm.
fn moved(health: Health, change: impl FnOnce(&mut Group)) -> Case {
    Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, health, |group| {
        group.owner.healthy_since = Some(ago(900));
        group.owner.shifted_at = Some(ago(800));
        group.owner.recorded_at = Some(ago(400));
        change(group);
    })
}

#[test]
fn the_traffic_of_what_is_deployed_that_somebody_moved_to_a_warm_generation_is_drift_and_is_put_right() {
    let case = moved(Health::Healthy, |_| {});
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Drift, vec!["shift to b".to_owned()]), "{plan:?}");
    assert_eq!((plan.from, plan.to, plan.failure.as_ref()), (Some(Generation(1)), Some(Generation(2)), None));
    let shown: Vec<_> =
        plan.drift.iter().map(|it| (it.path.as_str(), it.before.as_deref(), it.after.as_deref())).collect();
    let (has, wants) = ("100 % hello-prod-a, 0 % hello-prod-b", "0 % hello-prod-a, 100 % hello-prod-b");
    assert_eq!(shown, [("traffic", Some(has), Some(wants))]);
    assert!(plan.reason.contains("by hand") && !plan.reason.contains("failed"), "{}", plan.reason);
    assert_eq!(plan.exposed, None, "what was deployed before has nothing to prove");
    // One that was recorded by a run that ended before the tag could say so is deployed as well.
    let mut untold = moved(Health::Healthy, |group| group.owner.recorded_at = None);
    untold.record_says("hello-prod-v002");
    assert_eq!(untold.calls(), ["shift to b"]);
    // It takes its traffic once it is whole, and is not marked for being about to be.
    let mut half = moved(Health::Healthy, |_| {});
    let Some(Read::Known(targets)) = half.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets[0].health = Health::Initial;
    let plan = half.plan();
    assert!(
        !calls(&plan).iter().any(|call| call.contains("failed") || call.contains("shift to")),
        "{:?}",
        plan.actions
    );
    assert!(!plan.waits.is_empty(), "{plan:?}");
    // While a person holds the app, nothing moves.
    let mark = crate::model::mark::Mark::new(ago(10), "arn:aws:iam::123456789012:user/ada", "");
    let paused = moved(Health::Healthy, |group| group.owner.marks.paused = Some(mark)).plan();
    assert!(paused.actions.is_empty() && paused.is_over(false), "{paused:?}");
    // Where nothing of it is healthy, a run may have ended in the middle of the way back.
    assert_eq!(moved(Health::Unhealthy, |_| {}).calls(), ["tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn what_a_person_says_while_the_traffic_is_elsewhere_is_about_what_is_deployed() {
    use crate::plan::intent;
    let case = moved(Health::Healthy, |_| {});
    let refusal = intent::abort(&case.about(None)).unwrap_err();
    assert!(refusal.contains("no release is under way"), "{refusal}");
    let down = intent::rollback(&case.about(None), None, &[]).unwrap();
    assert_eq!((down.generation, down.serves), (Generation(2), Some(Generation(1))));
}

#[test]
fn targets_of_the_way_back_that_somebody_takes_out_in_a_bake_are_registered_again_at_once() {
    let mut case = baking(Health::Healthy, 60);
    deregister(&mut case, Slot::A, &["i-1-2"]);
    assert_eq!(case.calls(), ["RegisterTargets hello-prod-a"]);
    // Nobody else looks at it: that is why it is read. Where it cannot be, nothing waits for it.
    let target_health = &mut case.observed.details.target_health;
    target_health.remove(&target_group_arn(Slot::A));
    assert_eq!(case.plan().wants, [Want::TargetHealth(target_group_arn(Slot::A))]);
    case.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Unknown(refused("AccessDenied")));
    let plan = case.plan();
    let well = baking(Health::Healthy, 60).plan();
    assert_eq!((plan.waits, plan.notes, plan.change), (well.waits, well.notes, well.change));
}

#[test]
fn targets_that_somebody_takes_out_are_registered_again_whatever_is_wrong_with_the_app() {
    let broken: [(&str, fn(&mut Case)); 3] = [
        ("a group that cannot be understood", |case| {
            case.observed.problems.push(Problem {
                what: "Auto Scaling group hello-prod-v000".to_owned(),
                name: "hello-prod-v000".to_owned(),
                app: Some(scope().app),
                why: "a tag is missing".to_owned(),
            });
        }),
        ("launch templates that cannot be read", |case| {
            case.observed.launch_templates = Read::Unknown(refused("AccessDenied"));
        }),
        ("an image of another architecture", |case| {
            let Some(Read::Known(Some(image))) = case.observed.images.get_mut(NEW_IMAGE) else { panic!() };
            image.architecture = "x86_64".to_owned();
        }),
    ];
    for (name, spoil) in broken {
        let mut case = Case::serving(NEW_IMAGE, json!({}));
        spoil(&mut case);
        let before = case.plan();
        assert_eq!((before.change, before.actions.len()), (Change::Error, 0), "{name}: {before:?}");
        deregister(&mut case, Slot::A, &["i-1-2"]);
        let plan = case.plan();
        assert_eq!((plan.change, calls(&plan)), (Change::Error, vec!["RegisterTargets hello-prod-a".into()]), "{name}");
        assert_eq!(plan.reason, before.reason, "{name}");
        // It is read where what serves is not whole.
        case.observed.details.target_health.remove(&target_group_arn(Slot::A));
        assert_eq!(case.plan().wants, [Want::TargetHealth(target_group_arn(Slot::A))], "{name}");
    }
}
