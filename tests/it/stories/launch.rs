//! What instances are born with: types, volumes, containers, and what runs when they come and go.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Effect;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use base64::Engine;
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

fn members(lab: &Lab, group: &str) -> Vec<String> {
    lab.simulation.with(|world: &mut World| {
        let members = world.scaling.groups.get(group).into_iter().flat_map(|group| group.members.values());
        let mut kinds: Vec<_> = members
            .map(|member| format!("{} {}", member.instance_type, if member.spot { "spot" } else { "on-demand" }))
            .collect();
        kinds.sort();
        kinds
    })
}

/// What a plan would change, and how.
async fn fields(lab: &Lab) -> Vec<(String, Effect)> {
    let plan = lab.plan("hello").await;
    plan.fields.into_iter().chain(plan.drift).map(|field| (field.path, field.effect)).collect()
}

#[tokio::test(start_paused = true)]
async fn several_types_and_spot_take_over_as_a_generation_and_fall_back_on_what_aws_has() {
    let mut lab = deployed("").await;
    lab.diary();
    let spot = "  spot: {onDemandBase: 1, maxPrice: \"0.07\"}\n";
    let several = app("hello", HELLO_1_0, spot)
        .replace("instanceType: m7i.large", "instanceTypes: [m7i.large, m6i.large]")
        .replace("min: 2", "min: 4");
    lab.write("hello", several);
    lab.simulation.with(|world| {
        world.scaling.capacity.exhausted_types.insert("m7i.large".to_owned());
    });
    assert_eq!(
        fields(&lab).await[..2],
        [("instanceType".to_owned(), Effect::Replace), ("instanceTypes".to_owned(), Effect::Replace)]
    );
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 4)]);
    assert_eq!(
        members(&lab, "hello-prod-v002"),
        ["m6i.large on-demand", "m6i.large spot", "m6i.large spot", "m6i.large spot"]
    );
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn volumes_and_the_metadata_service_are_part_of_what_a_generation_is() {
    let mut lab = deployed("").await;
    let extra = "  launch:
    blockDevices: [{root: true, size: 40}, {device: /dev/sdb, size: 100, iops: 4000, encrypted: false}]
    metadataOptions: {hopLimit: 1, instanceMetadataTags: true}
    iamInstanceProfile: arn:aws:iam::123456789012:instance-profile/web
";
    lab.write("hello", app("hello", HELLO_1_0, extra));
    let plan = lab.plan("hello").await;
    let changes: Vec<_> =
        plan.fields.iter().map(|field| format!("{}: {}", field.path, field.after.as_deref().unwrap_or("-"))).collect();
    assert_snapshot!(changes.join("\n"), @"
    launch.iamInstanceProfile: arn:aws:iam::123456789012:instance-profile/web
    launch.blockDevices: /dev/sdb 100 GiB gp3, 4000 IOPS, not encrypted; /dev/xvda 40 GiB gp3, encrypted
    launch.metadataOptions: tokens required, hop limit 1, tags
    ");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let (devices, tags) = lab.simulation.with(|world| {
        let id = world.scaling.groups.get("hello-prod-v002").unwrap().members.keys().next().unwrap().clone();
        let instance = world.compute.instances.get(&id).unwrap();
        (instance.block_devices.clone(), instance.volume_tags.clone())
    });
    assert_eq!(devices.iter().map(|device| device.encrypted).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert_eq!(tags.get("amiable:app").map(String::as_str), Some("hello"));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_holds_the_first_instances_until_it_is_answered() {
    let hook = "  launch: {lifecycleHooks: [{name: warm-up, transition: launching, timeout: 2m}]}\n";
    let mut lab = Lab::new().await;
    lab.write("hello", app("hello", HELLO_1_0, hook));
    let answers = async {
        lab.pass(120).await;
        let held = lab.instances("hello-prod-v001");
        assert_eq!(held.len(), 2);
        for id in &held {
            let answer = [
                ("AutoScalingGroupName", "hello-prod-v001"),
                ("LifecycleHookName", "amiable-warm-up"),
                ("InstanceId", id),
                ("LifecycleActionResult", "CONTINUE"),
            ];
            lab.by_hand("autoscaling", "CompleteLifecycleAction", &answer);
        }
    };
    let (outcome, ()) = futures::join!(lab.apply(false), answers);
    assert_eq!(outcome, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_abandons_an_instance_fails_the_release_in_the_words_of_aws() {
    let mut lab = deployed("").await;
    lab.diary();
    let hook = "  launch: {lifecycleHooks: [{name: warm-up, transition: launching, timeout: 30s}]}\n";
    lab.write("hello", app("hello", HELLO_1_1, hook));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    let diary = lab.diary();
    assert!(
        diary.contains("v002 failed: launch failed: Instance failed to complete user's Lifecycle Action"),
        "{diary}"
    );
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn hooks_change_in_place_and_those_of_others_are_left_alone() {
    let hooks = |hooks: &str| format!("  launch: {{lifecycleHooks: [{hooks}]}}\n");
    let mut lab = deployed(&hooks("{name: drain, transition: terminating, timeout: 1m, default: continue}")).await;
    lab.diary();
    let theirs = [
        ("AutoScalingGroupName", "hello-prod-v001"),
        ("LifecycleHookName", "inventory"),
        ("LifecycleTransition", "autoscaling:EC2_INSTANCE_TERMINATING"),
    ];
    lab.by_hand("autoscaling", "PutLifecycleHook", &theirs);
    let changed = "{name: drain, transition: terminating, timeout: 2m}, {name: log, transition: terminating}";
    lab.write("hello", app("hello", HELLO_1_0, &hooks(changed)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 PutLifecycleHook hello-prod-v001: its hooks differ from the manifest
    07:07 PutLifecycleHook hello-prod-v001: its hooks differ from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    07:08 DeleteLifecycleHook hello-prod-v001: its hooks differ from the manifest
    07:08 DeleteLifecycleHook hello-prod-v001: its hooks differ from the manifest
    07:08 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    let left = lab
        .simulation
        .with(|world| world.scaling.groups.get("hello-prod-v001").unwrap().hooks.keys().cloned().collect::<Vec<_>>());
    assert_eq!(left, ["inventory"]);
    lab.deep = true;
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_role_of_a_hook_goes_with_the_hook_and_the_hook_comes_back_without_it() {
    let told = |role: &str| {
        let target = "arn:aws:sns:us-west-2:123456789012:drain";
        let hook = format!("{{name: drain, transition: terminating, notificationTargetArn: \"{target}\"{role}}}");
        format!("  launch: {{lifecycleHooks: [{hook}]}}\n")
    };
    let mut lab = deployed(&told(", roleArn: \"arn:aws:iam::123456789012:role/hooks\"")).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, &told("")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 DeleteLifecycleHook hello-prod-v001: the role of a hook can only be removed together with the hook
    07:07 PutLifecycleHook hello-prod-v001: its hooks differ from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    let roles = lab.simulation.with(|world| {
        let hooks = world.scaling.groups.get("hello-prod-v001").unwrap().hooks.values();
        hooks.map(|hook| hook.role_arn.clone()).collect::<Vec<_>>()
    });
    assert_eq!(roles, [None]);
    lab.deep = true;
    settles(&lab).await;
}

/// The user data of a generation, as EC2 has it.
fn user_data(lab: &Lab, generation: &str) -> String {
    let data = lab.simulation.with(|world| world.templates.by_name(generation).unwrap().versions[0].user_data.clone());
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data.unwrap()).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn another_digest_or_environment_of_a_container_is_a_new_generation() {
    let digest = |number: u32| format!("ghcr.io/acme/hello@sha256:{number:064x}");
    let container = |number: u32, token: &str| {
        format!("  container: {{image: \"{}\", port: 3000, env: {{TOKEN: {token}}}}}\n", digest(number))
    };
    let mut lab = deployed(&container(1, "canary-one")).await;
    assert!(user_data(&lab, "hello-prod-v001").contains("TOKEN=canary-one\n"));
    settles(&lab).await;
    for (number, token, path) in [(2, "canary-one", "container.image"), (2, "canary-two", "container.env")] {
        lab.write("hello", app("hello", HELLO_1_0, &container(number, token)));
        let plan = lab.plan("hello").await;
        let paths: Vec<_> = plan.fields.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, [path]);
        assert!(!format!("{plan:?}").contains("canary"), "{plan:?}");
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        settles(&lab).await;
    }
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    assert!(!lab.diary().contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn another_text_in_the_file_of_user_data_is_a_new_generation() {
    let mut lab = Lab::new().await;
    lab.attach("boot.sh", "#!/bin/sh\nexport TOKEN=canary-one\n");
    lab.write("hello", app("hello", HELLO_1_0, "  launch: {userDataFile: boot.sh}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(user_data(&lab, "hello-prod-v001"), "#!/bin/sh\nexport TOKEN=canary-one\n");
    settles(&lab).await;
    lab.attach("boot.sh", "#!/bin/sh\nexport TOKEN=canary-two\n");
    let plan = lab.plan("hello").await;
    assert_eq!(plan.fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>(), ["launch.userDataFile"]);
    assert!(!format!("{plan:?}").contains("canary"), "{plan:?}");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_of_amiable_rolls_nothing() {
    // As a release before there was any choice left it: no tag of a volume's or interface's, no other setting.
    let lab = deployed("").await;
    let hash = lab.simulation.with(|world| {
        let template = world.templates.all.values_mut().next().unwrap();
        template.versions[0].tag_specifications.clear();
        template.tags.get("amiable:template-hash").cloned()
    });
    assert_eq!(hash.as_deref(), Some("1-485e78b453272fda"));
    settles(&lab).await;
}
