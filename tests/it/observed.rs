//! Everything that is read of what AWS shows is compared with what it should be, or says why not: `observed.md` lists the
//! fields of the model, and where the planner looks at each.

use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("observed.md");

/// The structures that show something of AWS, and the files that hold them.
const SHOWN: [(&str, &[&str]); 7] = [
    ("observed/groups", &["Group", "Instance", "LaunchTemplate"]),
    ("observed/balancing", &["TargetGroup", "LoadBalancer", "Listener", "Redirect", "Rule", "Forward"]),
    ("target_check", &["TargetCheck"]),
    ("conditions", &["Conditions"]),
    ("observed/dns", &["Zone", "DnsRecord", "AliasTarget"]),
    ("observed/images", &["Parameter", "Image"]),
    ("observed/details", &["Target", "Activity", "Alarm"]),
];

fn source(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `Group.min` and so on, as they stand in the source.
fn fields() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, structures) in SHOWN {
        let text = source(&format!("src/model/{file}.rs"));
        for structure in structures {
            let (_, body) = text.split_once(&format!("pub struct {structure} {{\n")).expect(structure);
            let (body, _) = body.split_once("\n}").unwrap();
            let names = body.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
            found.extend(names.map(|(name, _)| format!("{structure}.{name}")));
        }
    }
    found
}

/// The rows of the table: field, what becomes of it, and the file in which that happens, where there is one.
fn rows() -> BTreeMap<String, (String, Option<String>)> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [field, what, file] = cells.as_slice() else { panic!("three cells: {line}") };
        let file = file.trim_matches('`');
        (field.trim_matches('`').to_owned(), ((*what).to_owned(), (!file.is_empty()).then(|| file.to_owned())))
    });
    rows.collect()
}

#[test]
fn every_field_that_is_read_is_compared_or_says_why_not() {
    let (fields, rows) = (fields(), rows());
    let missing: Vec<&String> = fields.iter().filter(|field| !rows.contains_key(*field)).collect();
    assert!(missing.is_empty(), "what becomes of these? Give each a row in tests/it/observed.md: {missing:#?}");
    let gone: Vec<&String> = rows.keys().filter(|field| !fields.contains(*field)).collect();
    assert!(gone.is_empty(), "no such fields: {gone:#?}");
    for (field, (what, file)) in &rows {
        assert!(!what.is_empty(), "{field}: say what becomes of it");
        let Some(file) = file else { continue };
        let (_, name) = field.split_once('.').unwrap();
        let text = source(file);
        let is_used = text.contains(&format!(".{name}"))
            || text.contains(&format!("{name},"))
            || text.contains(&format!("{name} }}"));
        assert!(is_used, "{file} does not look at {field}");
    }
}
