//! SLSA provenance: v1 (<https://slsa.dev/spec/v1.0/provenance>) and the v0.1/v0.2 it replaced.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::time::time;
use crate::domain::evidence::ProvenanceSummary;
use crate::domain::source::SourceRepository;
use crate::domain::text::{Untrusted, quoted};

pub(super) fn parse(predicate: &str) -> Result<ProvenanceSummary, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ProvenanceFields {
        build_definition: Option<IgnoredAny>,
        builder: Option<IgnoredAny>,
        build_type: Option<IgnoredAny>,
        recipe: Option<IgnoredAny>,
        invocation: Option<IgnoredAny>,
        materials: Option<IgnoredAny>,
    }
    let which: ProvenanceFields =
        serde_json::from_str(predicate).map_err(|e| format!("no provenance: {}", quoted(&e)))?;
    match which {
        ProvenanceFields {
            build_definition: Some(_),
            ..
        } => v1(predicate),
        ProvenanceFields {
            builder: None,
            build_type: None,
            recipe: None,
            invocation: None,
            materials: None,
            ..
        } => Err("no provenance: it has neither `buildDefinition` (v1) nor a field of v0.2 (`builder`, `buildType`, `invocation`, `materials`)".to_owned()),
        _ => v0(predicate),
    }
}

type ProvenanceText<'a> = Cow<'a, str>;

#[derive(Deserialize)]
struct Material<'a> {
    #[serde(default, borrow)]
    uri: Option<ProvenanceText<'a>>,
    #[serde(default)]
    digest: Option<BTreeMap<String, String>>,
}

impl Material<'_> {
    fn commit(&self) -> Option<&str> {
        let digest = self.digest.as_ref()?;
        let commit = digest.get("gitCommit").or_else(|| digest.get("sha1"))?;
        Some(commit)
    }

    fn is_git(&self) -> bool {
        self.uri.as_deref().is_some_and(|uri| uri.starts_with("git+"))
            || self.digest.as_ref().is_some_and(|d| d.contains_key("gitCommit"))
    }
}

// What tools leave out is left out here too: a missing field fails only a policy that asks for it. A field
// that is there must have the type that the specification gives it.

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1<'a> {
    #[serde(borrow)]
    build_definition: Definition<'a>,
    #[serde(default, borrow)]
    run_details: Option<RunDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    #[serde(default, borrow)]
    build_type: Option<ProvenanceText<'a>>,
    #[serde(default, borrow)]
    external_parameters: Option<&'a RawValue>,
    #[serde(default, borrow)]
    resolved_dependencies: Option<Vec<Material<'a>>>,
}

#[derive(Deserialize, Default)]
struct RunDetails<'a> {
    #[serde(default, borrow)]
    builder: Option<BuilderBody<'a>>,
    #[serde(default, borrow)]
    metadata: Option<RunMetadata<'a>>,
}

#[derive(Deserialize)]
struct BuilderBody<'a> {
    #[serde(default, borrow)]
    id: Option<ProvenanceText<'a>>,
}

#[derive(Deserialize, Default)]
struct RunMetadata<'a> {
    #[serde(default, borrow, rename = "invocationId", alias = "invocationID")]
    invocation: Option<ProvenanceText<'a>>,
    #[serde(default, borrow, rename = "startedOn")]
    started: Option<ProvenanceText<'a>>,
    #[serde(default, borrow, rename = "finishedOn")]
    finished: Option<ProvenanceText<'a>>,
}

/// The parameters that well-known build types use for the source (GitHub's workflow type, the SLSA
/// generators, Cloud Build). Anything else in them is the build type's own business.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(default, borrow)]
    workflow: Option<Workflow<'a>>,
    #[serde(default, borrow)]
    source: Option<SourceParameter<'a>>,
    #[serde(default, borrow)]
    build_config_source: Option<Workflow<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SourceParameter<'a> {
    Material(#[serde(borrow)] Material<'a>),
    Uri(#[serde(borrow)] ProvenanceText<'a>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Workflow<'a> {
    #[serde(default, borrow)]
    repository: Option<ProvenanceText<'a>>,
    #[serde(default, borrow)]
    path: Option<ProvenanceText<'a>>,
    #[serde(default, borrow, rename = "ref")]
    reference: Option<ProvenanceText<'a>>,
}

fn v1(predicate: &str) -> Result<ProvenanceSummary, String> {
    let read: V1<'_> = serde_json::from_str(predicate).map_err(|e| format!("no provenance v1: {}", quoted(&e)))?;
    let definition = read.build_definition;
    let run = read.run_details.unwrap_or_default();
    let dependencies = definition.resolved_dependencies.unwrap_or_default();
    let parameters: Parameters<'_> = definition
        .external_parameters
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let workflow = parameters.workflow.or(parameters.build_config_source);
    let git = dependencies.iter().find(|d| d.is_git());
    let named = match &parameters.source {
        Some(SourceParameter::Material(material)) => material.uri.as_deref(),
        Some(SourceParameter::Uri(uri)) => Some(&**uri),
        Some(SourceParameter::Other(_)) | None => None,
    };
    let source = workflow
        .as_ref()
        .and_then(|w| w.repository.as_deref())
        .or(named)
        .or_else(|| git.and_then(|g| g.uri.as_deref()));
    // The commit is that of the dependency which is the source itself, where one says so.
    let same = |d: &&Material<'_>| {
        let (Some(uri), Some(source)) = (d.uri.as_deref(), source) else {
            return false;
        };
        SourceRepository::same(uri, source)
    };
    let from = dependencies.iter().find(same).or(git);
    let commit = from.and_then(Material::commit).or(match &parameters.source {
        Some(SourceParameter::Material(material)) => material.commit(),
        _ => None,
    });
    let metadata = run.metadata.unwrap_or_default();
    Ok(ProvenanceSummary {
        builder: own(run.builder.as_ref().and_then(|b| b.id.as_deref())),
        build_type: own(definition.build_type.as_deref()),
        source: own(source),
        commit: own(commit),
        workflow: workflow.and_then(|w| match (w.path, w.reference) {
            (Some(path), Some(reference)) => Some(Untrusted::new(format!("{path}@{reference}"))),
            (Some(path), None) => own(Some(&path)),
            _ => None,
        }),
        invocation: own(metadata.invocation.as_deref()),
        started_at: time(metadata.started.as_deref()),
        finished_at: time(metadata.finished.as_deref()),
        dependencies: u32::try_from(dependencies.len()).unwrap_or(u32::MAX),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V0<'a> {
    #[serde(default, borrow)]
    builder: Option<BuilderBody<'a>>,
    #[serde(default, borrow)]
    build_type: Option<ProvenanceText<'a>>,
    #[serde(default, borrow)]
    invocation: Option<Invocation<'a>>,
    /// v0.1 only.
    #[serde(default, borrow)]
    recipe: Option<Recipe<'a>>,
    #[serde(default, borrow)]
    metadata: Option<BuildMetadata<'a>>,
    #[serde(default, borrow)]
    materials: Option<Vec<Material<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    #[serde(default, borrow)]
    config_source: Option<ConfigSource<'a>>,
    #[serde(default, rename = "parameters")]
    _parameters: Option<Object>,
    #[serde(default, rename = "environment")]
    _environment: Option<Object>,
}

/// Some object; what is in it is the build type's own business.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::<IgnoredKey, IgnoredAny>::deserialize(from).map(|_| Self)
    }
}

/// A key that is not kept.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct IgnoredKey;

impl<'de> Deserialize<'de> for IgnoredKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigSource<'a> {
    #[serde(default, borrow)]
    uri: Option<ProvenanceText<'a>>,
    #[serde(default)]
    digest: Option<BTreeMap<String, String>>,
    #[serde(default, borrow)]
    entry_point: Option<ProvenanceText<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipe<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<ProvenanceText<'a>>,
    #[serde(default, borrow)]
    entry_point: Option<ProvenanceText<'a>>,
}

#[derive(Deserialize, Default)]
struct BuildMetadata<'a> {
    #[serde(default, borrow, rename = "buildInvocationId", alias = "buildInvocationID")]
    invocation: Option<ProvenanceText<'a>>,
    #[serde(default, borrow, rename = "buildStartedOn")]
    started: Option<ProvenanceText<'a>>,
    #[serde(default, borrow, rename = "buildFinishedOn")]
    finished: Option<ProvenanceText<'a>>,
}

fn v0(predicate: &str) -> Result<ProvenanceSummary, String> {
    let read: V0<'_> = serde_json::from_str(predicate).map_err(|e| format!("no provenance v0.2: {}", quoted(&e)))?;
    let recipe = read.recipe.as_ref();
    let build_type = read.build_type.or_else(|| recipe.and_then(|r| r.kind.clone()));
    let materials = read.materials.unwrap_or_default();
    let config = read.invocation.and_then(|i| i.config_source);
    let git = materials.iter().find(|m| m.is_git());
    let source = config
        .as_ref()
        .and_then(|c| c.uri.as_deref())
        .filter(|uri| !uri.is_empty());
    let source = source.or_else(|| git.and_then(|g| g.uri.as_deref()));
    let stated = config.as_ref().and_then(|c| c.digest.as_ref());
    let commit = stated.and_then(|d| d.get("sha1").or_else(|| d.get("gitCommit")));
    let commit = commit.map(String::as_str).or_else(|| git.and_then(Material::commit));
    let workflow = config.as_ref().and_then(|c| c.entry_point.as_deref());
    let workflow = workflow.or_else(|| recipe.and_then(|r| r.entry_point.as_deref()));
    let metadata = read.metadata.unwrap_or_default();
    Ok(ProvenanceSummary {
        builder: own(read.builder.as_ref().and_then(|b| b.id.as_deref())),
        build_type: own(build_type.as_deref()),
        source: own(source),
        commit: own(commit),
        workflow: own(workflow),
        invocation: own(metadata.invocation.as_deref()),
        started_at: time(metadata.started.as_deref()),
        finished_at: time(metadata.finished.as_deref()),
        dependencies: u32::try_from(materials.len()).unwrap_or(u32::MAX),
    })
}

fn own(text: Option<&str>) -> Option<Untrusted> {
    text.filter(|t| !t.is_empty()).map(Untrusted::from)
}
