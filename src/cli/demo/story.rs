//! The story: a service is deployed, replaced, broken, repaired and rolled back, with the real commands.

use std::time::Duration;

use super::stage::Stage;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::sim::dataplane::load::LoadReport;

/// The images of the story.
const IMAGES: [(&str, &str, &str); 4] = [
    ("ami-0000000000000de01", "hello 1.0.0", ""),
    ("ami-0000000000000de02", "hello 1.1.0", ""),
    ("ami-0000000000000de03", "hello 1.2.0", "never-healthy"),
    ("ami-0000000000000de04", "hello 1.3.0", ""),
];

/// Tells the story, and counts what the client lost by it.
///
/// # Errors
/// When a command ended otherwise than the story needs.
pub(super) async fn tell(stage: &Stage) -> Result<LoadReport, Failure> {
    for (id, name, behaviour) in IMAGES {
        stage.register(id, name, behaviour);
    }
    let [one, two, bad, three] = IMAGES.map(|(id, _, _)| id);
    stage.say("1. A new app: one short manifest.");
    let new = format!(
        "init hello --env demo --ami {one} --instance-type m7i.large --health-check-url /health_check --min-instances 3 --max-instances 6"
    );
    stage.run(&new, Exit::Fine).await?;
    stage.show("hello.yaml")?;

    stage.say("2. Deployed: load balancer, launch template, Auto Scaling group; verified before it takes traffic.");
    stage.run("apply --yes", Exit::Fine).await?;
    let load = stage.load().await?;
    stage.say("   From here on a client sends requests through the load balancer, all the time.");

    stage.say("3. Another image. What a pull request would show:");
    stage.run(&format!("image set hello {two} --yes"), Exit::Fine).await?;
    stage.run("plan", Exit::Fine).await?;
    stage.say("   Red-black: the new generation beside the old one, checked, all traffic in one call, watched.");
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("4. An image that never gets healthy. It takes no traffic, and the old generation goes on serving.");
    stage.run(&format!("image set hello {bad} --yes"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::ReleaseFailed).await?;
    stage.run("status hello", Exit::Fine).await?;
    stage.say("   The commit is reverted, and nothing needs to be deployed.");
    stage.run(&format!("image set hello {two} --yes"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("5. An instance is lost; its group replaces it.");
    lose_an_instance(stage).await?;

    stage.say("6. Somebody changes the group by hand. Drift is shown, and put right.");
    stage.by_hand(
        "aws autoscaling update-auto-scaling-group --auto-scaling-group-name hello-demo-v002 --max-size 20",
        "UpdateAutoScalingGroup",
        &[("AutoScalingGroupName", "hello-demo-v002"), ("MaxSize", "20")],
    )?;
    stage.run("plan", Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("7. One more release, and second thoughts: back to the warm generation, without a launch.");
    stage.run(&format!("image set hello {three} --yes"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;
    stage.run("rollback hello --yes --reason second-thoughts", Exit::Fine).await?;
    stage.run("plan", Exit::Fine).await?;

    stage.say("8. What was released, and what runs.");
    stage.run("history hello", Exit::Fine).await?;
    stage.run("status", Exit::Fine).await?;
    Ok(load.stop().await)
}

/// Terminates an instance of what serves, and waits until its group is whole again.
async fn lose_an_instance(stage: &Stage) -> Result<(), Failure> {
    const GROUP: &str = "hello-demo-v002";
    let members = || -> Vec<String> {
        stage.simulation.with(|world| {
            let group = world.scaling.groups.get(GROUP);
            group.map(|group| group.members.keys().cloned().collect()).unwrap_or_default()
        })
    };
    let serving = || stage.simulation.with(|world| world.serving().get(GROUP).copied().unwrap_or(0));
    let before = members();
    let Some(lost) = before.first() else { return Err(Failure::new(format!("{GROUP} has no instances"))) };
    stage.by_hand(
            &format!("aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {lost} --no-should-decrement-desired-capacity"),
            "TerminateInstanceInAutoScalingGroup",
            &[("InstanceId", lost), ("ShouldDecrementDesiredCapacity", "false")],
        )?;
    let clock = stage.simulation.clock();
    let begun = clock.now();
    for _ in 0..120 {
        clock.sleep(Duration::from_secs(5)).await;
        let now = members();
        let fresh = now.iter().find(|id| !before.contains(id));
        if let Some(fresh) = fresh.filter(|_| !now.contains(lost) && serving() as usize == before.len()) {
            let seconds = clock.now().as_second() - begun.as_second();
            stage.say(&format!("   {lost} is gone, and {fresh} serves in its place, {seconds} s later."));
            return Ok(());
        }
    }
    Err(Failure::new(format!("{lost} was not replaced")))
}
