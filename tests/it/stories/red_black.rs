//! Red-black: from an image to the next.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn a_first_deploy() {
    let lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:00 CreateLoadBalancer hello-prod: the app has no load balancer
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:35 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:05 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    02:05 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    02:52 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    07:05 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:05 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn from_one_image_to_the_next_and_the_old_group_goes_after_its_time() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:13 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:45 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_scaled_to_nothing_is_released_all_the_same() {
    let nothing = |image: &str| app("hello", image, "").replace("{min: 2, max: 4}", "{min: 0, max: 4}");
    let mut lab = Lab::new().await;
    lab.write("hello", nothing(HELLO_1_0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
    lab.write("hello", nothing(HELLO_1_1));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_of_an_app_that_is_scaled_to_nothing_fails_and_what_serves_stays() {
    let nothing =
        |image: &str| app("hello", image, "  progressDeadline: 5m\n").replace("{min: 2, max: 4}", "{min: 0, max: 4}");
    let mut lab = Lab::new().await;
    lab.write("hello", nothing(HELLO_1_0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.write("hello", nothing(HELLO_BAD));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
    // When there is work again, the first generation does it.
    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "2")];
    lab.by_hand("autoscaling", "SetDesiredCapacity", &resize);
    lab.pass(120).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "it is not tried again: {}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

/// The second at which a diary first has this in a line.
fn second(diary: &str, said: &str) -> i64 {
    let line = diary.lines().find(|line| line.contains(said)).unwrap_or_else(|| panic!("{said}: {diary}"));
    let (minutes, seconds) = line[..line.find(' ').unwrap()].split_once(':').unwrap();
    minutes.parse::<i64>().unwrap() * 60 + seconds.parse::<i64>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_is_emptied_only_when_no_delayed_call_can_give_it_traffic_any_more() {
    let extra = "  retain: {for: 0s}\n";
    let mut lab = deployed(extra).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, extra));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    let diary = lab.diary();
    let kept = second(&diary, "UpdateAutoScalingGroup hello-prod-v001") - second(&diary, "v002 is recorded");
    assert!((300..330).contains(&kept), "{kept} s: {diary}");
    settles(&lab).await;
}
