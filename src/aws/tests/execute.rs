//! Facts read afresh before an action, and actions in order.

use super::*;
use crate::sim::world::balancing::health;

#[tokio::test(start_paused = true)]
async fn a_recheck_holds_only_what_holds_now() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    // A second group in the same target group, without an instance: those of the first do not count for it.
    lab.done("hello", &release.new_template(2)).await;
    lab.done("hello", &release.new_group(2, 0)).await;
    let (group, hash) = (release.group.clone(), release.data().hash().to_string());
    let weight = |arn: &String, serving| Expect::Weight { at: release.point(), target_group_arn: arn.clone(), serving };
    let healthy = |arn: &String, group: &str, at_least| Expect::Healthy {
        target_group_arn: arn.clone(),
        group: group.to_owned(),
        at_least,
    };
    let true_now = [
        Expect::OwnGroup { group: group.clone(), template_hash: hash },
        Expect::InService { group: group.clone(), at_least: 2 },
        healthy(&release.a, &group, 2),
        weight(&release.a, true),
        weight(&release.b, false),
        Expect::NoTargets { target_group_arn: release.b.clone() },
        Expect::OwnTags { arn: release.a.clone(), app: release.scope.app.clone() },
    ];
    assert_eq!(lab.recheck(&true_now).await, Ok(()));
    for stale in [
        Expect::OwnGroup { group: group.clone(), template_hash: "1-00".into() },
        Expect::InService { group: group.clone(), at_least: 3 },
        Expect::NoInstances { group: group.clone() },
        Expect::NoInstances { group: "hello-prod-v009".into() },
        healthy(&release.a, &group, 3),
        healthy(&release.b, &group, 1),
        healthy(&release.a, "hello-prod-v002", 1),
        weight(&release.a, false),
        weight(&release.b, true),
        weight(&"arn:of:nothing".to_owned(), true),
        Expect::NoTargets { target_group_arn: release.a.clone() },
        Expect::OwnTags { arn: release.a.clone(), app: "other".parse().unwrap() },
        Expect::OwnTags { arn: format!("{}0", release.a), app: release.scope.app.clone() },
    ] {
        let result = lab.recheck(std::slice::from_ref(&stale)).await;
        assert!(matches!(result, Err(Recheck::Stale(_))), "{stale:?}: {result:?}");
    }
    let elsewhere = "test".parse().unwrap();
    let result = recheck(&lab.aws, &elsewhere, &true_now[6..]).await;
    assert!(matches!(&result, Err(Recheck::Stale(why)) if why.contains("hello in test")), "{result:?}");
    lab.refuse(throttled(), |request| request.operation.starts_with("Describe"));
    for expect in &true_now {
        let result = lab.recheck(std::slice::from_ref(expect)).await;
        assert!(matches!(result, Err(Recheck::Failed(_))), "{expect:?}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_gone_only_when_aws_has_none_of_its_name_or_deletes_it() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let gone = [Expect::GroupGone { group: release.group.clone() }];
    lab.done("hello", &release.new_template(1)).await;
    assert_eq!(lab.recheck(&gone).await, Ok(()));

    lab.done("hello", &release.new_group(1, 0)).await;
    let result = lab.recheck(&gone).await;
    assert!(matches!(&result, Err(Recheck::Stale(why)) if why.contains("still exists")), "{result:?}");
    // Whosever it is, and even when its tags cannot be understood.
    let untag = Action::UntagGroup { name: release.group.clone(), keys: vec![tags::keys::TEMPLATE_HASH.into()] };
    lab.done("hello", &untag).await;
    let result = lab.recheck(&gone).await;
    assert!(matches!(&result, Err(Recheck::Stale(why)) if why.contains("still exists")), "{result:?}");
    let tag = Action::TagGroup { name: release.group.clone(), tags: release.tags(1), propagate: true };
    lab.done("hello", &tag).await;

    lab.done("hello", &Action::DeleteGroup { name: release.group.clone() }).await;
    let deleting = lab.simulation.with(|world| world.scaling.groups.contains_key(&release.group));
    assert!(deleting, "it takes its time");
    assert_eq!(lab.recheck(&gone).await, Ok(()));
    lab.pass(600).await;
    assert!(lab.simulation.with(|world| world.scaling.groups.is_empty()));
    assert_eq!(lab.recheck(&gone).await, Ok(()));

    lab.refuse(throttled(), |request| request.operation == "DescribeAutoScalingGroups");
    assert!(matches!(lab.recheck(&gone).await, Err(Recheck::Failed(_))));
}

#[tokio::test(start_paused = true)]
async fn instances_that_drain_are_not_healthy_any_more() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let healthy = Expect::Healthy { target_group_arn: release.a.clone(), group: release.group.clone(), at_least: 1 };
    assert_eq!(lab.recheck(std::slice::from_ref(&healthy)).await, Ok(()));
    let change = GroupChange { min: Some(0), desired: Some(0), ..GroupChange::default() };
    lab.done("hello", &Action::UpdateGroup { name: release.group.clone(), change }).await;
    lab.pass(5).await;
    let seen = lab.look_at([Want::TargetHealth(release.a.clone())]).await;
    let targets = seen.details.target_health[&release.a].known().unwrap();
    assert!(targets.len() == 2 && targets.iter().all(|target| target.health == Health::Draining), "{targets:?}");
    assert_eq!(seen.groups.known().unwrap()[&release.group].instances.len(), 2, "they drain as the group's own");
    assert!(matches!(lab.recheck(&[healthy]).await, Err(Recheck::Stale(_))));
}

/// Carries out these actions and says what was told of each.
async fn run(lab: &Lab, scope: &Scope, actions: Vec<(Action, Vec<Expect>)>) -> (Executed, Vec<&'static str>) {
    let planned = |(action, expects)| PlannedAction { action, reason: "because".into(), expects };
    let plan = AppPlan {
        app: scope.app.clone(),
        change: Change::Update,
        reason: String::new(),
        from: None,
        to: None,
        image: None,
        template: None,
        unshown: false,
        fields: Vec::new(),
        drift: Vec::new(),
        steps: Vec::new(),
        actions: actions.into_iter().map(planned).collect(),
        waits: Vec::new(),
        failure: None,
        left_over: Vec::new(),
        notes: Vec::new(),
        wants: Vec::new(),
        rests_on: BTreeSet::new(),
        queues: false,
        exposed: None,
        wake_at: None,
        impact: Impact::default(),
        wellbeing: None,
        answers: None,
    };
    let told = Mutex::new(Vec::new());
    let sink = |event: crate::model::event::Event| {
        told.lock().unwrap().push(match event.kind {
            EventKind::Planned(_) => "planned",
            EventKind::Acted { .. } => "acted",
            EventKind::Stale { .. } => "stale",
            EventKind::Failed { retry: true, .. } => "failed for now",
            EventKind::Failed { retry: false, .. } => "failed",
        });
    };
    let executed = execute(&lab.aws, lab.aws.clock(), &plan, scope, &sink).await;
    (executed, told.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_carried_out_in_order_and_no_further_than_the_first_that_does_not_hold() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let delete = |name: &str| Action::DeleteGroup { name: name.to_owned() };
    let create = vec![(release.new_template(1), vec![]), (release.new_group(1, 1), vec![])];
    let (executed, told) = run(&lab, &release.scope, create).await;
    assert_eq!((executed, told), (Executed::Complete, vec!["acted", "acted"]));
    lab.pass(120).await;

    let empty = Expect::NoInstances { group: release.group.clone() };
    let template = Action::DeleteLaunchTemplate { name: release.group.clone() };
    let destroy = vec![(delete(&release.group), vec![empty]), (template, vec![])];
    let (executed, told) = run(&lab, &release.scope, destroy).await;
    assert_eq!((executed, told), (Executed::Stale, vec!["stale"]));
    let calls = lab.aws.calls();
    assert!(!calls.contains_key("autoscaling:DeleteAutoScalingGroup"));
    assert!(!calls.contains_key("ec2:DeleteLaunchTemplate"));
}

#[tokio::test(start_paused = true)]
async fn an_action_is_not_performed_when_what_it_depends_on_cannot_be_read() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    run(&lab, &release.scope, vec![(release.new_template(1), vec![]), (release.new_group(1, 0), vec![])]).await;
    lab.refuse(throttled(), |request| request.operation == "DescribeAutoScalingGroups");
    let empty = Expect::NoInstances { group: release.group.clone() };
    let delete = Action::DeleteGroup { name: release.group.clone() };
    let (executed, told) = run(&lab, &release.scope, vec![(delete, vec![empty])]).await;
    assert!(matches!(executed, Executed::Failed(error) if error.class == Class::Retry));
    assert_eq!(told, ["failed for now"]);
    assert!(!lab.aws.calls().contains_key("autoscaling:DeleteAutoScalingGroup"));
}

#[tokio::test(start_paused = true)]
async fn an_instance_on_two_ports_is_healthy_once() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let (group, target_group_arn) = (release.group.clone(), release.a.clone());
    lab.simulation.with(|world| {
        let members: Vec<String> = world.scaling.groups.get(&group).unwrap().members.keys().cloned().collect();
        for id in members {
            health::register(world, &target_group_arn, &id, Some(9090));
        }
    });
    lab.pass(120).await;
    let healthy = |at_least| [Expect::Healthy { target_group_arn: release.a.clone(), group: group.clone(), at_least }];
    let targets = lab.look_at([Want::TargetHealth(release.a.clone())]).await;
    assert_eq!(targets.details.target_health[&release.a].known().unwrap().len(), 4);
    assert_eq!(lab.recheck(&healthy(2)).await, Ok(()));
    assert!(matches!(lab.recheck(&healthy(3)).await, Err(Recheck::Stale(why)) if why.contains("2 of 3")));
}
