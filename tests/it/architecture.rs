//! The rules of the house, read off the source itself.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The first segments of every path that code mentions after `use` or in place: `crate::model`, `tokio` …
fn rooms_named(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let after = |marker: &str| {
        code.match_indices(marker)
            .map(|(at, _)| &code[at + marker.len()..])
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
            .collect::<Vec<_>>()
    };
    let mut rooms: Vec<String> = after("crate::").into_iter().map(|room| format!("crate::{room}")).collect();
    rooms.extend(after("\nuse "));
    rooms
}

#[test]
fn plan_is_pure() {
    for (path, text) in sources("src/plan") {
        if path.ends_with("tests.rs") {
            continue;
        }
        for room in rooms_named(&text) {
            let allowed = ["crate::model", "crate::plan", "std", "super", "crate"].contains(&room.as_str())
                || [format!("{room}.rs"), room.clone()].iter().any(|file| path.with_file_name(file).exists());
            assert!(allowed, "{} reaches out of the planner, to {room}", path.display());
        }
        for word in [
            "tokio",
            "aws_sdk",
            "aws_config",
            "aws_smithy",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "fastrand",
            "std::fs",
            "std::env",
            "std::net",
        ] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn the_model_does_no_input_or_output() {
    for (path, text) in sources("src/model") {
        for word in [
            "tokio",
            "aws_sdk",
            "std::fs",
            "std::env",
            "std::net",
            "Timestamp::now",
            "crate::aws",
            "crate::plan",
            "crate::sim",
        ] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn the_product_does_not_know_that_there_is_a_simulation() {
    for room in ["src/plan", "src/aws", "src/controller", "src/report", "src/manifest", "src/model"] {
        for (path, text) in sources(room) {
            if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
                continue;
            }
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(!product.contains("crate::sim"), "{} knows the simulated AWS", path.display());
        }
    }
}

#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

/// `# What is decided`, without a number or a full stop, and then `**Decided.** …`. No number is given twice.
#[test]
fn every_decision_has_a_number_of_its_own_and_a_title_that_says_what_was_decided() {
    let mut numbers = std::collections::BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let number: u32 = name[..3].parse().unwrap_or_else(|_| panic!("{name} begins with its number"));
        assert!(numbers.insert(number), "{name}: its number is taken");
        let text = fs::read_to_string(&path).unwrap();
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let begins = title.starts_with(|c: char| c.is_uppercase());
        assert!(begins && !title.ends_with('.'), "{name} is called `{title}`");
        assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("**Decided.** ")), "{name}");
    }
}
