//! AWS does not tell how targets do, for want of a permission: what people say moves the traffic all the same.

use std::time::Duration;

use amiable::cli::exit::Exit;
use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::HELLO_1_1;

use super::{deployed, serving, weight};
use crate::lab::{HELLO, Lab, app};

/// Version 2 has taken over and is watched; from now on AWS refuses to tell how targets do.
async fn blind() -> Lab {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply_for(Duration::from_secs(90)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 100, "{}", lab.diary());
    refuse_health(&lab);
    lab
}

fn refuse_health(lab: &Lab) {
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let denied = || Fault::Refuse(ApiError::new("AccessDenied", "not today").with_status(403));
        (request.operation == "DescribeTargetHealth").then(denied)
    })));
}

async fn typed(lab: &Lab, line: &str) -> Exit {
    let manifests = lab.lay_out();
    lab.typed(manifests.path(), Answers::default(), line).await.unwrap_or_else(|failure| panic!("{line}: {failure}"))
}

#[tokio::test(start_paused = true)]
async fn a_release_is_turned_down_by_a_person_though_nobody_can_tell_how_the_way_back_does() {
    for line in ["abort hello --reason wrong --yes", "rollback hello --reason slow --yes"] {
        let mut lab = blind().await;
        assert_eq!(typed(&lab, line).await, Exit::Fine, "{line}");
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0), "{line}");
        lab.simulation.set_faults(None);
        lab.restart().await;
        assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed, "{line}: {}", lab.diary());
        assert_eq!(serving(&lab), [(HELLO.to_owned(), 2)], "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_cannot_move_the_traffic_says_so_with_its_exit_code_and_the_other_one_goes_on_with_it() {
    let lab = blind().await;
    let launches = [("AutoScalingGroupName", HELLO), ("ScalingProcesses.member.1", "Launch")];
    lab.by_hand("autoscaling", "SuspendProcesses", &launches);
    lab.simulation.set_observer(None);
    for victim in lab.instances(HELLO) {
        lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    }
    lab.pass(120).await;
    for line in ["abort hello --reason wrong --yes", "rollback hello --reason wrong --yes"] {
        assert_eq!(typed(&lab, line).await, Exit::Blocked, "{line}");
        assert_eq!(weight(&lab, "hello-prod-b"), 100, "{line}");
    }
    lab.by_hand("autoscaling", "ResumeProcesses", &launches);
    lab.pass(120).await;
    assert_eq!(typed(&lab, "rollback hello --reason wrong --yes").await, Exit::Fine);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
}
