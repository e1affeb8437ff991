//! Plans made by hand, for the tests of all forms.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::{Action, NewGroup};
use crate::model::desired::Source;
use crate::model::launch::{LaunchData, Secret};
use crate::model::mark::Marks;
use crate::model::names::{AppName, Generation, Scope, Slot};
use crate::model::observed::{
    Details, Failure, Forward, Group, Health, ImageSources, Instance, Listener, Observed, Ownership, Read, Target,
};
use crate::model::plan::{
    Answers, AppPlan, Change, Effect, Exposed, FieldChange, Impact, Plan, PlannedAction, Step, StepKind, StepState,
    Wait,
};
use crate::model::time::{Span, Timestamp};

/// A text that must never be seen in any output.
pub(crate) const CANARY: &str = "canary-3d1f";

pub(crate) fn at(text: &str) -> Timestamp {
    format!("2026-11-02T{text}Z").parse().unwrap()
}

pub(crate) fn plan(apps: Vec<AppPlan>) -> Plan {
    Plan {
        environment: "prod".parse().unwrap(),
        account: "123456789012".into(),
        region: "us-west-2".into(),
        source: Source { directory: "manifests".into(), commit: Some("3f2c1ab".into()), dirty: false },
        at: at("12:00:00"),
        apps,
    }
}

pub(crate) fn app(name: &str, change: Change) -> AppPlan {
    AppPlan {
        app: name.parse::<AppName>().unwrap(),
        change,
        reason: String::new(),
        from: None,
        to: None,
        image: None,
        template: None,
        unshown: false,
        fields: Vec::new(),
        drift: Vec::new(),
        steps: Vec::new(),
        actions: Vec::new(),
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
    }
}

/// Where an app answers that has a name of its own.
pub(crate) fn answers(host: &str) -> Answers {
    let balancer = "internal-orders-prod-1.us-west-2.elb.amazonaws.com".to_owned();
    Answers { load_balancer: Some(balancer), internal: true, urls: vec![format!("http://{host}")] }
}

/// A generation with a share of the traffic, whose watcher may give no sign for two minutes.
pub(crate) fn exposed() -> Exposed {
    Exposed {
        generation: Generation(42),
        share: Some(5),
        back: Some(Generation(41)),
        until: None,
        watched_at: at("12:00:00"),
        longest_silence: Span::minutes(2),
    }
}

pub(crate) fn field(path: &str, before: &str, after: &str, effect: Effect) -> FieldChange {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    FieldChange { path: path.into(), before: some(before), after: some(after), effect }
}

pub(crate) fn wait(what: &str, until: Option<&str>, cleanup: bool) -> Wait {
    Wait { what: what.into(), until: until.map(at), cleanup }
}

fn step(kind: StepKind) -> Step {
    Step { kind, state: StepState::Pending, detail: None }
}

/// The first steps as done as `done` says, the next one at work with this detail.
pub(crate) fn advance(plan: &mut AppPlan, done: usize, detail: Option<&str>) {
    for (index, step) in plan.steps.iter_mut().enumerate() {
        step.state = match index {
            index if index < done => StepState::Done,
            index if index == done => StepState::Current,
            _ => StepState::Pending,
        };
        step.detail = if index == done { detail.map(str::to_owned) } else { None };
    }
}

/// A new app with a launch template that carries a secret.
pub(crate) fn create() -> AppPlan {
    let data = LaunchData {
        image_id: "ami-0aaa".into(),
        instance_type: "c7g.large".into(),
        security_group_ids: vec!["sg-1".into()],
        user_data: Some(Secret::new(CANARY)),
        ..LaunchData::default()
    };
    let action = |action: Action, reason: &str| PlannedAction { action, reason: reason.into(), expects: Vec::new() };
    AppPlan {
        to: Some(Generation(1)),
        fields: vec![
            field("image", "", "ami-0aaa", Effect::Replace),
            field("instanceType", "", "c7g.large", Effect::Replace),
        ],
        steps: vec![
            step(StepKind::Prepare),
            step(StepKind::Launch { instances: 2 }),
            step(StepKind::WaitHealthy { instances: 2, stable_for: Span::seconds(30) }),
            step(StepKind::Shift { weight: 100 }),
            step(StepKind::Dns { name: "orders.internal.example.com".into() }),
            step(StepKind::Bake { duration: Span::minutes(5) }),
            step(StepKind::Record),
        ],
        actions: vec![
            action(
                Action::CreateLaunchTemplate {
                    name: "orders-prod-v001".into(),
                    data: Box::new(data),
                    tags: BTreeMap::new(),
                    volume_tags: BTreeMap::new(),
                },
                "v001 needs a launch template",
            ),
            action(
                Action::CreateGroup(Box::new(NewGroup {
                    name: "orders-prod-v001".into(),
                    min: 2,
                    max: 2,
                    desired: 2,
                    mixed: None,
                    subnet_ids: vec!["subnet-1".into()],
                    target_group_arns: Vec::new(),
                    grace_period: 120,
                    instance_warmup: None,
                    maintenance: None,
                    hooks: Vec::new(),
                    tags: BTreeMap::new(),
                })),
                "v001 is launched",
            ),
        ],
        impact: Impact { peak_instances: 2, duration: Some(Span::minutes(7)), ..Impact::default() },
        answers: Some(answers("orders.internal.example.com")),
        ..app("orders", Change::Create)
    }
}

/// A new generation of a running app.
pub(crate) fn replace() -> AppPlan {
    AppPlan {
        from: Some(Generation(41)),
        to: Some(Generation(42)),
        fields: vec![
            field("image", "ami-0111 (1.8.2, 9f31c2)", "ami-0222 (1.9.0, 3f2c1ab)", Effect::Replace),
            field("instances.max", "8", "12", Effect::InPlace),
            field("strategy.redBlack.bakeTime", "10m", "5m", Effect::Behaviour),
        ],
        steps: vec![
            step(StepKind::Launch { instances: 6 }),
            step(StepKind::WaitHealthy { instances: 6, stable_for: Span::seconds(30) }),
            step(StepKind::Shift { weight: 100 }),
            step(StepKind::Bake { duration: Span::minutes(5) }),
            step(StepKind::Record),
            step(StepKind::Keep { generation: Generation(41), duration: Span::hours(1) }),
            step(StepKind::Retire { generation: Generation(41) }),
        ],
        impact: Impact {
            peak_instances: 12,
            extra_instance_seconds: Some(24_840),
            duration: Some(Span::minutes(9)),
            cleanup: Some(Span::minutes(62)),
        },
        ..app("hello-world", Change::Replace)
    }
}

/// The same in the middle of its launch.
pub(crate) fn rolling_out() -> AppPlan {
    let mut plan = replace();
    advance(&mut plan, 1, Some("healthy 3/6"));
    plan.waits = vec![wait("v042 to be healthy, 3/6 now", Some("12:20:00"), false)];
    plan.wake_at = Some(at("12:00:10"));
    plan
}

/// The release complete, the old generation still warm.
pub(crate) fn keeping() -> AppPlan {
    let mut plan = replace();
    advance(&mut plan, 5, None);
    AppPlan {
        change: Change::Unchanged,
        fields: Vec::new(),
        from: Some(Generation(42)),
        waits: vec![wait("v041, which stays warm", Some("13:00:00"), true)],
        impact: Impact::default(),
        wellbeing: None,
        ..plan
    }
}

pub(crate) fn update() -> AppPlan {
    AppPlan {
        from: Some(Generation(7)),
        to: Some(Generation(7)),
        fields: vec![field("instances.max", "8", "12", Effect::InPlace)],
        ..app("billing", Change::Update)
    }
}

pub(crate) fn drifted() -> AppPlan {
    AppPlan {
        from: Some(Generation(3)),
        to: Some(Generation(3)),
        drift: vec![
            field("instances.max", "9", "6", Effect::InPlace),
            field("dns.name", "", "cart.x", Effect::InPlace),
        ],
        ..app("cart", Change::Drift)
    }
}

pub(crate) fn blocked() -> AppPlan {
    AppPlan {
        reason: "suspended until Mon 08:00 UTC (incident 42)".into(),
        from: Some(Generation(5)),
        to: Some(Generation(6)),
        fields: vec![field("image", "ami-0333", "ami-0444", Effect::Replace)],
        ..app("search", Change::Blocked)
    }
}

/// A release that failed; the one before it serves.
pub(crate) fn rolled_back() -> AppPlan {
    let failure = "v042 failed: 3 of 6 instances healthy after 20m; i-0425 (Target.ResponseCodeMismatch)";
    AppPlan {
        reason: format!("{failure}; v041 serves until the manifest changes or `amiable retry`"),
        failure: Some(failure.into()),
        from: Some(Generation(41)),
        fields: vec![field("image", "ami-0111", "ami-0222", Effect::Replace)],
        ..app("hello-world", Change::Blocked)
    }
}

/// The way back while it happens.
pub(crate) fn going_back() -> AppPlan {
    let mut steps =
        vec![step(StepKind::ShiftBack { to: Generation(41) }), step(StepKind::Entomb { generation: Generation(42) })];
    steps[0].state = StepState::Current;
    AppPlan {
        reason: "v042 failed: unhealthy under traffic: i-0425".into(),
        from: Some(Generation(42)),
        to: Some(Generation(41)),
        steps,
        ..app("hello-world", Change::Replace)
    }
}

pub(crate) fn failing() -> AppPlan {
    AppPlan { reason: "image ami-0999 does not exist in us-west-2".into(), ..app("mailer", Change::Error) }
}

pub(crate) fn orphaned() -> AppPlan {
    let reason = "no manifest here declares it; its groups are left alone: old-search-prod-v012".into();
    AppPlan { reason, ..app("old-search", Change::Orphaned) }
}

pub(crate) fn destroyed() -> AppPlan {
    let delete = |what: &str| step(StepKind::Delete { what: what.into() });
    AppPlan {
        reason: "`destroy: true` in the manifest".into(),
        from: Some(Generation(9)),
        steps: vec![delete("DNS record"), delete("listener"), delete("group"), delete("load balancer")],
        ..app("legacy", Change::Destroy)
    }
}

pub(crate) fn unchanged(name: &str) -> AppPlan {
    AppPlan { from: Some(Generation(1)), to: Some(Generation(1)), ..app(name, Change::Unchanged) }
}

/// One of each.
pub(crate) fn everything() -> Plan {
    plan(vec![
        update(),
        drifted(),
        replace(),
        destroyed(),
        failing(),
        orphaned(),
        create(),
        blocked(),
        unchanged("web"),
        unchanged("worker"),
    ])
}

const ELB: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012";

fn group(app: &str, generation: u32, slot: Slot, instances: [u32; 2]) -> Group {
    let [in_service, desired] = instances;
    let scope = Scope::new(app.parse().unwrap(), "prod".parse().unwrap());
    let name = scope.generation_name(Generation(generation));
    Group {
        arn: format!("arn:{name}"),
        owner: Ownership {
            app: scope.app.clone(),
            environment: scope.environment.clone(),
            generation: Generation(generation),
            template_hash: "1-1ac2a2b0f4d9b5d6".parse().unwrap(),
            image: format!("ami-{generation:04}"),
            release: BTreeMap::from([("version".into(), format!("1.{generation}.0"))]),
            artifacts: BTreeMap::new(),
            origin: None,
            slot: Some(slot),
            listeners: vec![format!("{ELB}:listener/app/{app}-prod/1/2")],
            rule: None,
            dns: None,
            nameless: None,
            applied: None,
            healthy_since: None,
            trial: None,
            lacking_since: None,
            unwanted_since: None,
            shifted_at: None,
            recorded_at: None,
            canary: None,
            watched: None,
            writer: None,
            held_min: None,
            marks: Marks::default(),
            checks: crate::model::probe::Checks::default(),
            failed: None,
        },
        name,
        labels: BTreeMap::new(),
        min: desired,
        max: desired,
        desired,
        created_at: at("11:57:00"),
        launch_template: None,
        mixed: None,
        target_group_arns: vec![format!("{ELB}:targetgroup/{}/1", scope.target_group_name(slot))],
        subnet_ids: Default::default(),
        health_check_elb: true,
        grace_period: 120,
        maintenance: None,
        instance_warmup: None,
        instances: (0..desired)
            .map(|number| Instance {
                id: format!("i-{generation:03}{number}"),
                lifecycle: if number < in_service { "InService" } else { "Pending" }.into(),
                healthy: true,
                zone: "us-west-2a".into(),
                protected: false,
                launch_template: None,
            })
            .collect(),
        deleting: false,
        suspended: Default::default(),
        has_warm_pool: false,
        undeletable: false,
    }
}

/// A snapshot that goes with these plans: `hello-world` in the middle of its launch, `flaky` after a failure.
pub(crate) fn observed() -> Observed {
    let mut old = group("hello-world", 41, Slot::A, [6, 6]);
    old.owner.shifted_at = Some("2026-10-21T12:00:00Z".parse().unwrap());
    let next = group("hello-world", 42, Slot::B, [3, 6]);
    let mut fine = group("flaky", 3, Slot::A, [2, 2]);
    fine.owner.shifted_at = Some(at("07:00:00"));
    let mut tombstone = group("flaky", 4, Slot::B, [0, 0]);
    tombstone.owner.failed =
        Some(Failure { at: at("11:00:00"), reason: "0 of 2 instances became healthy within 20m".into() });
    let target_a = old.target_group_arns[0].clone();
    let target_b = next.target_group_arns[0].clone();
    let sick = Target {
        id: "i-0425".into(),
        health: Health::Unhealthy,
        reason: Some("Target.ResponseCodeMismatch".into()),
        description: Some("Health checks failed with these codes: [502]".into()),
    };
    let listener = Listener {
        arn: format!("{ELB}:listener/app/hello-world-prod/1/2"),
        load_balancer_arn: format!("{ELB}:loadbalancer/app/hello-world-prod/1"),
        port: 80,
        protocol: "HTTP".into(),
        certificate_arn: None,
        ssl_policy: None,
        redirect: None,
        instead: None,
        forward: Forward::new(BTreeMap::from([(target_a, 100), (target_b.clone(), 0)])),
    };
    let groups = [old, next, fine, tombstone, group("web", 1, Slot::A, [1, 2])];
    Observed {
        at: at("12:00:00"),
        clock_ahead: None,
        account: "123456789012".into(),
        region: "us-west-2".into(),
        caller: "arn:aws:iam::123456789012:user/ada".into(),
        groups: Read::Known(groups.into_iter().map(|group| (group.name.clone(), group)).collect()),
        launch_templates: Read::Known(BTreeMap::new()),
        problems: Vec::new(),
        target_groups: Read::Known(BTreeMap::new()),
        load_balancers: Read::Known(BTreeMap::new()),
        listeners: BTreeMap::from([(listener.arn.clone(), Read::Known(Some(listener)))]),
        rules: BTreeMap::new(),
        zone: None,
        images: BTreeMap::new(),
        details: Details { target_health: BTreeMap::from([(target_b, Read::Known(vec![sick]))]), ..Details::default() },
        sources: ImageSources::default(),
        calls: BTreeMap::new(),
    }
}
