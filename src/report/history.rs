//! What was released of an app, when and by whom, as recorded in SSM Parameter Store.

use crate::model::record::DeployedRecord;

use super::status::{finish, plain_table};

/// `records`, newest first, as a table.
pub fn table(records: &[DeployedRecord]) -> String {
    let mut table = plain_table();
    table.set_header(vec!["RELEASE", "IMAGE", "VERSION", "COMMIT", "MANIFESTS", "DEPLOYED", "BY"]);
    for record in records {
        let given = |key: &str| record.release.get(key).cloned().unwrap_or_else(|| "–".to_owned());
        let short = |commit: &str| commit.chars().take(7).collect::<String>();
        table.add_row(vec![
            record.generation.to_string(),
            record.image.clone(),
            given("version"),
            short(&given("commit")),
            record.manifests.as_deref().map(short).unwrap_or_else(|| "–".to_owned()),
            record.deployed_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            person(&record.deployed_by).to_owned(),
        ]);
    }
    finish(&table)
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
            release: BTreeMap::from([
                ("version".into(), "1.9.0".into()),
                ("commit".into(), "3f2c1ab9d0e1f2a3b4c5".into()),
            ]),
            manifests: Some("77aa00bb11cc".into()),
            deployed_at: samples::at("12:08:00"),
            deployed_by: "arn:aws:sts::123456789012:assumed-role/deploy/ada".into(),
        };
        let first = DeployedRecord {
            generation: Generation(1),
            release: BTreeMap::new(),
            manifests: None,
            deployed_by: "arn:aws:iam::123456789012:user/grace".into(),
            ..record.clone()
        };
        assert_snapshot!(table(&[record, first]), @r"
        RELEASE  IMAGE     VERSION  COMMIT   MANIFESTS  DEPLOYED                 BY
        v042     ami-0222  1.9.0    3f2c1ab  77aa00b    2026-11-02 12:08:00 UTC  deploy/ada
        v001     ami-0222  –        –        –          2026-11-02 12:08:00 UTC  grace
        ");
    }
}
