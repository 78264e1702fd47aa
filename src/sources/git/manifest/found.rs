//! An image reference in a manifest, and what is said about it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::domain::id::Digest;
use crate::domain::pin::Style;
use crate::domain::reference::Repository;

use super::known_text::{KnownText, known_text};
use super::site::{Insert, Site};

/// How a reference in a variable of a `.env` file was found.
pub(super) const VARIABLE: &str = "compose/.env";

/// Which rule found a reference (docs/reference/manifests.md, "Which style a document has", in the same order). The last two
/// find texts outside of every field that is known to name an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DetectionRule {
    /// A list of an image promoter.
    PromoterList,
    /// `images` of a Flux Kustomization or of a post renderer.
    FluxImages,
    /// A kustomization or a patch of one.
    Kustomize,
    /// The values of a HelmRelease, or an OCIRepository.
    FluxSource,
    /// An Application or an ApplicationSet of Argo CD.
    ArgoCd,
    /// Any other Kubernetes object.
    KubernetesObject,
    /// A Helmfile or a Compose file.
    HelmfileOrCompose,
    /// Values of a Helm chart.
    HelmValues,
    /// `name@sha256:…` in any other text of a document.
    LooseText,
    /// A line of a file that cannot be parsed.
    UnparsedLine,
}

impl DetectionRule {
    /// Whether it found a text that no known field names as an image. Such a text becomes a pin only where
    /// a configured service names the image.
    pub fn is_loose(self) -> bool {
        matches!(self, Self::LooseText | Self::UnparsedLine)
    }
}

/// One image reference at the place that defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How it is written.
    pub style: Style,
    /// The precise kind of place, for example `k8s/container` or `kustomize/images`.
    #[serde(deserialize_with = "known_text")]
    pub kind: KnownText,
    /// Which rule found it.
    pub rule: DetectionRule,
    /// The image part as written: no tag, no digest. A Helm `registry` is joined; empty where a
    /// parameter changes only the tag of an image that the chart names.
    pub written: String,
    /// The same, normalised; `None` where the text is no repository (templates) or names none.
    pub repository: Option<Repository>,
    /// The effective tag, if one is written.
    pub tag: Option<String>,
    /// The effective digest, if one is written.
    pub digest: Option<Digest>,
    /// Line of the scalar that contains the pin, from 1.
    pub line: u32,
    /// Path in the YAML stream: `$[document].key[index]`.
    pub yaml_path: String,
    /// The 71 bytes `sha256:…` in the file.
    pub digest_span: Option<Range<usize>>,
    /// Places that take this very scalar through a YAML alias, the one that makes it an image too.
    pub aliases: Vec<AliasUse>,
    /// Why it cannot be edited, if it cannot.
    pub read_only: Option<String>,
    /// Why the effective pin is what it is, where that is not plain from the text.
    pub reason: Option<String>,
    /// Why whoever renders it makes another reference of it than is written, if so.
    pub uncertain: Option<String>,
    /// Whether name, tag and digest stand in fields of their own that a chart reads from its values.
    pub(crate) in_values_fields: bool,
    /// Where its bytes stand, for the editor.
    pub(crate) site: Site,
}

/// A place that uses a scalar defined elsewhere in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasUse {
    /// Line of the alias, from 1.
    pub line: u32,
    /// Where the alias makes the value appear.
    pub yaml_path: String,
    /// Whether what it is merged into has another value there: then the pin does not arrive.
    pub overridden: bool,
}

/// Something that would undo or void an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Line, from 1.
    pub line: u32,
    /// What it is and what it does to an edit.
    pub text: String,
    /// The YAML document it is about; `None` = the whole repository.
    pub document: Option<u32>,
    /// The line of the field it is about, if it is about one field only.
    pub field: Option<u32>,
    /// The policy (`namespace:name`) of Flux's image automation, where it is about a marker of that.
    pub policy: Option<String>,
}

impl Warning {
    /// A warning about one reference.
    pub(crate) fn on(found: &Found, text: String) -> Self {
        Self {
            line: found.line,
            text,
            document: Some(found.site.document),
            field: Some(found.line),
            policy: None,
        }
    }

    /// Whether an edit of this reference has to do with it.
    pub(crate) fn concerns(&self, found: &Found) -> bool {
        let lines = found.site_lines();
        self.document.is_none_or(|document| document == found.site.document)
            && self.field.is_none_or(|field| lines.contains(&field))
    }
}

impl Found {
    /// A place that is read and whose bytes cannot be told.
    pub(crate) fn unread(line: u32) -> Self {
        Self {
            style: Style::Kustomize,
            kind: "kustomize/patch",
            rule: DetectionRule::Kustomize,
            written: String::new(),
            repository: None,
            tag: None,
            digest: None,
            line,
            yaml_path: String::new(),
            digest_span: None,
            aliases: Vec::new(),
            read_only: Some("its text is folded or escaped here, so its bytes cannot be replaced safely".to_owned()),
            reason: None,
            uncertain: None,
            in_values_fields: false,
            site: Site {
                document: 0,
                lines: Vec::new(),
                digest: None,
                tag: None,
                insert: Insert::Refused("its bytes cannot be told"),
            },
        }
    }

    /// The reference as written: image, tag, digest.
    pub fn reference(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
        format!("{}{tag}{digest}", self.written)
    }

    /// Whether it has to do with an image by itself: a lone `version` field in values has only where a chart says so, and a
    /// variable only where a Compose file reads it.
    pub fn names_image(&self) -> bool {
        self.kind != VARIABLE && (!self.written.is_empty() || self.yaml_path.to_ascii_lowercase().contains("image"))
    }

    /// The lines of its parts, as far as they are known: the pin's, and the tag's just before.
    fn site_lines(&self) -> Vec<u32> {
        let mut lines = vec![self.line];
        lines.extend(self.site.lines.iter().copied());
        lines
    }

    /// Whether a digest would get a field of its own in values that a chart reads.
    pub(crate) fn inserts_field(&self) -> bool {
        matches!(self.site.insert, Insert::Entry { .. }) && self.in_values_fields
    }
}
