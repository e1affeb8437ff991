//! What `docs/releases.md` quotes from the stories is what the stories say.

use std::fs;
use std::path::Path;

#[test]
fn every_diary_on_the_page_about_releases_is_that_of_its_story() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/releases.md")).unwrap();
    let mut quoted = 0;
    for part in page.split("<!-- tests/").skip(1) {
        let (source, rest) = part.split_once(" -->\n```text\n").expect("a story and its diary");
        let (file, name) = source.split_once(": ").unwrap();
        let (diary, _) = rest.split_once("\n```").unwrap();
        let text = fs::read_to_string(root.join("tests").join(file)).unwrap();
        let story = text.split(&format!("async fn {name}(")).nth(1);
        let story = story.unwrap_or_else(|| panic!("tests/{file} has no {name}")).split("\n}\n").next().unwrap();
        // In the order of the story; `…` stands for lines that are left out.
        let mut told =
            story.lines().map(|line| line.trim_start().trim_start_matches("assert_snapshot!(lab.diary(), @\""));
        for line in diary.lines().filter(|line| *line != "…" && !line.is_empty()) {
            let line = line.trim_start();
            let is_this = |told: &str| told == line || told.trim_end_matches("\");") == line;
            assert!(told.any(is_this), "docs/releases.md quotes {name} with `{line}`, which it does not say there");
        }
        quoted += 1;
    }
    assert!(quoted > 20, "{quoted}");
}
