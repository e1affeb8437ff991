//! The tables in `docs/manifest.md`, which are made from the code: a test fails when they are stale.

use std::path::Path;

use crate::manifest::diagnostic::Code;
use crate::manifest::schema;

fn fields() -> String {
    let mut table = "| field | holds | default | a change is | |\n|---|---|---|---|---|\n".to_owned();
    for field in schema::fields() {
        let effect = match field.effect {
            Some(effect) => serde_json::to_value(effect).unwrap().as_str().unwrap().to_owned(),
            None => continue,
        };
        let default = field
            .default
            .map_or_else(String::new, |value| format!("`{}`", crate::manifest::read::yaml::inline(&value)));
        let description = field.description.replace(char::is_whitespace, " ");
        table += &format!("| `{}` | {} | {default} | {effect} | {description} |\n", field.path, field.kind);
    }
    table
}

fn codes() -> String {
    let rows: String = Code::ALL.iter().map(|code| format!("| `{code}` | {} |\n", code.meaning())).collect();
    format!("| code | meaning |\n|---|---|\n{rows}")
}

#[test]
fn the_tables_in_the_documentation_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md");
    let stored = std::fs::read_to_string(&path).unwrap();
    let mut current = stored.clone();
    for (name, table) in [("fields", fields()), ("codes", codes())] {
        let (begin, end) = (format!("<!-- {name}: made by a test -->\n"), format!("<!-- end of {name} -->"));
        let start = current.find(&begin).unwrap() + begin.len();
        let length = current[start..].find(&end).unwrap();
        current.replace_range(start..start + length, &table);
    }
    if std::env::var_os("AMIABLE_UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(current == stored || std::env::var_os("AMIABLE_UPDATE").is_some(), "run the tests with AMIABLE_UPDATE=1");
}
