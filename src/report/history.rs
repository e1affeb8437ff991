//! What was released of an app, when and by whom, as recorded in SSM Parameter Store.

use std::fmt::Write as _;

use crate::model::record::DeployedRecord;
use crate::model::release;

use super::table::{finish, plain_table};
use super::words;

/// `records`, newest first, as a table; in a wide one commits, dates and people are not shortened.
pub fn table(records: &[DeployedRecord], wide: bool) -> String {
    let mut table = plain_table();
    table.set_header(vec!["RELEASE", "IMAGE", "FROM", "VERSION", "COMMIT", "BUILT", "MANIFESTS", "DEPLOYED", "BY"]);
    let whole = |record: &DeployedRecord, keys: &[&str]| {
        let said: Vec<&str> = keys.iter().filter_map(|key| record.release.get(*key)).map(String::as_str).collect();
        Some(said.join("@")).filter(|text| !text.is_empty())
    };
    let or_dash = |text: Option<String>| text.map_or_else(|| "–".to_owned(), |text| words::plain(&text));
    for record in records {
        table.add_row(vec![
            record.generation.to_string(),
            record.image.clone(),
            or_dash(record.image_source.as_ref().map(ToString::to_string)),
            or_dash(release::version(&record.release, record.image_name.as_deref()).map(str::to_owned)),
            or_dash(if wide { whole(record, &["branch", "commit"]) } else { release::commit(&record.release) }),
            or_dash(if wide { whole(record, &["buildDate"]) } else { release::built(&record.release) }),
            or_dash(
                record.manifests.as_deref().map(|commit| if wide { commit.to_owned() } else { release::short(commit) }),
            ),
            record.deployed_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            if wide { record.deployed_by.clone() } else { person(&record.deployed_by).to_owned() },
        ]);
    }
    let mut text = finish(&table);
    let mut title = "\nArtifacts:\n";
    for record in records {
        for (name, uri) in &record.artifacts {
            let _ =
                writeln!(text, "{}{}  {name}  {}", std::mem::take(&mut title), record.generation, words::plain(uri));
        }
    }
    text
}

/// What tells people apart in the ARN of a caller: the user, or the role with its session.
pub fn person(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).map_or(arn, |resource| resource.split_once('/').map_or(resource, |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use insta::assert_snapshot;

    use super::*;
    use crate::model::names::Generation;
    use crate::report::samples;

    #[test]
    fn releases_newest_first() {
        let record = DeployedRecord {
            app: "hello-world".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            generation: Generation(42),
            image: "ami-0222".into(),
            image_name: None,
            template_hash: "1-1ac2a2b0f4d9b5d6".parse().unwrap(),
            image_source: Some("search hello-*".parse().unwrap()),
            artifacts: BTreeMap::from([("assets".into(), "s3://bucket/assets-1.9.0.tgz".into())]),
            release: BTreeMap::from([
                ("version".into(), "1.9.0".into()),
                ("branch".into(), "main".into()),
                ("buildDate".into(), "2026-11-02T09:30:00Z".into()),
                ("commit".into(), "3f2c1ab9d0e1f2a3b4c5".into()),
            ]),
            manifests: Some("77aa00bb11cc".into()),
            deployed_at: samples::at("12:08:00"),
            deployed_by: "arn:aws:sts::123456789012:assumed-role/deploy/ada".into(),
            turned_down: None,
        };
        let first = DeployedRecord {
            generation: Generation(1),
            release: BTreeMap::new(),
            image_source: None,
            artifacts: BTreeMap::new(),
            manifests: None,
            deployed_by: "arn:aws:iam::123456789012:user/grace".into(),
            turned_down: None,
            ..record.clone()
        };
        assert_snapshot!(table(&[record, first], false), @"
        RELEASE  IMAGE     FROM            VERSION  COMMIT        BUILT       MANIFESTS  DEPLOYED                 BY
        v042     ami-0222  search hello-*  1.9.0    main@3f2c1ab  2026-11-02  77aa00b    2026-11-02 12:08:00 UTC  deploy/ada
        v001     ami-0222  –               –        –             –           –          2026-11-02 12:08:00 UTC  grace

        Artifacts:
        v042  assets  s3://bucket/assets-1.9.0.tgz
        ");
    }
}
