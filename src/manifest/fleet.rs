//! All manifests together: loaded, checked, and made into what is wanted in an environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::manifest::attached::{self, Attached};
use crate::manifest::check::sources;
use crate::manifest::check::{self, Subject, Surroundings};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, Severity, did_you_mean, quoted, quoted_path};
use crate::manifest::document::{self, Manifest, Opened};
use crate::manifest::effective::Effective;
use crate::manifest::faults::{self, Faults, Faulty, Owner};
use crate::manifest::read::node::{Layer, Node};
use crate::manifest::read::{files, yaml};
use crate::manifest::schema::{self, shape};
use crate::manifest::source::{Location, Place, SourceFile, shown};
use crate::manifest::{git, overlay};
use crate::model::desired::{Desired, DesiredApp, LeftOut, Source};
use crate::model::launch::Secret;
use crate::model::names::{AppName, EnvironmentName, Scope};
use crate::model::spec::{AppSpec, EnvironmentSpec, ImageSource};

/// Every app and environment that the manifests describe. All of it is valid; of what is not, `faults` has the names.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The environments.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// The apps.
    pub apps: BTreeMap<AppName, App>,
    /// What is probably not meant as it is.
    pub warnings: Diagnostics,
    /// Whose manifests have errors, and are not among these.
    pub faults: Faults,
    /// What can be told of where environments are whose manifests have errors.
    whereabouts: BTreeMap<EnvironmentName, EnvironmentSpec>,
    paths: Vec<PathBuf>,
    source: OnceLock<Source>,
}

/// An environment.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What the platform team decided for it.
    pub spec: EnvironmentSpec,
    /// Where its manifest is.
    pub location: Location,
    tree: Node,
}

/// An app.
#[derive(Clone, Debug)]
pub struct App {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where its manifest is.
    pub location: Location,
    /// What it is in each environment that it is deployed to.
    pub effective: BTreeMap<EnvironmentName, Effective>,
}

/// Loads every manifest at `paths`, files or directories. Either all of them are valid, or all that is wrong is told.
///
/// # Errors
/// Everything that is wrong, in the order of files and lines. No manifests at all is an error, never an empty fleet.
pub fn load(paths: &[PathBuf]) -> Result<Fleet, Diagnostics> {
    strict(survey(paths, None))
}

/// What is right of the manifests at `paths`, and everything that is wrong with the others; with the text of one file as it
/// would be after an edit.
pub fn survey(paths: &[PathBuf], edited: Option<(&Path, &str)>) -> (Fleet, Diagnostics) {
    let mut findings = Diagnostics::default();
    let mut files = files::read_all(paths, &mut findings);
    if let Some((path, text)) = edited {
        let edited = |file: &mut Arc<SourceFile>| *file = Arc::new(SourceFile::new(path, text.to_owned()));
        files.iter_mut().filter(|file| file.path == path).for_each(edited);
    }
    assemble(paths, &files, &Attached::beside(paths), findings)
}

/// The same as [`load`] from texts that were read elsewhere, such as another commit: each with the path that it is known by.
/// What is not YAML by its name is a file that manifests may name.
///
/// # Errors
/// As for [`load`].
pub fn load_texts(texts: Vec<(PathBuf, String)>) -> Result<Fleet, Diagnostics> {
    strict(survey_texts(texts))
}

/// The same as [`survey`] from texts.
pub fn survey_texts(texts: Vec<(PathBuf, String)>) -> (Fleet, Diagnostics) {
    let (manifests, others): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(path, _)| files::is_manifest(path));
    let files: Vec<_> = manifests.into_iter().map(|(path, text)| Arc::new(SourceFile::new(&path, text))).collect();
    let others = others.into_iter().map(|(path, text)| (attached::plain(&path), text)).collect();
    assemble(&[], &files, &Attached::Texts(others), Diagnostics::default())
}

fn strict((fleet, findings): (Fleet, Diagnostics)) -> Result<Fleet, Diagnostics> {
    if findings.has_errors() { Err(findings) } else { Ok(Fleet { warnings: findings, ..fleet }) }
}

fn assemble(
    paths: &[PathBuf],
    files: &[Arc<SourceFile>],
    attached: &Attached,
    mut findings: Diagnostics,
) -> (Fleet, Diagnostics) {
    let (mut apps, mut environments) = (Vec::new(), Vec::new());
    for document in files.iter().flat_map(|file| yaml::read(file, &mut findings)).collect::<Vec<_>>() {
        match document::open(document, &mut findings) {
            Some(Opened::App(app)) => apps.push(app),
            Some(Opened::Environment(environment)) => environments.push(environment),
            None => {}
        }
    }
    if apps.is_empty() && environments.is_empty() && !findings.has_errors() {
        findings.push(nothing(paths));
    }
    let documents = documents(&apps, &environments);
    let apps = document::distinct(apps, "app", &mut findings);
    let manifests = document::distinct(environments, "environment", &mut findings);
    let environments = typed_environments(&manifests, &mut findings);
    let builder = Builder { manifests: &manifests, environments: &environments, apps: &apps, attached };
    let mut own = Own::default();
    let built = builder.apps(&mut findings, &mut own);
    let (blamed, unseen) = faults::blamed(&findings, &documents);
    let mut faults = Faults { unseen, ..Faults::default() };
    let mut faulty = own.faulty;
    for owner in blamed {
        match owner {
            Owner::App(app) => drop(faulty.insert(app)),
            Owner::Environment(environment) => drop(faults.environments.insert(environment)),
        }
    }
    findings.extend(own.findings.iter().cloned());
    findings.tidy();
    let named = manifests.iter().filter(|(name, _)| faults.environments.contains(*name));
    let whereabouts =
        named.filter_map(|(name, one)| Some((name.clone(), whereabouts(one.spec.as_ref()?, &findings)?))).collect();
    let mut fleet = Fleet {
        environments,
        whereabouts,
        apps: built,
        warnings: Diagnostics::default(),
        faults,
        paths: paths.to_vec(),
        source: OnceLock::new(),
    };
    fleet.leave_out(&faulty, &apps);
    (fleet, findings)
}

/// Every document that is somebody's.
fn documents(apps: &[Manifest<AppName>], environments: &[Manifest<EnvironmentName>]) -> Vec<(Place, Owner)> {
    let apps = apps.iter().filter_map(|one| Some((one.extent.clone(), Owner::App(one.name.clone()?))));
    let others =
        environments.iter().filter_map(|one| Some((one.extent.clone(), Owner::Environment(one.name.clone()?))));
    apps.chain(others).collect()
}

/// What was found out about single apps, wherever the values stand that are wrong.
#[derive(Default)]
struct Own {
    findings: Diagnostics,
    faulty: BTreeSet<AppName>,
}

impl Own {
    fn look(&mut self, app: &AppName, check: impl FnOnce(&mut Diagnostics)) {
        let mut found = Diagnostics::default();
        check(&mut found);
        if found.has_errors() {
            self.faulty.insert(app.clone());
        }
        self.findings.extend(found.iter().cloned());
    }
}

fn nothing(paths: &[PathBuf]) -> Diagnostic {
    let names: Vec<_> = paths.iter().map(|path| quoted_path(path)).collect();
    let place = if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) };
    Diagnostic::nowhere(Code::NoManifests, format!("there is no manifest{place}"))
        .help("manifests are `*.yaml` or `*.yml` files; `amiable init NAME --env ENV` writes a first one")
}

fn typed_environments(
    manifests: &BTreeMap<EnvironmentName, Manifest<EnvironmentName>>,
    findings: &mut Diagnostics,
) -> BTreeMap<EnvironmentName, Environment> {
    let mut environments = BTreeMap::new();
    for (name, manifest) in manifests.iter().filter(|(_, manifest)| !manifest.damaged) {
        let Some(tree) = &manifest.spec else { continue };
        // Its own nulls say the same as leaving the field out; `defaults` is merged later, with its nulls.
        let Some(plain) = overlay::merge(&[tree]) else { continue };
        match serde_json::from_value::<EnvironmentSpec>(plain.to_json()) {
            Ok(spec) => {
                let location = manifest.location.clone();
                check::environment(&Surroundings { spec: &spec, tree, location: &location }, findings);
                environments.insert(name.clone(), Environment { spec, location, tree: tree.clone() });
            }
            Err(error) => {
                let said = std::mem::take(findings);
                invalid(tree, &error, &said, findings);
                findings.extend(said.iter().cloned());
            }
        }
    }
    environments
}

/// Where an environment is, as far as its manifest tells that in spite of its errors: region, account, role. Nothing is created by
/// this; it is enough to look at what there is and to put marks on it. `None` where one of these is itself wrong.
fn whereabouts(tree: &Node, findings: &Diagnostics) -> Option<EnvironmentSpec> {
    let mut spec = serde_json::json!({"network": {"vpcId": "unknown", "subnetIds": []}, "securityGroupIds": []});
    for field in ["region", "accountId", "assumeRole"] {
        if let Some(value) = tree.get(field).filter(|value| !value.is_null()) {
            let is_wrong = |finding: &Diagnostic| {
                finding.severity == Severity::Error
                    && finding.place.as_ref().is_some_and(|place| value.place.holds(place))
            };
            if findings.iter().any(is_wrong) {
                return None;
            }
            spec[field] = value.to_json();
        }
    }
    serde_json::from_value(spec).ok()
}

/// For what the checks of shape and values let pass and the types do not: said only where nothing else was.
fn invalid(tree: &Node, error: &serde_json::Error, said: &Diagnostics, findings: &mut Diagnostics) {
    let file = &tree.place.file.name;
    let is_error_here = |finding: &Diagnostic| {
        finding.severity == Severity::Error && finding.place.as_ref().is_none_or(|place| &place.file.name == file)
    };
    if !said.iter().chain(findings.iter()).any(is_error_here) {
        findings.push(Diagnostic::at(Code::InvalidSpec, tree.spot(), format!("the spec is not valid: {error}")));
    }
}

/// Puts apps and environments together.
struct Builder<'a> {
    /// All environments that there are manifests of, valid or not.
    manifests: &'a BTreeMap<EnvironmentName, Manifest<EnvironmentName>>,
    environments: &'a BTreeMap<EnvironmentName, Environment>,
    apps: &'a BTreeMap<AppName, Manifest<AppName>>,
    /// The files that manifests name.
    attached: &'a Attached,
}

impl Builder<'_> {
    fn apps(&self, findings: &mut Diagnostics, own: &mut Own) -> BTreeMap<AppName, App> {
        // An environment in a file that cannot be read is not unknown.
        let all_was_read = !findings.iter().any(|finding| hides_manifests(finding.code));
        let mut apps = BTreeMap::new();
        for (name, manifest) in self.apps {
            if manifest.overlays.is_empty() && !manifest.damaged {
                let message = format!("`{name}` is deployed nowhere");
                let finding = Diagnostic::at(Code::DeployedNowhere, manifest.location.name.clone(), message).warning();
                findings.push(finding.help("add `environments: {test: {}}`"));
            }
            let mut effective = BTreeMap::new();
            for (environment, overlay) in &manifest.overlays {
                match environment.parse::<EnvironmentName>() {
                    Ok(environment) if self.manifests.contains_key(&environment) => {
                        let scope = Scope::new(name.clone(), environment);
                        let mut found = None;
                        let said = &*findings;
                        own.look(name, |own| found = self.effective(&scope, manifest, overlay, said, own));
                        if let Some(one) = found {
                            effective.insert(scope.environment, one);
                        }
                    }
                    _ if all_was_read => findings.push(self.unknown(environment, overlay)),
                    _ => {}
                }
            }
            let (labels, location) = (manifest.labels.clone(), manifest.location.clone());
            apps.insert(name.clone(), App { labels, location, effective });
        }
        self.check(&apps, findings, own);
        apps
    }

    fn unknown(&self, name: &str, overlay: &Node) -> Diagnostic {
        let known = self.manifests.keys().map(EnvironmentName::as_str);
        let help = did_you_mean(name, known.clone()).or_else(|| {
            known
                .clone()
                .next()
                .is_none()
                .then(|| "no environment has a manifest here; `amiable init NAME --env ENV` writes one".to_owned())
        });
        let place = overlay.key.clone().unwrap_or_else(|| overlay.spot());
        let message = format!("there is no environment {}", quoted(name));
        Diagnostic::at(Code::UnknownEnvironment, place, message).maybe_help(help)
    }

    /// The layers of an app in one environment put together.
    fn effective(
        &self,
        scope: &Scope,
        manifest: &Manifest<AppName>,
        overlay: &Node,
        said: &Diagnostics,
        findings: &mut Diagnostics,
    ) -> Option<Effective> {
        let environment = self.environments.get(&scope.environment)?;
        if manifest.damaged {
            return None;
        }
        let defaults = environment.tree.get("defaults").map(|node| node.clone().in_layer(Layer::EnvironmentDefault));
        let layers: Vec<&Node> = defaults.iter().chain(&manifest.spec).chain([overlay]).collect();
        let tree = overlay::merge(&layers)?;
        let mut missing = Diagnostics::default();
        shape::check(&tree, schema::effective(), &mut missing);
        // Everything else was found in its layer.
        let missing = missing.iter().filter(|finding| finding.code == Code::MissingField).cloned();
        findings
            .extend(missing.map(|finding| finding.label(format!("for `{}` in `{}`", scope.app, scope.environment))));
        check::machine::types(scope, &tree, findings);
        match serde_json::from_value::<AppSpec>(tree.to_json()) {
            Ok(mut spec) => {
                if let Some(named) = tree.at(&["launch", "userDataFile"]).filter(|node| !node.is_null()) {
                    match self.attached.user_data(named) {
                        Ok(text) => spec.launch.user_data_text = Some(Secret::new(text)),
                        Err(finding) => findings.push(*finding),
                    }
                }
                sources::read_packer(&mut spec, &tree, &environment.spec.region, self.attached, findings);
                Some(Effective { spec, tree })
            }
            Err(error) => {
                invalid(&tree, &error, said, findings);
                None
            }
        }
    }

    /// Checks what depends on several documents.
    fn check(&self, apps: &BTreeMap<AppName, App>, findings: &mut Diagnostics, own: &mut Own) {
        let surroundings: BTreeMap<&EnvironmentName, Surroundings<'_>> = self
            .environments
            .iter()
            .map(|(name, one)| (name, Surroundings { spec: &one.spec, tree: &one.tree, location: &one.location }))
            .collect();
        let all: Vec<(Scope, &App, &Effective)> = apps
            .iter()
            .flat_map(|(name, app)| app.effective.iter().map(move |(environment, one)| (name, app, environment, one)))
            .map(|(name, app, environment, one)| (Scope::new(name.clone(), environment.clone()), app, one))
            .collect();
        let subjects: Vec<Subject<'_>> = all
            .iter()
            .filter_map(|(scope, _, one)| {
                let environment = surroundings.get(&scope.environment)?;
                Some(Subject { scope, spec: &one.spec, tree: &one.tree, environment })
            })
            .collect();
        for subject in &subjects {
            own.look(&subject.scope.app, |findings| {
                let mut found = Diagnostics::default();
                check::app(subject, &mut found);
                // What a misspelt field was to say is not known.
                let certain =
                    |finding: &&Diagnostic| !finding.place.as_ref().is_some_and(|place| self.is_doubtful(place));
                findings.extend(found.iter().filter(certain).cloned());
            });
        }
        check::apps(&subjects, findings);
        let is_known = |name: &EnvironmentName| self.manifests.contains_key(name);
        sources::check(&subjects, &surroundings, &is_known, findings);
        self.check_names(&all, findings);
    }

    /// Whether a field of the same part of a manifest was not understood.
    fn is_doubtful(&self, place: &Place) -> bool {
        let of_apps = self.apps.values().flat_map(|manifest| &manifest.doubtful);
        of_apps.chain(self.manifests.values().flat_map(|manifest| &manifest.doubtful)).any(|part| part.holds(place))
    }

    /// `web` in `blue-prod` and `web-blue` in `prod` would own things of the same names.
    fn check_names(&self, all: &[(Scope, &App, &Effective)], findings: &mut Diagnostics) {
        let mut taken: BTreeMap<(&str, &str, String), (&Scope, &Location)> = BTreeMap::new();
        for (scope, app, _) in all {
            let Some(environment) = self.environments.get(&scope.environment) else { continue };
            let key = (environment.spec.account_id.as_str(), environment.spec.region.as_str(), scope.base());
            if let Some((other, location)) = taken.get(&key) {
                let message =
                    format!("{scope} and {other} would have the same names in AWS, beginning with `{}`", key.2);
                let finding = Diagnostic::at(Code::Duplicate, app.location.name.clone(), message)
                    .related(location.name.clone(), "the other one")
                    .help("rename one of the apps");
                findings.push(finding);
            } else {
                taken.insert(key, (scope, &app.location));
            }
        }
    }
}

/// Whether a finding means that there may be manifests that were not seen.
fn hides_manifests(code: Code) -> bool {
    matches!(
        code,
        Code::Unreadable
            | Code::OutsideLink
            | Code::TooMuch
            | Code::NotUtf8
            | Code::YamlSyntax
            | Code::YamlFeature
            | Code::TooDeep
            | Code::UnknownKind
            | Code::BadName
    )
}

impl Fleet {
    /// The file that describes an app, whether it is right or not.
    pub fn file_of(&self, app: &AppName) -> Option<&Path> {
        let sound = self.apps.get(app).map(|app| &app.location);
        let faulty = || self.faults.apps.get(app).map(|faulty| &faulty.location);
        sound.or_else(faulty).map(|location| location.path.as_path())
    }

    /// Takes out what errors are about.
    fn leave_out(&mut self, faulty: &BTreeSet<AppName>, manifests: &BTreeMap<AppName, Manifest<AppName>>) {
        let Self { environments, apps, faults, .. } = self;
        environments.retain(|name, _| !faults.environments.contains(name));
        apps.retain(|name, app| {
            app.effective.retain(|environment, _| environments.contains_key(environment));
            // What an environment runs cannot be told as long as its manifest is wrong.
            let source_is_there = app.effective.values().all(|one| match &one.spec.image.source {
                ImageSource::FromEnvironment(from) => environments.contains_key(&from.name),
                _ => true,
            });
            source_is_there && !faulty.contains(name)
        });
        for (name, manifest) in manifests.iter().filter(|(name, _)| !apps.contains_key(*name)) {
            let named = manifest.overlays.iter().filter_map(|(name, _)| name.parse().ok()).collect();
            let environments = (!manifest.damaged).then_some(named);
            faults.apps.insert(name.clone(), Faulty { location: manifest.location.clone(), environments });
        }
    }

    /// What the manifests ask for in one environment.
    ///
    /// # Errors
    /// When no manifest describes the environment.
    pub fn desired(&self, name: &EnvironmentName) -> Result<Desired, Diagnostics> {
        let environment = self.environment(name)?;
        let apps: BTreeMap<_, _> = self
            .apps
            .iter()
            .filter_map(|(app, all)| {
                let spec = all.effective.get(name)?.spec.clone();
                let scope = Scope::new(app.clone(), name.clone());
                Some((app.clone(), DesiredApp { scope, labels: all.labels.clone(), spec }))
            })
            .collect();
        let others = self.sources_of(&apps);
        let left_out = self.faults.left_out(name);
        let (environment, source) = (environment.spec.clone(), self.source().clone());
        Ok(Desired {
            name: name.clone(),
            environment,
            apps,
            others,
            source,
            chosen: None,
            begun: None,
            given_up: BTreeMap::new(),
            failing: BTreeMap::new(),
            deep: false,
            shown: None,
            left_out,
        })
    }

    /// What is known of an environment whose manifest has errors, if its region and account can still be told. No app has a
    /// manifest there, so that nothing is planned: what has traffic is watched, and people can put their marks.
    pub fn without_its_manifest(&self, name: &EnvironmentName) -> Option<Desired> {
        Some(Desired {
            name: name.clone(),
            environment: self.whereabouts.get(name)?.clone(),
            apps: BTreeMap::new(),
            source: self.source().clone(),
            others: BTreeMap::new(),
            chosen: None,
            begun: None,
            given_up: BTreeMap::new(),
            failing: BTreeMap::new(),
            shown: None,
            deep: false,
            left_out: LeftOut { apps: BTreeSet::new(), unseen: true },
        })
    }

    /// The environments that apps take their images from.
    fn sources_of(&self, apps: &BTreeMap<AppName, DesiredApp>) -> BTreeMap<EnvironmentName, EnvironmentSpec> {
        let named = apps.values().filter_map(|app| match &app.spec.image.source {
            ImageSource::FromEnvironment(from) => Some(&from.name),
            _ => None,
        });
        named.filter_map(|name| Some((name.clone(), self.environments.get(name)?.spec.clone()))).collect()
    }

    /// An environment by its name.
    ///
    /// # Errors
    /// When no manifest describes it; the names there are stand in the advice.
    pub fn environment(&self, name: &EnvironmentName) -> Result<&Environment, Diagnostics> {
        self.environments.get(name).ok_or_else(|| {
            let help = did_you_mean(name.as_str(), self.environments.keys().map(EnvironmentName::as_str));
            Diagnostic::nowhere(Code::UnknownEnvironment, format!("there is no environment `{name}`"))
                .maybe_help(help)
                .into()
        })
    }

    /// An app by its name.
    ///
    /// # Errors
    /// When no manifest describes it.
    pub fn app(&self, name: &AppName) -> Result<&App, Diagnostics> {
        self.apps.get(name).ok_or_else(|| {
            let help = did_you_mean(name.as_str(), self.apps.keys().map(AppName::as_str));
            Diagnostic::nowhere(Code::UnknownApp, format!("there is no app `{name}`")).maybe_help(help).into()
        })
    }

    /// An app as it is in one environment.
    ///
    /// # Errors
    /// When there is no such app or environment, or the app is not deployed there.
    pub fn effective(&self, app: &AppName, environment: &EnvironmentName) -> Result<&Effective, Diagnostics> {
        let all = self.app(app)?;
        self.environment(environment)?;
        all.effective.get(environment).ok_or_else(|| {
            let message = format!("`{app}` is not deployed to `{environment}`");
            let help = format!("add `{environment}: {{}}` to its `environments`");
            Diagnostic::at(Code::UnknownEnvironment, all.location.name.clone(), message).help(help).into()
        })
    }

    /// Where the manifests came from. Git is asked the first time.
    pub fn source(&self) -> &Source {
        self.source.get_or_init(|| {
            let directory = self.paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(" ");
            let (commit, dirty) =
                git::commit(&self.paths).map_or((None, false), |(commit, dirty)| (Some(commit), dirty));
            Source { directory, commit, dirty }
        })
    }
}
