//! The `manifest.json` that Packer's post-processor writes: which image its last run has made for a region.
//! <https://developer.hashicorp.com/packer/docs/post-processors/manifest>

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::manifest::diagnostic::quoted;
use crate::model::names::is_image_id;

#[derive(Deserialize)]
struct PackerManifest {
    #[serde(default)]
    builds: Vec<Build>,
    #[serde(default)]
    last_run_uuid: Option<String>,
}

#[derive(Deserialize)]
struct Build {
    #[serde(default)]
    name: String,
    /// `us-west-2:ami-…,eu-west-1:ami-…`; of a builder for something else than AWS anything.
    #[serde(default)]
    artifact_id: Option<String>,
    #[serde(default)]
    packer_run_uuid: Option<String>,
}

impl Build {
    fn image(&self, region: &str) -> Option<&str> {
        let artifacts = self.artifact_id.as_deref()?.split(',');
        artifacts.filter_map(|one| one.trim().split_once(':')).find(|(of, _)| *of == region).map(|(_, id)| id)
    }

    fn regions(&self) -> impl Iterator<Item = &str> {
        let artifacts = self.artifact_id.as_deref().unwrap_or_default().split(',');
        artifacts.filter_map(|one| one.trim().split_once(':')).filter(|(_, id)| id.starts_with("ami-")).map(|of| of.0)
    }
}

/// The image of the last run for a region.
///
/// # Errors
/// Why there is none, or none in particular, in words that go after the file's name.
pub fn image(text: &str, region: &str) -> Result<String, String> {
    let manifest: PackerManifest =
        serde_json::from_str(text).map_err(|error| format!("is not a manifest of Packer: {error}"))?;
    // Packer adds to the file with every run.
    let last = manifest.last_run_uuid.as_deref().filter(|run| !run.is_empty());
    let last = last.or_else(|| manifest.builds.last()?.packer_run_uuid.as_deref());
    let builds: Vec<&Build> =
        manifest.builds.iter().filter(|build| last.is_none() || build.packer_run_uuid.as_deref() == last).collect();
    // Without the name of a run, only the last build is known to be of the last one.
    let builds = if last.is_none() { &builds[builds.len().saturating_sub(1)..] } else { &builds[..] };
    if builds.is_empty() {
        return Err("names no build of its last run".to_owned());
    }
    let found: Vec<(&str, &str)> =
        builds.iter().filter_map(|build| Some((build.name.as_str(), build.image(region)?))).collect();
    let ids: BTreeSet<&str> = found.iter().map(|(_, id)| *id).collect();
    match ids.into_iter().collect::<Vec<_>>()[..] {
        [id] if is_image_id(id) => Ok(id.to_owned()),
        [id] => Err(format!("names {} for {region}, which is not the id of an image", quoted(id))),
        [] => {
            let regions: BTreeSet<&str> = builds.iter().flat_map(|build| build.regions()).collect();
            let regions = if regions.is_empty() {
                "none at all".to_owned()
            } else {
                format!("only for {}", regions.into_iter().take(10).map(quoted).collect::<Vec<_>>().join(", "))
            };
            Err(format!("names no image for {region} in its last run, {regions}"))
        }
        _ => {
            let all: Vec<String> =
                found.iter().take(10).map(|(name, id)| format!("{} ({})", quoted(id), quoted(name))).collect();
            Err(format!("names several images for {region} in its last run: {}", all.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OLD: &str = "ami-0000000000000000a";
    const NEW: &str = "ami-0000000000000000b";

    fn build(run: &str, artifact: &str) -> Value {
        json!({"name": "hello", "builder_type": "amazon-ebs", "build_time": 1, "files": null,
               "artifact_id": artifact, "packer_run_uuid": run, "custom_data": null})
    }

    fn of(builds: Value, last: Value) -> Result<String, String> {
        image(&json!({"builds": builds, "last_run_uuid": last}).to_string(), "us-west-2")
    }

    #[test]
    fn the_image_of_the_last_run_for_the_region_is_taken() {
        let both = format!("eu-west-1:{OLD},us-west-2:{NEW}");
        let old = build("1", &format!("us-west-2:{OLD}"));
        assert_eq!(of(json!([old, build("2", &both)]), json!("2")), Ok(NEW.into()));
        // The order in the file says nothing where the run is named.
        assert_eq!(of(json!([build("2", &both), old]), json!("2")), Ok(NEW.into()));
        assert_eq!(of(json!([old, build("2", &both)]), Value::Null), Ok(NEW.into()));
        // What is built for others beside it does not matter.
        assert_eq!(of(json!([build("2", "sha256:1234"), build("2", &both)]), json!("2")), Ok(NEW.into()));
    }

    #[test]
    fn what_names_no_image_or_several_is_refused_with_words() {
        for (builds, last, words) in [
            (json!([]), json!("1"), "no build of its last run"),
            (json!([build("1", &format!("us-west-2:{OLD}"))]), json!("2"), "no build of its last run"),
            (json!([build("1", &format!("eu-west-1:{OLD}"))]), json!("1"), "only for `eu-west-1`"),
            (json!([build("1", "sha256:1234")]), json!("1"), "none at all"),
            (json!([build("1", "us-west-2:latest")]), json!("1"), "not the id of an image"),
            (
                json!([build("1", &format!("us-west-2:{OLD}")), build("1", &format!("us-west-2:{NEW}"))]),
                json!("1"),
                "several images",
            ),
        ] {
            let why = of(builds, last).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        for text in ["", "7", "{\"builds\": 1}", "{"] {
            assert!(image(text, "us-west-2").unwrap_err().contains("not a manifest of Packer"), "{text}");
        }
    }
}
