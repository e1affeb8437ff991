//! Where the machine image comes from, and what it was built from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::model::names::EnvironmentName;
use crate::model::release::{Origin, SourceKind};
use crate::model::time::Span;

/// Where the machine image comes from, and whether a newer one is followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ImageFields", into = "ImageFields")]
pub struct Image {
    /// The source.
    pub source: ImageSource,
    /// Whether what the source leads to is deployed by itself; `None`: not said, which means that it is.
    pub track: Option<Track>,
}

/// One source of an image.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageSource {
    /// An AMI by its id.
    Id(String),
    /// The AMI that an SSM parameter names.
    SsmParameter(String),
    /// The newest AMI that fits.
    Search(ImageSearch),
    /// The AMI that another environment has deployed.
    FromEnvironment(FromEnvironment),
    /// The AMI that Packer wrote down.
    PackerManifest {
        /// The file, as the manifest names it.
        path: String,
        /// The AMI that it names for the region, once it was read.
        id: Option<String>,
    },
}

/// The fields as they are written: exactly one of the sources.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ImageFields {
    /// An AMI by its id: `ami-` and 8 or 17 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace", "pattern" = "^ami-([0-9a-f]{8}|[0-9a-f]{17})$"))]
    id: Option<String>,
    /// An SSM parameter that holds the AMI's id, such as `/images/hello/stable`; `:VERSION` or `:LABEL` may follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    ssm_parameter: Option<String>,
    /// The newest available AMI that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<ImageSearch>,
    /// The AMI that the app's deployed state in another environment names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_environment: Option<FromEnvironment>,
    /// The `manifest.json` that Packer wrote, relative to this file and within the manifests' directory: the AMI of its last run for the environment's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    packer_manifest: Option<String>,
    /// Whether a newer image is deployed by itself (`auto`, the default) or by `amiable promote` only (`manual`); not with `id` and `packerManifest`, which change with the manifests only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    track: Option<Track>,
}

/// A search for images. The newest by its creation date is taken, of the same age the one with the higher id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageSearch {
    /// The AMI's name, `*` and `?` allowed.
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub name: String,
    /// Whose: `self`, an account or an alias such as `amazon`; it must be among the environment's `imageOwners`.
    #[serde(default = "own")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub owner: String,
    /// The architecture; that of the instance type without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub architecture: Option<Architecture>,
    /// Tags that the AMI must have, with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-amiable-effect" = "replace", "maxProperties" = 20))]
    pub tags: BTreeMap<String, String>,
}

fn own() -> String {
    "self".to_owned()
}

/// What an image and an instance type run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// Intel and AMD, 64 bits.
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton and other ARM, 64 bits.
    #[serde(rename = "arm64")]
    Arm,
}

impl Architecture {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::X86 => "x86_64",
            Architecture::Arm => "arm64",
        }
    }
}

/// The image that another environment has deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromEnvironment {
    /// The environment, in the same region, which the app is deployed to as well.
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub name: EnvironmentName,
    /// For how long it must have been deployed there, 0s to 30d.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub after: Span,
}

/// Whether a newer image is deployed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Track {
    /// It is.
    Auto,
    /// The image that serves stays until a person promotes another.
    Manual,
}

impl Image {
    /// An AMI by its id.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self { source: ImageSource::Id(id.into()), track: None }
    }

    /// Whether a newer image is deployed only when a person says so.
    pub fn is_manual(&self) -> bool {
        self.track == Some(Track::Manual)
    }

    /// The source in words; nothing for an id, which speaks for itself.
    pub fn origin(&self) -> Option<Origin> {
        let origin = |kind, expression: String| Some(Origin { kind, expression });
        match &self.source {
            ImageSource::Id(_) => None,
            ImageSource::SsmParameter(name) => origin(SourceKind::SsmParameter, name.clone()),
            ImageSource::Search(search) => origin(SourceKind::Search, search.expression()),
            ImageSource::FromEnvironment(from) => {
                let after = if from.after.is_zero() { String::new() } else { format!(" after {}", from.after) };
                origin(SourceKind::FromEnvironment, format!("{}{after}", from.name))
            }
            ImageSource::PackerManifest { path, .. } => origin(SourceKind::PackerManifest, path.clone()),
        }
    }
}

impl ImageSearch {
    /// Everything that is asked for: `hello-* of amazon, arm64, tested=true`.
    fn expression(&self) -> String {
        let owner = if self.owner == "self" { String::new() } else { format!(" of {}", self.owner) };
        let architecture = self.architecture.map(|one| format!(", {}", one.as_str())).unwrap_or_default();
        let tags: String = self.tags.iter().map(|(key, value)| format!(", {key}={value}")).collect();
        format!("{}{owner}{architecture}{tags}", self.name)
    }
}

/// How many sources are written, when there is not exactly one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an image has exactly one source, and this one has {0}")]
struct SourcesError(usize);

impl TryFrom<ImageFields> for Image {
    type Error = SourcesError;

    fn try_from(fields: ImageFields) -> Result<Self, SourcesError> {
        let mut sources: Vec<ImageSource> = [
            fields.id.map(ImageSource::Id),
            fields.ssm_parameter.map(ImageSource::SsmParameter),
            fields.search.map(ImageSource::Search),
            fields.from_environment.map(ImageSource::FromEnvironment),
            fields.packer_manifest.map(|path| ImageSource::PackerManifest { path, id: None }),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (sources.pop(), sources.len()) {
            (Some(source), 0) => Ok(Self { source, track: fields.track }),
            (None, _) => Err(SourcesError(0)),
            (Some(_), others) => Err(SourcesError(others + 1)),
        }
    }
}

impl From<Image> for ImageFields {
    fn from(image: Image) -> Self {
        let mut fields = Self { track: image.track, ..Self::default() };
        match image.source {
            ImageSource::Id(id) => fields.id = Some(id),
            ImageSource::SsmParameter(name) => fields.ssm_parameter = Some(name),
            ImageSource::Search(search) => fields.search = Some(search),
            ImageSource::FromEnvironment(from) => fields.from_environment = Some(from),
            ImageSource::PackerManifest { path, .. } => fields.packer_manifest = Some(path),
        }
        fields
    }
}

impl JsonSchema for Image {
    fn schema_name() -> Cow<'static, str> {
        "Image".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ImageFields::json_schema(generator);
        schema.insert(
            "description".to_owned(),
            "Where the machine image comes from, exactly one source, and whether a newer one is followed.".into(),
        );
        let sources = ["id", "ssmParameter", "search", "fromEnvironment", "packerManifest"];
        let one = sources.map(|name| serde_json::json!({"required": [name]}));
        schema.insert("oneOf".to_owned(), one.to_vec().into());
        schema
    }
}

/// The most artifacts a release may name: each is a tag of its own.
pub const MAX_ARTIFACTS: usize = 5;

/// What the image was built from, and what else belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The version that people call it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub version: Option<String>,
    /// The branch it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub branch: Option<String>,
    /// The commit it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub commit: Option<String>,
    /// When it was built: a day such as `2026-11-02`, or an RFC 3339 time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub build_date: Option<String>,
    /// What else belongs to the release, by a name of yours and its URI; five at most. Recorded with the deployed state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-amiable-effect" = "behaviour", "maxProperties" = MAX_ARTIFACTS))]
    pub artifacts: BTreeMap<String, String>,
}
