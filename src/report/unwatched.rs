//! What has traffic and is not proven yet when nobody watches it any more: what it is, how it goes on, and how the traffic is
//! given back.

use crate::model::action::Action;
use crate::model::plan::{AppPlan, Change, Exposed};

/// What has traffic of an app and is watched by nobody from now on, with the commands that help; nothing when all that
/// serves has proved itself.
pub fn unwatched(app: &AppPlan) -> Option<String> {
    let (name, exposed) = (&app.app, app.exposed.as_ref()?);
    let stands = stands(exposed);
    let back = match (exposed.back, exposed.share) {
        (Some(back), Some(_)) => format!("`amiable abort {name}` gives the traffic back to {back}"),
        (Some(back), None) => format!("`amiable abort {name}` ends it, and {back} works on"),
        (None, Some(_)) => "there is no earlier generation to give the traffic back to".to_owned(),
        (None, None) => "there is no earlier generation at work".to_owned(),
    };
    Some(format!(
        "{} {stands}, and nobody watches it now: `amiable apply {name}` goes on watching it; {back}",
        exposed.generation
    ))
}

/// That traffic may have moved after the last look: the work ended between the call that moves it and the look that would have
/// shown it. Nothing when what is exposed was seen, or the call gives traffic back.
pub fn may_have_moved(app: &AppPlan) -> Option<String> {
    let to = app.to.filter(|_| app.change == Change::Replace && app.exposed.is_none() && !app.gives_back())?;
    app.actions.iter().find(|planned| matches!(planned.action, Action::Shift { .. }))?;
    let name = &app.app;
    let back =
        app.from.map(|from| format!("; `amiable abort {name}` gives the traffic back to {from}")).unwrap_or_default();
    Some(format!(
        "a call was due that gives {to} traffic, and whether it was made is not known: `amiable status {name}` tells, \
         `amiable apply {name}` goes on{back}"
    ))
}

/// What it does, in words: `has 5% of the traffic`.
pub fn stands(exposed: &Exposed) -> String {
    match exposed.share {
        Some(100..) => "has all traffic".to_owned(),
        Some(share) => format!("has {share}% of the traffic"),
        None => "is at work".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::TrafficPoint;
    use crate::model::names::Generation;
    use crate::model::observed::Forward;
    use crate::model::plan::PlannedAction;
    use crate::report::samples;

    #[test]
    fn what_has_traffic_and_is_not_proven_is_named_with_the_way_back() {
        let said = |share, back: Option<u32>| {
            let exposed =
                Exposed { generation: Generation(42), share, back: back.map(Generation), ..samples::exposed() };
            unwatched(&AppPlan { exposed: Some(exposed), ..samples::rolling_out() }).unwrap()
        };
        assert_eq!(
            said(Some(5), Some(41)),
            "v042 has 5% of the traffic, and nobody watches it now: `amiable apply hello-world` goes on watching it; \
             `amiable abort hello-world` gives the traffic back to v041"
        );
        assert_eq!(
            said(Some(100), None),
            "v042 has all traffic, and nobody watches it now: `amiable apply hello-world` goes on watching it; there is no \
             earlier generation to give the traffic back to"
        );
        assert_eq!(
            said(None, Some(41)),
            "v042 is at work, and nobody watches it now: `amiable apply hello-world` goes on watching it; `amiable abort \
             hello-world` ends it, and v041 works on"
        );
        assert_eq!(unwatched(&AppPlan { exposed: None, ..samples::rolling_out() }), None);
    }

    #[test]
    fn a_call_that_gives_traffic_and_may_have_been_made_is_named_unless_it_takes_traffic_back() {
        let to_come = samples::rolling_out();
        assert_eq!(may_have_moved(&to_come), None);
        let at = TrafficPoint::Listener("arn:listener".into());
        let action = Action::Shift { at, forward: Forward::default() };
        let shift = PlannedAction { action, reason: String::new(), expects: Vec::new() };
        let shifting = AppPlan { actions: vec![shift.clone()], ..to_come };
        assert_eq!(
            may_have_moved(&shifting).unwrap(),
            "a call was due that gives v042 traffic, and whether it was made is not known: `amiable status hello-world` tells, \
             `amiable apply hello-world` goes on; `amiable abort hello-world` gives the traffic back to v041"
        );
        let back = AppPlan { actions: vec![shift], ..samples::going_back() };
        assert_eq!(may_have_moved(&back), None);
    }
}
