//! What has traffic and is not proven yet when nobody watches it any more: what it is, how it goes on, and how the traffic is
//! given back.

use crate::model::plan::AppPlan;

/// What has traffic of an app and is watched by nobody from now on, with the commands that help; nothing when all that
/// serves has proved itself.
pub fn unwatched(app: &AppPlan) -> Option<String> {
    let (name, exposed) = (&app.app, app.exposed.as_ref()?);
    let share =
        if exposed.share >= 100 { "all traffic".to_owned() } else { format!("{}% of the traffic", exposed.share) };
    let back = match exposed.back {
        Some(back) => format!("`amiable abort {name}` gives the traffic back to {back}"),
        None => "there is no earlier generation to give the traffic back to".to_owned(),
    };
    Some(format!(
        "{} has {share}, and nobody watches it now: `amiable apply {name}` goes on watching it; {back}",
        exposed.generation
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Generation;
    use crate::model::plan::Exposed;
    use crate::report::samples;

    #[test]
    fn what_has_traffic_and_is_not_proven_is_named_with_the_way_back() {
        let said = |share, back: Option<u32>| {
            let exposed = Exposed { generation: Generation(42), share, back: back.map(Generation), until: None };
            unwatched(&AppPlan { exposed: Some(exposed), ..samples::rolling_out() }).unwrap()
        };
        assert_eq!(
            said(5, Some(41)),
            "v042 has 5% of the traffic, and nobody watches it now: `amiable apply hello-world` goes on watching it; \
             `amiable abort hello-world` gives the traffic back to v041"
        );
        assert_eq!(
            said(100, None),
            "v042 has all traffic, and nobody watches it now: `amiable apply hello-world` goes on watching it; there is no \
             earlier generation to give the traffic back to"
        );
        assert_eq!(unwatched(&AppPlan { exposed: None, ..samples::rolling_out() }), None);
    }
}
