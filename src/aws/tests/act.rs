//! One call per action, and names as fences.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_made_before_is_done_and_what_is_somebody_elses_is_a_conflict() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let listener = new_listener(&release.scope, &release.load_balancer, weights(&release.a, 0, &release.b, 100));
    let rule = Action::CreateRule(NewRule {
        listener_arn: release.listener.clone(),
        priority: 10,
        conditions: Conditions { hosts: vec!["hello.example.com".into()], ..Conditions::default() },
        forward: weights(&release.a, 100, &release.b, 0),
        tags: tags::encode_app(&release.scope, "rule", &BTreeMap::new()),
    });
    assert_eq!(lab.done("hello", &rule).await, Done::Applied);
    for action in [listener, rule, release.new_template(1), release.new_group(1, 2)] {
        assert_eq!(lab.perform("hello", &action).await, Ok(Done::Already), "{action}");
        let error = lab.perform("other", &action).await.unwrap_err();
        assert_eq!(error.class, Class::Blocked, "{action}: {error}");
        assert!(error.message.contains("does not belong to other in prod"), "{error}");
    }
    // Load balancers and target groups of the same settings are one and the same to AWS; of others, they are refused.
    let mut group = lab.new_target_group("hello", Slot::A);
    if let Action::CreateTargetGroup(NewTargetGroup { port, .. }) = &mut group {
        *port = 9090;
    }
    assert_eq!(lab.perform("hello", &group).await, Ok(Done::Already));
    assert_eq!(lab.perform("other", &group).await.unwrap_err().class, Class::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_process_took_for_another_template_is_looked_at_again() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    for mut action in [release.new_template(1), release.new_group(1, 2)] {
        match &mut action {
            Action::CreateLaunchTemplate { tags, .. } => tags.insert(tags::keys::TEMPLATE_HASH.into(), "1-00".into()),
            Action::CreateGroup(group) => group.tags.insert(tags::keys::TEMPLATE_HASH.into(), "1-00".into()),
            _ => None,
        };
        let error = lab.perform("hello", &action).await.unwrap_err();
        assert_eq!(error.class, Class::Wait);
        assert!(error.message.contains("another template"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_waits_for_its_template_and_not_for_what_the_template_or_the_network_gets_wrong() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    assert_eq!(lab.perform("hello", &release.new_group(1, 1)).await.unwrap_err().class, Class::Wait);
    let mut template = release.new_template(1);
    if let Action::CreateLaunchTemplate { data, .. } = &mut template {
        data.security_group_ids = vec!["sg-0fffffffffffffff0".into()];
    }
    lab.done("hello", &template).await;
    let mut elsewhere = release.new_group(1, 1);
    if let Action::CreateGroup(group) = &mut elsewhere {
        group.subnet_ids = vec!["subnet-0ffffffffffffff0".into()];
    }
    for (action, words) in [(release.new_group(1, 1), "The security group"), (elsewhere, "The subnet ID")] {
        let error = lab.perform("hello", &action).await.unwrap_err();
        assert_eq!(error.class, Class::FatalApp, "{error}");
        assert!(error.message.contains(words) && error.message.contains("does not exist"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_made_once() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let lost = Mutex::new(BTreeSet::new());
    lab.fault(move |request| {
        let first = request.operation.starts_with("Create") && lost.lock().unwrap().insert(request.operation.clone());
        first.then_some(Fault::ReplyLost)
    });
    for action in [release.new_template(1), release.new_group(1, 1)] {
        let done = lab.perform("hello", &action).await;
        assert!(done.is_ok(), "{action}: {done:?}");
    }
    lab.pass(120).await;
    let seen = lab.look().await;
    assert_eq!(seen.groups.known().unwrap()[&release.group].instances.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_is_done_and_what_is_in_use_stays() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let target_group = Action::DeleteTargetGroup { arn: release.a.clone(), name: "a".into() };
    assert_eq!(lab.perform("hello", &target_group).await.unwrap_err().class, Class::Wait);
    let group = Action::DeleteGroup { name: release.group.clone() };
    assert_eq!(lab.perform("hello", &group).await.unwrap_err().class, Class::Wait);
    for action in [
        Action::DeleteGroup { name: "hello-prod-v009".into() },
        Action::DeleteLaunchTemplate { name: "hello-prod-v009".into() },
        Action::DeleteListener { arn: format!("{}0", release.listener) },
        Action::DeleteParameter { parameter: release.scope.parameter_name(), app: release.scope.app.clone() },
    ] {
        assert_eq!(lab.perform("hello", &action).await, Ok(Done::Already), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn instances_of_which_one_is_gone_are_tagged_by_the_next_plan() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let seen = lab.look().await;
    let mut ids: Vec<_> =
        seen.groups.known().unwrap()[&release.group].instances.iter().map(|instance| instance.id.clone()).collect();
    let tag = |ids: &[String]| Action::TagInstances {
        group: release.group.clone(),
        ids: ids.to_vec(),
        tags: [("cost-centre".to_owned(), "42".to_owned())].into(),
    };
    let there = ids.clone();
    ids.push("i-0123456789abcdef0".to_owned());
    let error = lab.perform("hello", &tag(&ids)).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Wait, "InvalidInstanceID.NotFound"));
    let tagged = || {
        lab.simulation.with(|world| world.compute.instances.get(&there[0]).unwrap().tags.contains_key("cost-centre"))
    };
    assert!(!tagged());
    assert_eq!(lab.done("hello", &tag(&there)).await, Done::Applied);
    assert!(tagged());
    let many: Vec<String> = (0..1001).map(|number| format!("i-{number:017x}")).collect();
    assert_eq!(lab.perform("hello", &tag(&many)).await.unwrap_err().code, "ResourceCountExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_shift_is_one_call_and_a_second_one_is_none() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let shift = Action::Shift { at: release.point(), forward: weights(&release.a, 0, &release.b, 100) };
    assert_eq!(lab.done("hello", &shift).await, Done::Applied);
    assert_eq!(lab.done("hello", &shift).await, Done::Already);
    assert_eq!(lab.aws.calls()["elasticloadbalancing:ModifyListener"], 1);
    let seen = lab.look().await;
    let forward = &seen.listeners[&release.listener].known().unwrap().as_ref().unwrap().forward;
    assert_eq!(*forward, weights(&release.a, 0, &release.b, 100));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_in_sync_when_it_is_done_and_only_what_was_seen_is_deleted() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let balancer = lab.look().await.load_balancers.known().unwrap()[&release.scope.load_balancer_name()].clone();
    let alias = |heed| AliasTarget {
        dns_name: balancer.dns_name.clone(),
        zone_id: balancer.hosted_zone_id.clone(),
        evaluate_target_health: heed,
    };
    let record = |heed| DnsRecord {
        name: format!("hello.{ZONE_NAME}"),
        kind: "A".into(),
        alias: Some(alias(heed)),
        values: Vec::new(),
        ttl: None,
        set_identifier: None,
    };
    let change = |delete, upsert| Action::ChangeDns {
        zone_id: ZONE_ID.into(),
        name: format!("hello.{ZONE_NAME}"),
        delete,
        upsert,
    };
    let upsert = change(Vec::new(), vec![record(false)]);
    let before = lab.aws.clock().now();
    assert_eq!(lab.done("hello", &upsert).await, Done::Applied);
    assert!(lab.aws.clock().now().as_second() - before.as_second() < 180);
    let seen = lab.look().await;
    assert!(seen.zone.unwrap().known().unwrap().records.contains(&record(false)));

    // From one type to another in one batch: there is no moment without the name.
    let cname = DnsRecord {
        kind: "CNAME".into(),
        alias: None,
        values: vec![balancer.dns_name.clone()],
        ttl: Some(60),
        ..record(false)
    };
    assert_eq!(lab.done("hello", &change(vec![record(false)], vec![cname.clone()])).await, Done::Applied);
    assert!(lab.look().await.zone.unwrap().known().unwrap().records.contains(&cname));
    assert_eq!(lab.done("hello", &change(vec![cname], vec![record(false)])).await, Done::Applied);

    let delete = |heed| change(vec![record(heed)], Vec::new());
    assert_eq!(lab.perform("hello", &delete(true)).await.unwrap_err().class, Class::Wait);
    assert_eq!(lab.done("hello", &delete(false)).await, Done::Applied);
    assert_eq!(lab.done("hello", &delete(false)).await, Done::Already);
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_read_back_with_its_history() {
    let lab = Lab::new().await;
    let scope = lab.scope("hello");
    assert_eq!(history(&lab.aws, &scope).await, Ok(Vec::new()));
    let record = |generation| DeployedRecord {
        app: scope.app.clone(),
        environment: scope.environment.clone(),
        generation: Generation(generation),
        image: HELLO_1_0.into(),
        image_name: None,
        template_hash: "1-0a1b".parse().unwrap(),
        image_source: None,
        artifacts: BTreeMap::new(),
        release: BTreeMap::new(),
        manifests: None,
        deployed_at: lab.aws.clock().now(),
        deployed_by: "arn:aws:iam::123456789012:role/deploy".into(),
        turned_down: None,
    };
    let (one, two) = (record(1), record(2));
    for record in [&one, &two] {
        let action = Action::PutDeployedRecord { parameter: scope.parameter_name(), record: Box::new(record.clone()) };
        assert_eq!(lab.done("hello", &action).await, Done::Applied);
    }
    let versions = history(&lab.aws, &scope).await.unwrap();
    assert_eq!(versions, [(1, Read::Known(one)), (2, Read::Known(two.clone()))]);
    let seen = lab.look_at([Want::Deployed(scope.app.clone())]).await;
    assert_eq!(seen.details.deployed[&scope.app], Read::Known(Some(two)));
}

#[tokio::test(start_paused = true)]
async fn no_error_ever_quotes_user_data() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    lab.refuse(ApiError::new("InvalidParameterValue", "no"), |request| request.operation == "CreateLaunchTemplate");
    let error = lab.perform("hello", &release.new_template(1)).await.unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", release.new_template(1)).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_being_given_up_is_waited_for() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    lab.done("hello", &release.new_template(1)).await;
    lab.done("hello", &release.new_group(1, 0)).await;
    assert_eq!(lab.done("hello", &Action::DeleteGroup { name: release.group.clone() }).await, Done::Applied);
    let error = lab.perform("hello", &release.new_group(1, 0)).await.unwrap_err();
    assert_eq!(error.class, Class::Wait, "{error}");
    lab.pass(60).await;
    assert_eq!(lab.done("hello", &release.new_group(1, 0)).await, Done::Applied);
}
