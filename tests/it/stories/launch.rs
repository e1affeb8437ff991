//! What instances are born with: types, volumes, containers, and what runs when they come and go.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Effect;
use amiable::sim::world::World;
use amiable::sim::world::example::HELLO_1_0;
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
