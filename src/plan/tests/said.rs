//! What people say, as tables: a command that was killed after its mark is said again, and goes on.

use super::*;
use crate::model::mark::{BackTo, Mark};
use crate::plan::intent::{self, Intent};

const ADA: &str = "arn:aws:iam::123456789012:user/ada";

fn mark() -> Mark {
    Mark::new(ago(20), ADA, "slow")
}

/// Generation 2 has taken over from generation 1, and was recorded.
fn deployed(change: impl FnOnce(&mut Group)) -> Case {
    Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
            change(group);
        })
}

/// The same after the traffic went back to generation 1.
fn gone_back(reason: &str) -> Case {
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
            failed(reason)(group);
        });
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v001").unwrap().owner.shifted_at = Some(ago(10));
    case
}

/// What is said, that it was said before, or why it makes no sense: how many marks it sets, and of which generation.
fn said(intent: Result<Intent, String>) -> String {
    match intent {
        Ok(Intent { said: Some(said), actions, .. }) => {
            assert!(actions.is_empty(), "{said}: {actions:?}");
            format!("again: {said}")
        }
        Ok(intent) => format!("{} {} calls", intent.generation, intent.actions.len()),
        Err(refusal) => format!("refused: {refusal}"),
    }
}

#[test]
fn a_rollback_that_is_said_again_turns_nothing_more_down() {
    let rollback = |case: &Case, to: Option<u32>| said(intent::rollback(&case.about(None), to.map(Generation), &[]));
    assert_eq!(rollback(&deployed(|_| {}), None), "v002 1 calls");
    let again = "again: v002 is turned down already: rolled back by ada: slow";
    assert_eq!(rollback(&deployed(failed("rolled back by ada: slow")), None), again, "killed after its mark");
    assert_eq!(rollback(&gone_back("rolled back by ada: slow"), None), again, "killed after its shift");
    assert_eq!(rollback(&gone_back("rolled back by ada: slow"), Some(1)), again, "the same, by its name");
    let to = "again: v002 is turned down already: rolled back to v001 by ada";
    assert_eq!(rollback(&deployed(failed("rolled back to v001 by ada")), Some(1)), to);
    assert_eq!(rollback(&gone_back("rolled back to v001 by ada"), Some(1)), to);
    // What was given up and still has the traffic is on its way back, by whichever command.
    let aborted = "again: v002 is turned down already: aborted by ada";
    assert_eq!(rollback(&deployed(failed("aborted by ada")), None), aborted);
    // What failed by itself and still has the traffic is turned down as well.
    assert_eq!(rollback(&deployed(failed("unhealthy under traffic")), None), "v002 1 calls");
    // What failed by itself was turned down by nobody.
    let alone = rollback(&gone_back("unhealthy under traffic"), None);
    assert_eq!(alone, "refused: v001 is the only generation that runs; nothing else was ever deployed");
    // Nothing is left to go back to.
    let mut case = deployed(failed("rolled back by ada: slow"));
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v001").unwrap().desired = 0;
    assert!(rollback(&case, None).contains("`--to` names an earlier release"), "{}", rollback(&case, None));
}

#[test]
fn a_rollback_to_what_was_launched_again_is_said_again_without_turning_the_cure_down() {
    let launched = |live: Slot| {
        let mut case = Case::new(NEW_IMAGE, json!({}))
            .with_front(live)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(900));
                group.owner.recorded_at = Some(ago(600));
                failed("rolled back to v001 by ada: slow")(group);
            })
            .with_group(3, OLD_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = (live == Slot::A).then(|| ago(60));
            });
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        let hash = groups["hello-prod-v003"].owner.template_hash.clone();
        groups.get_mut("hello-prod-v002").unwrap().owner.marks.back_to = Some(BackTo::Template(hash));
        case
    };
    let to = |case: &Case, to| said(intent::rollback(&case.about(None), Some(Generation(to)), &[]));
    let again = "again: v002 is turned down already: rolled back to v001 by ada: slow";
    assert_eq!(to(&launched(Slot::B), 1), again, "while it is launched");
    assert_eq!(to(&launched(Slot::A), 1), again, "once it has taken over");
}

#[test]
fn a_deployed_state_is_withdrawn_together_with_what_is_turned_down_and_no_other() {
    let withdraws = |case: &Case| {
        let intent = intent::rollback(&case.about(Some("slow")), None, &[]).unwrap();
        intent.withdraws.map(|record| record.turned_down.unwrap().reason)
    };
    let mut case = deployed(|_| {});
    assert_eq!(withdraws(&case), None, "nothing is recorded");
    case.record_says("hello-prod-v002");
    assert_eq!(withdraws(&case).as_deref(), Some("rolled back by ada: slow"));
    case.record_says("hello-prod-v001");
    assert_eq!(withdraws(&case), None, "the record names another");
    let mut case = deployed(failed("rolled back by ada"));
    case.record_says("hello-prod-v002");
    assert_eq!(withdraws(&case).as_deref(), Some("rolled back by ada"), "said again, what is missing is done");
}

#[test]
fn an_abort_a_pause_and_a_pin_that_are_said_again_go_on() {
    let baking = |change: &dyn Fn(&mut Group)| {
        Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(60));
                change(group);
            })
    };
    let case = baking(&|_| {});
    assert_eq!(said(intent::abort(&case.about(None))), "v002 1 calls");
    let again = "again: v002 is given up already: aborted by ada";
    let case = baking(&|group| failed("aborted by ada")(group));
    assert_eq!(said(intent::abort(&case.about(None))), again);
    assert_eq!(said(intent::abort(&gone_back("aborted by ada").about(None))), again);
    let case = baking(&|group| failed("rolled back by ada")(group));
    assert_eq!(said(intent::abort(&case.about(None))), "again: v002 is given up already: rolled back by ada");
    let case = baking(&|group| failed("unhealthy under traffic")(group));
    assert_eq!(said(intent::abort(&case.about(None))), "v002 1 calls");
    let case = baking(&|group| group.owner.marks.paused = Some(mark()));
    assert_eq!(said(intent::pause(&case.about(None))), "again: it is paused already by ada: slow");
    let case = baking(&|group| group.owner.marks.pinned = Some(mark()));
    assert_eq!(said(intent::pin(&case.about(None))), "again: it is pinned to v002 already by ada: slow");
    let case = deployed(|_| {});
    assert!(said(intent::abort(&case.about(None))).starts_with("refused: no release is under way"));
}

#[test]
fn what_was_lifted_already_goes_on_while_there_is_something_to_go_on_with() {
    let serving = |image| Case::serving(image, json!({}));
    let (open, settled) = (serving(NEW_IMAGE), serving(OLD_IMAGE));
    for (intent, not) in [
        (intent::unpin as fn(&intent::About<'_>) -> Result<Intent, String>, "it is not pinned"),
        (intent::resume, "it is neither paused nor suspended"),
        (intent::retry, "the release that its manifest asks for is not marked as failed"),
    ] {
        assert!(said(intent(&open.about(None))).starts_with(&format!("again: {not}")), "{not}");
        assert_eq!(said(intent(&settled.about(None))), format!("refused: {not}"));
    }
}

#[test]
fn a_resume_renews_the_time_of_the_release_before_it_lifts_the_pause() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |group| {
        group.owner.marks.paused = Some(mark());
    });
    let intent = intent::resume(&case.about(None)).unwrap();
    let calls: Vec<&str> = intent.actions.iter().map(|planned| planned.action.operation().1).collect();
    assert_eq!(calls, ["CreateOrUpdateTags", "DeleteTags"]);
}

#[test]
fn a_release_that_bakes_is_not_promoted_and_says_what_it_waits_for() {
    for full in [false, true] {
        let refusal = intent::promote(&baking(Health::Healthy, 60).about(None), full).unwrap_err();
        let until = Span::minutes(5).after(ago(60));
        for words in [
            "v002 has all traffic already, and its bake waits for nobody".to_owned(),
            format!("watches it, until {until:.0} or later"),
            "`amiable abort hello` gives the release up".to_owned(),
        ] {
            assert!(refusal.contains(&words), "{refusal}");
        }
    }
    // Before it has taken over, and when it is recorded, other words are true.
    let coming = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |_| {});
    assert!(said(intent::promote(&coming.about(None), false)).contains("v002 is no canary: it takes all traffic once"));
    assert_eq!(
        said(intent::promote(&deployed(|_| {}).about(None), false)),
        "refused: no release is under way that could be promoted"
    );
}
