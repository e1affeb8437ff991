//! Whether a strategy can be followed: one of them, with steps that lead forward.

use super::Subject;
use crate::manifest::diagnostic::{Code, Diagnostics};
use crate::model::spec::{Canary, CanaryStep, LoadBalancer};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let strategy = &subject.spec.strategy;
    let Some(canary) = &strategy.canary else { return };
    if strategy.red_black.is_some() {
        let message = "`strategy` is either `redBlack` or `canary`".to_owned();
        let finding = subject
            .error(Code::Contradiction, &["strategy", "canary"], message)
            .related(subject.tree.nearest(&["strategy", "redBlack"]), "the other one")
            .help("remove one of them; `canary` has a `bakeTime`, too");
        findings.push(finding);
    }
    if subject.spec.load_balancer == LoadBalancer::None {
        let message = "a worker takes no traffic of which a canary could have a share".to_owned();
        let finding = subject
            .error(Code::Contradiction, &["strategy", "canary"], message)
            .related(subject.tree.nearest(&["loadBalancer"]), "there is no load balancer")
            .help("remove `strategy`; a worker's new generation works beside the old one until it has been watched");
        findings.push(finding);
    }
    steps(subject, canary, findings);
}

fn steps(subject: &Subject<'_>, canary: &Canary, findings: &mut Diagnostics) {
    let mut last = 0;
    for (index, step) in canary.steps.iter().enumerate() {
        let index = index.to_string();
        let CanaryStep::Weight(weight) = *step else {
            if last == 0 {
                let path = ["strategy", "canary", "steps", index.as_str()];
                let message = "a pause before the new generation takes any traffic shows nothing".to_owned();
                let help = "begin with a `weight`; `verification.stableFor` is how long it must be healthy before";
                findings.push(subject.error(Code::Contradiction, &path, message).help(help));
                return;
            }
            continue;
        };
        let path = ["strategy", "canary", "steps", index.as_str(), "weight"];
        if !(1..=99).contains(&weight) {
            let message = format!("`weight` is {weight}; it may be from 1 to 99");
            let help = "after the last step all of the traffic moves by itself";
            findings.push(subject.error(Code::OutOfRange, &path, message).help(help));
        } else if weight <= last {
            let message = format!("the new generation has {last} % already; each `weight` is more than the one before");
            findings.push(subject.error(Code::Contradiction, &path, message).help("put the steps in order"));
        }
        last = weight;
    }
}
