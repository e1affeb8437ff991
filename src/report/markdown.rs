//! A plan for a pull request: a table first, the changes folded, never more than GitHub takes.

use std::fmt::Write as _;

use crate::model::plan::{AppPlan, Change, FieldChange, Plan};

use super::paint::Paint;
use super::words;

/// The longest comment that GitHub takes, in characters; counted in bytes here, which are never fewer.
pub const LIMIT: usize = 65_536;

/// Room for what comes after the table and the folded parts.
const RESERVE: usize = 1024;

/// Renders `plans` as one comment. A hidden marker in front lets a script find the comment and update it.
pub fn plans(plans: &[&Plan]) -> String {
    let mut out = String::from("<!-- amiable:plan -->\n");
    let share = (LIMIT - out.len()) / plans.len().max(1);
    for plan in plans {
        out.push_str(&one(plan, share));
    }
    out
}

/// One environment within `limit` bytes.
fn one(plan: &Plan, limit: usize) -> String {
    let summary = plan.summary();
    let mut out = format!("## Plan for {}\n\n", escape(plan.environment.as_str()));
    let shown: Vec<&AppPlan> = plan
        .apps
        .iter()
        .filter(|app| app.change != Change::Unchanged || !app.is_settled() || words::trouble(app).is_some())
        .collect();
    if words::is_quiet(&summary) {
        let verb = if summary.unchanged == 1 { "matches" } else { "match" };
        let _ = writeln!(out, "**No changes.** {} {verb} {}.\n", words::apps(summary.unchanged), plan.environment);
    } else {
        let _ = writeln!(out, "**{}.**\n", words::summary(&summary));
    }
    let mut left_out = 0;
    if !shown.is_empty() {
        out.push_str("| | App | Change | Release | |\n|---|---|---|---|---|\n");
        for app in &shown {
            let row = row(app);
            if left_out > 0 || out.len() + row.len() + RESERVE > limit / 2 {
                left_out += 1;
            } else {
                out.push_str(&row);
            }
        }
        out.push('\n');
    }
    let mut folded_out = 0;
    for app in &shown {
        let Some(section) = details(app, plan) else { continue };
        if out.len() + section.len() + RESERVE > limit {
            folded_out += 1;
        } else {
            out.push_str(&section);
        }
    }
    footer(&mut out, plan, left_out, folded_out);
    out
}

fn row(app: &AppPlan) -> String {
    let mark = words::marker(app.change);
    let mark = if mark.is_empty() { String::new() } else { format!("`{mark}`") };
    let detail = match app.change {
        Change::Blocked | Change::Error | Change::Orphaned | Change::Destroy => cut(&app.reason, 300),
        _ => match words::current(&app.steps).filter(|_| words::is_rolling_out(app)) {
            Some(step) => format!("in progress: {}", words::step(step)),
            None => {
                let paths: Vec<&str> = app.fields.iter().chain(&app.drift).map(|field| field.path.as_str()).collect();
                cut(&paths.join(", "), 300)
            }
        },
    };
    let change = match (app.change, words::trouble(app)) {
        (Change::Unchanged, Some(trouble)) => escape(&cut(&trouble, 300)),
        (Change::Unchanged, None) => "clean-up".to_owned(),
        (_, Some(_)) if app.is_sick() => format!("{}, sick", words::kind(app)),
        _ => words::kind(app).to_owned(),
    };
    let release = words::generations(app.from, app.to);
    format!("| {mark} | {} | {change} | {release} | {} |\n", escape(app.app.as_str()), escape(&detail))
}

/// What an app's plan holds beyond its row, folded; nothing when there is nothing.
fn details(app: &AppPlan, plan: &Plan) -> Option<String> {
    let mut text = String::new();
    let field = |text: &mut String, field: &FieldChange, remark: &str| {
        if let Some(before) = &field.before {
            let _ = writeln!(text, "- {}: {}{remark}", field.path, words::plain(before));
        }
        if let Some(after) = &field.after {
            let _ = writeln!(text, "+ {}: {}", field.path, words::plain(after));
        }
    };
    for change in &app.fields {
        field(&mut text, change, "");
    }
    for change in &app.drift {
        field(&mut text, change, "   (drift: in AWS, not from this change)");
    }
    if !app.steps.is_empty() {
        let _ = writeln!(text, "  {}", words::path(&app.steps, Paint::default()).join(" → "));
    }
    if let Some(impact) = words::impact(app).filter(|_| matches!(app.change, Change::Create | Change::Replace)) {
        let _ = writeln!(text, "  {impact}");
    }
    if let Some(trouble) = words::trouble(app) {
        let _ = writeln!(text, "! {trouble}");
    }
    for wait in &app.waits {
        let _ = writeln!(text, "  {}", words::wait_line(wait, plan.at));
    }
    for note in &app.notes {
        let _ = writeln!(text, "! {}", words::plain(note));
    }
    if text.is_empty() {
        return None;
    }
    // A script finds the comment by a marker: nothing in it may look like another one.
    let text = text.replace("<!--", "<! --");
    let fence = fence(&text);
    let name = escape(app.app.as_str());
    Some(format!("<details><summary>{name}</summary>\n\n{fence}diff\n{text}{fence}\n\n</details>\n\n"))
}

fn footer(out: &mut String, plan: &Plan, rows: usize, sections: usize) {
    if rows > 0 || sections > 0 {
        let _ = writeln!(
            out,
            "This comment would be too long for GitHub: {rows} rows and the details of {} are left out. \
             `amiable plan --env {}` shows everything.\n",
            words::apps(sections),
            plan.environment
        );
    }
    let _ = write!(out, "{}/{}", escape(&plan.account), escape(&plan.region));
    if let Some(commit) = &plan.source.commit {
        let short: String = commit.chars().take(7).collect();
        let _ = write!(out, " · manifests at {}", escape(&short));
    }
    out.push_str("\n\n");
}

/// A fence that no run of backticks inside can close.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest.max(2) + 1)
}

/// `text` as nothing but text in a table cell: no markup, no HTML, no mention of anybody.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::plan::Effect;
    use crate::report::samples;

    #[test]
    fn a_table_first_and_the_changes_folded() {
        assert_snapshot!(plans(&[&samples::everything()]), @r#"
        <!-- amiable:plan -->
        ## Plan for prod

        **1 to add, 1 to change, 1 to replace, 1 to destroy; 1 drifted, 1 blocked, 1 cannot be planned, 1 orphaned.**

        | | App | Change | Release | |
        |---|---|---|---|---|
        | `~` | billing | in place | v007 | instances.max |
        | `~` | cart | drifted | v003 | instances.max, dns.name |
        | `+/-` | hello-world | red-black | v041 → v042 | image, instances.max, strategy.redBlack.bakeTime |
        | `-` | legacy | destroy | v009 | \`destroy: true\` in the manifest |
        | `!` | mailer | error |  | image ami-0999 does not exist in us-west-2 |
        | `?` | old-search | orphaned |  | no manifest here declares it; its groups are left alone: old-search-prod-v012 |
        | `+` | orders | new app | v001 | image, instanceType |
        | `!` | search | blocked | v005 → v006 | suspended until Mon 08:00 UTC (incident 42) |

        <details><summary>billing</summary>

        ```diff
        - instances.max: 8
        + instances.max: 12
        ```

        </details>

        <details><summary>cart</summary>

        ```diff
        - instances.max: 9   (drift: in AWS, not from this change)
        + instances.max: 6
        + dns.name: cart.x
        ```

        </details>

        <details><summary>hello-world</summary>

        ```diff
        - image: ami-0111 (1.8.2, 9f31c2)
        + image: ami-0222 (1.9.0, 3f2c1ab)
        - instances.max: 8
        + instances.max: 12
        - strategy.redBlack.bakeTime: 10m
        + strategy.redBlack.bakeTime: 5m
          launch 6 → healthy 6/6 → shift 100% → bake 5m → keep v041 1h → retire v041
          peak 12 instances; about 9 minutes until v042 is deployed; v041 is removed by an `apply` about 62 minutes later; 6.9 instance-hours on top; v041 serves until the shift
        ```

        </details>

        <details><summary>legacy</summary>

        ```diff
          delete DNS record → delete listener → delete group → delete load balancer
        ```

        </details>

        <details><summary>orders</summary>

        ```diff
        + image: ami-0aaa
        + instanceType: c7g.large
          prepare → launch 2 → healthy 2/2 → shift 100% → dns orders.internal.example.com → bake 5m
          peak 2 instances; about 7 minutes until v001 is deployed
        ```

        </details>

        <details><summary>search</summary>

        ```diff
        - image: ami-0333
        + image: ami-0444
        ```

        </details>

        123456789012/us-west-2 · manifests at 3f2c1ab
        "#);
    }

    #[test]
    fn nothing_to_do_is_short() {
        assert_snapshot!(plans(&[&samples::plan(vec![samples::unchanged("web")])]), @r"
        <!-- amiable:plan -->
        ## Plan for prod

        **No changes.** 1 app matches prod.

        123456789012/us-west-2 · manifests at 3f2c1ab
        ");
    }

    #[test]
    fn what_others_wrote_cannot_become_markup() {
        let mut app = samples::failing();
        app.reason = "<img src=x> @everyone | `code`\n# [a](b)".into();
        let text = plans(&[&samples::plan(vec![app])]);
        for bad in ["<img", "@everyone", " | `code`", "\n# ", "[a]("] {
            assert!(!text.contains(bad), "{bad} in {text}");
        }
        let mut app = samples::update();
        app.fields = vec![samples::field("launch.keyName", "a", "```\n</details><b>", Effect::Replace)];
        assert!(plans(&[&samples::plan(vec![app])]).contains("````diff\n"));
    }

    #[test]
    fn a_thousand_apps_fit_into_a_comment_and_what_is_left_out_is_said() {
        let many = |prefix: &str| {
            let apps = (0..1000).map(|number| {
                let mut app = samples::replace();
                app.app = format!("{prefix}-service-{number}").parse().unwrap();
                app
            });
            samples::plan(apps.collect())
        };
        let text = plans(&[&many("first"), &many("second")]);
        assert!(text.len() < LIMIT, "{}", text.len());
        assert_eq!(text.matches("would be too long").count(), 2);
        assert!(text.contains("| `+/-` | second-service-0 |"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn user_data_never_shows() {
        assert!(!plans(&[&samples::everything()]).contains(samples::CANARY));
    }
}
