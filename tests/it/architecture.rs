//! The rules of the house, read off the source itself.

use std::collections::{BTreeMap, BTreeSet};
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
    let mut numbers = BTreeSet::new();
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

/// The module paths that a file imports or names, from the root of the crate: `["plan", "verify", "watch"]` …
///
/// Tests are left out: they may reach anywhere.
fn imports(module: &[String], text: &str) -> Vec<Vec<String>> {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<&str> = product.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut path = Vec::new();
            let mut rest = &code[at..];
            loop {
                if let Some(inside) = rest.strip_prefix('{') {
                    // One level of braces is enough to tell modules apart.
                    for name in inside.split([',', '{', '}', ';']).map(str::trim) {
                        let first = name.split("::").next().unwrap_or_default();
                        found.push(path.iter().cloned().chain([first.to_owned()]).collect());
                    }
                    break;
                }
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let segment = &rest[..end];
                match segment {
                    "crate" => path.clear(),
                    "super" if path.is_empty() => path = module[..module.len().saturating_sub(1)].to_vec(),
                    "super" => drop(path.pop()),
                    _ => path.push(segment.to_owned()),
                }
                match rest[end..].strip_prefix("::") {
                    Some(tail) => rest = tail,
                    None => break,
                }
            }
            found.push(path);
        }
    }
    found
}

/// Fails if modules at `depth` below `src/` import each other in a circle.
fn assert_no_circle(folder: &str, depth: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut files = Vec::new();
    for (path, text) in sources(folder) {
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.iter().any(|part| part == "tests") {
            continue;
        }
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        // What stands above the modules that are compared is their common roof.
        if module.len() >= depth {
            edges.entry(module[depth - 1].clone()).or_default();
            files.push((module, text));
        }
    }
    for (module, text) in &files {
        for path in imports(module, text) {
            let same_room = path.len() >= depth && path[..depth - 1] == module[..depth - 1];
            if same_room && path[depth - 1] != module[depth - 1] && edges.contains_key(&path[depth - 1]) {
                edges.get_mut(&module[depth - 1]).unwrap().insert(path[depth - 1].clone());
            }
        }
    }
    // What imports nothing that is left is taken away until nothing is, or a circle remains.
    while let Some(done) = edges.iter().find(|(_, needs)| needs.is_empty()).map(|(name, _)| name.clone()) {
        edges.remove(&done);
        edges.values_mut().for_each(|needs| needs.retain(|need| *need != done));
    }
    assert!(edges.is_empty(), "modules of {folder} that import each other in a circle, or lead to one: {edges:#?}");
}

#[test]
fn no_two_rooms_import_each_other() {
    assert_no_circle("src", 1);
}

#[test]
fn the_modules_of_a_room_import_each_other_in_no_circle() {
    for room in ["aws", "manifest", "model", "probe", "report"] {
        assert_no_circle(&format!("src/{room}"), 2);
    }
}

#[test]
fn every_dependency_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let code: Vec<String> = ["src", "tests", "benches"].into_iter().flat_map(sources).map(|(_, text)| text).collect();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let Some((name, _)) = line.split_once(" = ")
            && section.ends_with("dependencies]")
            && !line.starts_with('#')
        {
            let crate_name = name.replace('-', "_");
            let paths = [format!("{crate_name}::"), format!("use {crate_name};")];
            let used = code.iter().any(|text| paths.iter().any(|path| text.contains(path)));
            assert!(used, "nothing uses {name}, of which Cargo.toml says that it is needed");
        }
    }
}
