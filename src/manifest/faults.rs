//! Whose manifests have errors: with every other app and environment, work goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::manifest::source::Location;
use crate::manifest::source::Place;
use crate::model::desired::LeftOut;
use crate::model::names::{AppName, EnvironmentName};

/// The apps and environments that errors are about.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The apps.
    pub apps: BTreeMap<AppName, Faulty>,
    /// The environments.
    pub environments: BTreeSet<EnvironmentName>,
    /// Whether there may be manifests that could not be read so far that it is known whose they are.
    pub unseen: bool,
}

/// An app whose manifest has errors.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// Where it stands.
    pub location: Location,
    /// Where it is deployed to; `None` when that cannot be told.
    pub environments: Option<BTreeSet<EnvironmentName>>,
}

/// Whose a document is.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    App(AppName),
    Environment(EnvironmentName),
}

impl Faults {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty() && self.environments.is_empty() && !self.unseen
    }

    /// The apps that cannot be spoken about in an environment.
    pub fn left_out(&self, environment: &EnvironmentName) -> LeftOut {
        let is_there = |faulty: &Faulty| {
            faulty.environments.as_ref().is_none_or(|environments| environments.contains(environment))
        };
        let apps = self.apps.iter().filter(|(_, faulty)| is_there(faulty)).map(|(app, _)| app.clone()).collect();
        LeftOut { apps, unseen: self.unseen }
    }
}

/// Whom the errors among `findings` are about, as far as that can be told by their places; and whether some are in no document
/// that is anybody's. Of two that claim the same, neither can be worked on.
pub(super) fn blamed(findings: &Diagnostics, documents: &[(Place, Owner)]) -> (Vec<Owner>, bool) {
    let mut owners = Vec::new();
    let mut unseen = false;
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        let of: Vec<&Owner> = places(finding).filter_map(|place| owner(place, documents)).collect();
        unseen |= of.is_empty();
        owners.extend(of.into_iter().cloned());
    }
    (owners, unseen)
}

fn places(finding: &Diagnostic) -> impl Iterator<Item = &Place> {
    let claimed = finding.related.iter().filter(|_| finding.code == Code::Duplicate).map(|(place, _)| place);
    finding.place.iter().chain(claimed)
}

fn owner<'a>(place: &Place, documents: &'a [(Place, Owner)]) -> Option<&'a Owner> {
    documents.iter().find(|(extent, _)| extent.holds(place)).map(|(_, owner)| owner)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::manifest::fleet::{Fleet, survey_texts};

    const PROD: &str = "apiVersion: amiable/v1\nkind: Environment\nmetadata: {name: prod}\nspec:\n  region: us-west-2\n  accountId: \"123456789012\"\n  network: {vpcId: vpc-01234567, subnetIds: [subnet-01234567, subnet-01234568]}\n  securityGroupIds: [sg-01234567]\n";

    fn app(name: &str, spec: &str) -> String {
        format!(
            "apiVersion: amiable/v1\nkind: App\nmetadata: {{name: {name}}}\nspec:\n  image: {{id: ami-01234567}}\n  instanceType: c7g.large\n{spec}environments: {{prod: {{}}}}\n"
        )
    }

    fn fleet(texts: &[&str]) -> Fleet {
        let texts = texts.iter().enumerate();
        survey_texts(texts.map(|(index, text)| (PathBuf::from(format!("{index}.yaml")), (*text).to_owned())).collect())
            .0
    }

    fn outcome(texts: &[&str]) -> (Vec<String>, Vec<String>, bool) {
        let fleet = fleet(texts);
        (
            fleet.apps.keys().map(ToString::to_string).collect(),
            fleet.faults.apps.keys().map(ToString::to_string).collect(),
            fleet.faults.unseen,
        )
    }

    fn told(right: &[&str], wrong: &[&str], unseen: bool) -> (Vec<String>, Vec<String>, bool) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        (owned(right), owned(wrong), unseen)
    }

    #[test]
    fn an_error_concerns_the_app_of_its_document_and_no_other() {
        let good = app("good", "");
        for (spec, what) in [
            ("  instanses: {min: 1}\n", "an unknown field"),
            ("  instances: {min: 3, max: 2}\n", "a contradiction"),
            ("  instances: {min: many}\n", "a wrong type"),
            ("  instanceType: c7g.large\n", "a key that is there twice"),
            ("  release: &x {version: a}\n", "an anchor"),
            ("  image: {fromEnvironment: {name: qa}}\n", "another environment"),
        ] {
            let bad = app("bad", spec);
            assert_eq!(outcome(&[PROD, &good, &bad]), told(&["good"], &["bad"], false), "{what}");
            assert_eq!(outcome(&[PROD, &format!("{good}---\n{bad}")]), told(&["good"], &["bad"], false), "{what}");
        }
    }

    #[test]
    fn of_two_that_claim_the_same_neither_can_be_worked_on() {
        let shared = |name| app(name, "  dns: {name: x.example.com}\n");
        let prod = format!("{PROD}  dnsZone: example.com\n");
        let (one, other, good) = (shared("one"), shared("other"), app("good", ""));
        assert_eq!(outcome(&[&prod, &one, &other, &good]), told(&["good"], &["one", "other"], false));
        assert_eq!(outcome(&[PROD, &good, &good]), told(&[], &["good"], false));
    }

    #[test]
    fn what_cannot_be_read_may_be_anybodys() {
        let good = app("good", "");
        for bad in
            ["a: [", "kind: Ap\n", "apiVersion: amiable/v1\nkind: App\nmetadata: {name: Bad}\nspec: {}\n", "- 1\n"]
        {
            assert_eq!(outcome(&[PROD, &good, bad]), told(&["good"], &[], true), "{bad}");
        }
    }

    #[test]
    fn an_environment_with_errors_takes_nothing_but_itself_away() {
        let test = PROD.replace("name: prod", "name: test").replace("us-west-2", "here");
        let both = app("both", "").replace("prod: {}", "prod: {}, test: {}");
        let follows = app("follows", "").replace("{id: ami-01234567}", "{fromEnvironment: {name: test}}");
        let fleet = fleet(&[PROD, &test, &both, &follows]);
        let environments: Vec<&str> = fleet.environments.keys().map(|name| name.as_str()).collect();
        assert_eq!(environments, ["prod"]);
        assert_eq!(fleet.faults.environments.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["test"]);
        let both = &fleet.apps[&"both".parse().unwrap()];
        assert_eq!(both.effective.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["prod"]);
        assert!(fleet.faults.apps.contains_key(&"follows".parse().unwrap()), "what it would follow is not known");
    }

    #[test]
    fn what_the_defaults_of_an_environment_make_wrong_is_wrong_with_the_app() {
        let prod = format!("{PROD}  defaults: {{instances: {{min: 4, max: 8}}}}\n");
        let (good, bad) = (app("good", ""), app("bad", "  instances: {max: 2}\n"));
        assert_eq!(outcome(&[&prod, &good, &bad]), told(&["good"], &["bad"], false));
    }

    #[test]
    fn one_unknown_field_hides_no_contradiction_and_makes_none() {
        let find = |spec: &str| {
            let texts = [PROD.to_owned(), app("bad", spec)].into_iter().enumerate();
            let texts = texts.map(|(index, text)| (PathBuf::from(format!("{index}.yaml")), text)).collect();
            let (_, findings) = survey_texts(texts);
            findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(find("  colour: red\n  instances: {min: 3, max: 2}\n"), ["unknown-field", "contradiction"]);
        assert_eq!(find("  instances: {mni: 1, max: 1}\n"), ["unknown-field"]);
    }
}
