//! Where requests go.

use std::collections::BTreeMap;

use crate::sim::api::trial::{Trial, forward};
use crate::sim::world::balancing::routing::{Incoming, Route};
use crate::sim::world::example::{HELLO_1_0, HELLO_1_1};

struct Site {
    aws: Trial,
    load_balancer: String,
    listener: String,
    a: String,
    b: String,
}

/// Two generations of two instances, each in its target group, all traffic on the first.
fn site() -> Site {
    let mut aws = Trial::new();
    let (a, b) = (aws.target_group("hello-a"), aws.target_group("hello-b"));
    let load_balancer = aws.load_balancer("hello");
    let listener = aws.listener(&load_balancer, &[(&a, 100), (&b, 0)]);
    aws.group("v1", HELLO_1_0, 2, &format!("TargetGroupARNs.member.1={a}"));
    aws.group("v2", HELLO_1_1, 2, &format!("TargetGroupARNs.member.1={b}"));
    aws.wait(60);
    Site { aws, load_balancer, listener, a, b }
}

impl Site {
    fn shift(&mut self, a: u32, b: u32) {
        let weights = forward("DefaultActions", &[(&self.a, a), (&self.b, b)]);
        self.aws.elb("ModifyListener", &format!("ListenerArn={}&{weights}", self.listener));
    }

    fn route(&self, request: &Incoming, roll: u32) -> Route {
        self.aws.world.route(&self.load_balancer, 80, request, roll)
    }

    /// How many of a thousand requests reach each version, and each instance.
    fn thousand(&self) -> (BTreeMap<String, u32>, BTreeMap<String, u32>) {
        let (mut versions, mut instances) = (BTreeMap::new(), BTreeMap::new());
        for roll in 0..1000 {
            if let Route::Target { instance, .. } = self.route(&Incoming::default(), roll) {
                let version = self.aws.world.compute.instances.get(&instance).unwrap().version.clone();
                *versions.entry(version).or_default() += 1;
                *instances.entry(instance).or_default() += 1;
            }
        }
        (versions, instances)
    }

    fn serving(&self) -> Vec<(String, u32)> {
        self.aws.world.serving().into_iter().collect()
    }
}

#[test]
fn weight_zero_takes_no_requests_and_the_shift_moves_them_all() {
    let mut site = site();
    assert_eq!(site.aws.health(&site.b.clone()), ["healthy"; 2]);
    assert_eq!(site.thousand().0, BTreeMap::from([("hello 1.0.0".to_owned(), 1000)]));
    assert_eq!(site.serving(), [("v1".to_owned(), 2)]);
    site.shift(0, 100);
    site.aws.wait(10);
    assert_eq!(site.thousand().0, BTreeMap::from([("hello 1.1.0".to_owned(), 1000)]));
    assert_eq!(site.serving(), [("v2".to_owned(), 2)]);
}

#[test]
fn requests_divide_by_weight_and_evenly_among_targets() {
    let mut site = site();
    site.shift(95, 5);
    site.aws.wait(10);
    let (versions, instances) = site.thousand();
    assert!((30..80).contains(&versions["hello 1.1.0"]), "{versions:?}");
    assert_eq!(instances.len(), 4);
    assert!(instances.values().filter(|count| **count > 400).count() == 2, "{instances:?}");
    assert_eq!(site.serving(), [("v1".to_owned(), 2), ("v2".to_owned(), 2)]);
}

#[test]
fn a_sick_target_gets_nothing_while_another_is_healthy_and_all_get_requests_when_none_is() {
    let mut site = site();
    let ids = site.aws.ids("v1");
    site.aws.world.make_sick(&ids[0]);
    site.aws.wait(40);
    assert_eq!(site.thousand().1.keys().collect::<Vec<_>>(), [&ids[1]]);
    assert_eq!(site.serving(), [("v1".to_owned(), 1)]);
    site.aws.world.make_sick(&ids[1]);
    site.aws.wait(40);
    assert_eq!(site.thousand().1.len(), 2, "it fails open");
    assert!(site.serving().is_empty(), "serving is not health");
}

#[test]
fn a_draining_target_gets_no_new_requests() {
    let mut site = site();
    site.aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=v1&MinSize=0&DesiredCapacity=1");
    site.aws.wait(5);
    assert_eq!(site.thousand().1.len(), 1);
    site.aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=v1&DesiredCapacity=0");
    site.aws.wait(5);
    assert_eq!(site.route(&Incoming::default(), 1), Route::Unavailable, "draining targets are no last resort");
}

#[test]
fn rules_come_before_the_default_action_in_the_order_of_their_priority() {
    let mut site = site();
    let header = "Conditions.member.1.Field=http-header&Conditions.member.1.HttpHeaderConfig.HttpHeaderName=X-Preview\
                  &Conditions.member.1.HttpHeaderConfig.Values.member.1=next";
    let actions = forward("Actions", &[(&site.b, 1)]);
    site.aws.elb("CreateRule", &format!("ListenerArn={}&Priority=10&{header}&{actions}", site.listener));
    let teapot = "Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=/tea*\
                  &Actions.member.1.Type=fixed-response&Actions.member.1.FixedResponseConfig.StatusCode=418";
    site.aws.elb("CreateRule", &format!("ListenerArn={}&Priority=5&{teapot}", site.listener));
    let preview = Incoming { headers: vec![("x-preview".to_owned(), "next".to_owned())], ..Incoming::default() };
    assert!(matches!(site.route(&preview, 0), Route::Target { target_group, .. } if target_group == site.b));
    let tea = Incoming { path: "/tea/pot".to_owned(), ..preview };
    assert!(matches!(site.route(&tea, 0), Route::Answer { status: 418, .. }));
    assert!(
        matches!(site.route(&Incoming::default(), 0), Route::Target { target_group, .. } if target_group == site.a)
    );
}

#[test]
fn a_redirect_fills_in_what_it_keeps() {
    let mut site = site();
    let redirect = "DefaultActions.member.1.Type=redirect&DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301\
                    &DefaultActions.member.1.RedirectConfig.Protocol=HTTPS&DefaultActions.member.1.RedirectConfig.Port=443";
    site.aws.elb("ModifyListener", &format!("ListenerArn={}&{redirect}", site.listener));
    site.aws.wait(10);
    let request = Incoming { host: "a.example.com:80".to_owned(), path: "/x/y?z=1".to_owned(), ..Incoming::default() };
    let location = "https://a.example.com:443/x/y?z=1".to_owned();
    assert_eq!(site.route(&request, 0), Route::Redirect { status: 301, location });
}

#[test]
fn nothing_listens_on_other_ports_or_before_the_load_balancer_is_active() {
    let site = site();
    assert_eq!(site.aws.world.route(&site.load_balancer, 81, &Incoming::default(), 0), Route::Refused);
    assert_eq!(site.aws.world.route("arn:aws:x", 80, &Incoming::default(), 0), Route::Refused);
}

#[test]
fn new_weights_reach_the_nodes_of_a_load_balancer_one_after_the_other() {
    let mut site = site();
    site.shift(0, 100);
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(site.thousand().0.get("hello 1.0.0").copied().unwrap_or_default());
        assert_eq!(site.aws.world.still_reached(), [site.a.clone()].into());
        site.aws.wait(4);
    }
    assert!(old[0] > 600 && old[1] == old[0] && (200..500).contains(&old[2]), "{old:?}");
    assert_eq!(site.thousand().0, BTreeMap::from([("hello 1.1.0".to_owned(), 1000)]));
    assert!(site.aws.world.still_reached().is_empty());
    assert_eq!(site.serving(), [("v2".to_owned(), 2)], "what is configured counts for who serves");
}

#[test]
fn weights_that_change_twice_in_a_moment_arrive_in_their_order() {
    let mut site = site();
    site.shift(50, 50);
    site.aws.wait(2);
    site.shift(0, 100);
    site.aws.wait(8);
    let slowest = site.thousand().0;
    assert!(slowest["hello 1.0.0"] < 250, "no node is at the first weights any more: {slowest:?}");
    site.aws.wait(2);
    assert_eq!(site.thousand().0, BTreeMap::from([("hello 1.1.0".to_owned(), 1000)]));
    site.aws.world.spread = crate::model::time::Span::default();
    site.shift(100, 0);
    assert_eq!(
        site.thousand().0,
        BTreeMap::from([("hello 1.0.0".to_owned(), 1000)]),
        "at once where it is switched off"
    );
}
