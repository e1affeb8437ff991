//! `amiable explain`: what the fields of an app's `spec` mean.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::terminal;
use crate::manifest::diagnostic::{did_you_mean, quoted};
use crate::manifest::read::yaml;
use crate::manifest::schema::{self, Field};
use crate::model::plan::Effect;
use crate::report::paint::Paint;

/// Explain the fields of an app's spec, or of an environment's: what they hold, and what a change does
#[derive(Debug, Args)]
pub struct Explain {
    /// The path of a field, such as healthCheck.interval or environment.network; without it, the whole spec of an app
    #[arg(default_value = "", hide_default_value = true)]
    path: String,
}

impl Explain {
    /// Prints the field and what it holds directly.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn run(self) -> Result<Exit, Failure> {
        terminal::print(&text(&self.path, Paint::new(terminal::colour()))?)?;
        Ok(Exit::Fine)
    }
}

fn text(path: &str, paint: Paint) -> Result<String, Failure> {
    let found = schema::explain(path);
    if found.is_empty() {
        let (what, all, prefix, known) = match path.strip_prefix("environment.") {
            Some(_) => {
                ("an environment's", "amiable explain environment", "environment.", schema::environment_fields())
            }
            None => ("an app's", "amiable explain", "", schema::fields()),
        };
        let known: Vec<String> = known.into_iter().map(|field| format!("{prefix}{}", field.path)).collect();
        let advice = did_you_mean(path, known.iter().map(String::as_str));
        return Err(Failure::new(format!("no field of {what} spec is called {}", quoted(path)))
            .help(advice.unwrap_or_else(|| format!("`{all}` lists those of the whole spec"))));
    }
    let entries: Vec<String> = found.iter().map(|field| entry(field, paint)).collect();
    Ok(entries.join("\n"))
}

fn entry(field: &Field, paint: Paint) -> String {
    let mut facts = vec![field.kind.clone()];
    facts.extend(field.default.as_ref().map(|default| format!("default {}", yaml::inline(default))));
    facts.extend(field.effect.map(|effect| consequence(effect).to_owned()));
    format!("{}  {}\n    {}\n", paint.bold(&field.path), paint.dim(&facts.join("; ")), field.description)
}

/// What a change of a field does.
fn consequence(effect: Effect) -> &'static str {
    match effect {
        Effect::Replace => "a change launches a new generation",
        Effect::InPlace => "a change is made in place",
        Effect::Behaviour => "a change changes nothing in AWS",
        Effect::Fixed => "cannot be changed once the app exists",
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn explained(path: &str) -> String {
        text(path, Paint::default()).unwrap_or_else(|failure| failure.to_string())
    }

    #[test]
    fn a_group_is_explained_with_the_fields_in_it() {
        assert_snapshot!(explained("instances"), @"
        instances  mapping; default {min: 2, max: 2}
            How many instances run. Between the two numbers, the count is left to scaling and preserved over a release.

        instances.min  whole number; default 2; a change is made in place
            The fewest, 0 to 1000; at least two by default, so that one serves while the other is replaced.

        instances.max  whole number; default 2; a change is made in place
            The most, 1 to 1000.

        instances.maintenancePolicy  mapping; a change is made in place
            How many may be out of service, or too many, while AWS replaces some.

        instances.suspendedProcesses  list of `AZRebalance` or `AlarmNotification` or `ScheduledActions` or `ReplaceUnhealthy` or `InstanceRefresh`; a change is made in place
            What the group shall not do by itself. Whatever else somebody suspends is drift, and resumed.
        ");
        assert_eq!(explained("app.spec.instances"), explained("instances"));
    }

    #[test]
    fn an_item_of_a_list_is_explained_as_the_plan_names_it() {
        assert_snapshot!(explained("loadBalancer.listeners[0].port"), @"
        loadBalancer.listeners[].port  whole number; a change is made in place
            The port, 1 to 65535.
        ");
    }

    #[test]
    fn without_a_path_the_whole_spec_is_explained() {
        let all = explained("");
        for field in ["\nimage  ", "\ninstances  ", "\nstrategy  ", "\ndestroy  "] {
            assert!(all.contains(field), "{all}");
        }
        assert!(!all.contains("instances.min"), "{all}");
    }

    #[test]
    fn a_field_that_does_not_exist_is_an_error_with_the_one_that_was_meant() {
        assert_eq!(
            explained("instances.mim"),
            "error: no field of an app's spec is called `instances.mim`\nhelp: did you mean `instances.min`?"
        );
        let far = text("colour of the sky", Paint::default()).unwrap_err();
        assert_eq!(far.exit, Exit::Error);
        assert_eq!(far.help.as_deref(), Some("`amiable explain` lists those of the whole spec"));
    }
}
