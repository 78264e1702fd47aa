//! Collects what the styles find: one place that turns nodes into [`Found`]s with spans, lines,
//! aliases and edit sites.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::alias_uses;
use super::found::{DetectionRule, Found};
use super::nested::Mapping;
use super::reference_text::{self, Parts};
use super::site::{DigestSlot, Insert, Site, TagForm, TagSlot};
use super::tree::{Flow, Id, Kind, Tree};
use crate::domain::id::Digest;
use crate::domain::pin::{Style, Unmanaged};
use crate::domain::reference::Repository;

/// References kept of one file; and aliases listed.
pub(super) const MAX_FOUND: usize = 20_000;
const MAX_ALIASES: usize = 20_000;

/// How something was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundBy {
    /// How the file is written.
    pub style: Style,
    /// The precise kind.
    pub kind: &'static str,
    /// The detection rule.
    pub rule: DetectionRule,
}

/// An image whose name, tag and digest stand in fields of one mapping.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The image part as written.
    pub written: String,
    /// What it is read as; `None` = parse `written`.
    pub image: Option<String>,
    /// The scalar that names the image.
    pub name: Option<Id>,
    /// The tag's scalar (`tag`, `newTag`, `version`).
    pub tag: Option<Id>,
    /// The digest's scalar (`digest`, `sha`), even if empty.
    pub digest: Option<Id>,
    /// Where a new digest entry goes, if neither name nor tag is the right neighbour.
    pub beside: Option<Id>,
    /// The key of a new digest entry.
    pub key: Option<&'static str>,
    /// The whole tag entry may be removed.
    pub tag_removable: bool,
    /// New digests go into the tag's scalar rather than into an entry of their own.
    pub embed: bool,
    /// Why it cannot be edited.
    pub read_only: Option<String>,
    /// Why the pin is what it is.
    pub reason: Option<String>,
    /// Why whoever renders it makes another reference of it than is written.
    pub uncertain: Option<String>,
    /// Whether they are fields that a chart reads from its values.
    pub in_values_fields: bool,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Path of the file.
    pub file: String,
    /// Results.
    pub found: Vec<Found>,
    /// Seen, not managed.
    pub unmanaged: Vec<Unmanaged>,
    /// Scalars that belong to a finding.
    claimed: HashSet<Id>,
    /// Pins written in several fields, by the scalar that contains them and the image.
    seen: HashSet<(Id, String)>,
    /// Mappings and lists that have been looked through.
    walked: HashSet<Id>,
    /// The index of the reference that a scalar is a part of.
    parts: HashMap<Id, usize>,
    /// Aliases listed.
    aliases: usize,
    /// There was more than is kept.
    pub overflow: bool,
    /// Set while a text inside a block scalar is read.
    nested: Option<Mapping>,
}

impl Output {
    /// Nothing found yet.
    pub(crate) fn for_file(path: &str) -> Self {
        Self {
            file: path.to_owned(),
            ..Self::default()
        }
    }

    /// Whether a scalar belongs to a finding already.
    pub(crate) fn is_claimed(&self, id: Id) -> bool {
        self.claimed.contains(&id)
    }

    /// Whether a collection is looked through for the first time: aliases lead to it again.
    pub(crate) fn first_time(&mut self, tree: &Tree<'_>, id: Id) -> bool {
        self.walked.insert(tree.resolve(id))
    }

    /// The index of the reference that a scalar is a part of.
    pub(crate) fn found_at(&self, id: Id) -> Option<usize> {
        self.parts.get(&id).copied()
    }

    /// Marks a scalar as understood.
    pub(crate) fn claim(&mut self, id: Id) {
        self.claimed.insert(id);
    }

    /// Collects from a text inside a scalar, whose nodes have ids of their own.
    pub(crate) fn within_text(&mut self, mapping: Mapping, read: impl FnOnce(&mut Self)) {
        let outer = (
            std::mem::take(&mut self.claimed),
            std::mem::take(&mut self.seen),
            std::mem::take(&mut self.walked),
            std::mem::take(&mut self.parts),
        );
        self.nested = Some(mapping);
        read(self);
        self.nested = None;
        (self.claimed, self.seen, self.walked, self.parts) = outer;
    }

    /// A scalar that contains one reference and nothing else. Tells whether it does.
    pub(crate) fn reference(&mut self, tree: &Tree<'_>, at: Id, how: FoundBy) -> bool {
        let Some(text) = tree.filled(at) else {
            return false;
        };
        let Some(parts) = reference_text::parse(text) else {
            return false;
        };
        let base = tree.verbatim(tree.resolve(at)).map(|v| v.start);
        self.within(tree, at, how, text, &parts, base, |offset| offset, None, None);
        true
    }

    /// A reference within a scalar. `text` is what is understood, `raw` maps its offsets to those
    /// of bytes after `base`, the file offset where the scalar's value begins.
    #[allow(clippy::too_many_arguments, reason = "one call per way of writing a reference")]
    pub(crate) fn within(
        &mut self,
        tree: &Tree<'_>,
        at: Id,
        how: FoundBy,
        text: &str,
        parts: &Parts,
        base: Option<usize>,
        raw: impl Fn(usize) -> usize,
        image: Option<String>,
        read_only: Option<String>,
    ) {
        let holder = tree.resolve(at);
        if !how.rule.is_loose() && !self.claimed.insert(holder) {
            return;
        }
        let written = text[parts.name.clone()].to_owned();
        let tag = parts.tag.clone().map(|r| text[r].to_owned());
        let digest = parts.digest.clone().and_then(|r| reference_text::digest(&text[r]));
        let place = |range: &Range<usize>| base.map(|b| b + raw(range.start)..b + raw(range.end - 1) + 1);
        let digest_slot = parts
            .digest
            .as_ref()
            .and_then(place)
            .map(|span| DigestSlot { span, bare: false });
        let tag_slot = parts.tag.as_ref().and_then(place).map(|span| TagSlot {
            span,
            form: TagForm::Inline,
        });
        let insert = match (base, &parts.digest) {
            (_, Some(_)) => Insert::Refused("a digest is written already"),
            (Some(base), None) => Insert::Append(base + raw(text.len())),
            (None, None) => Insert::Refused(NOT_VERBATIM),
        };
        let repository = match &image {
            Some(image) => Repository::parse(image).ok(),
            None => Repository::parse(&written).ok(),
        };
        self.emit(
            tree,
            at,
            holder,
            &[],
            Found {
                style: how.style,
                kind: how.kind,
                rule: how.rule,
                written,
                repository,
                tag,
                digest,
                line: 0,
                yaml_path: String::new(),
                digest_span: None,
                aliases: Vec::new(),
                read_only,
                reason: None,
                uncertain: None,
                in_values_fields: false,
                site: Site {
                    document: 0,
                    lines: Vec::new(),
                    digest: digest_slot,
                    tag: tag_slot,
                    insert,
                },
            },
        );
    }

    /// An image written in several fields.
    pub(crate) fn fields(&mut self, tree: &Tree<'_>, how: FoundBy, fields: Fields) {
        let Some(pin) = FieldsPin::read(tree, &fields) else {
            return;
        };
        let holder = tree.resolve(pin.holder);
        for id in [fields.name, fields.tag, fields.digest].into_iter().flatten() {
            self.claim(tree.resolve(id));
        }
        let repository = match &fields.image {
            Some(image) => reference_text::parse(image).and_then(|p| Repository::parse(&image[p.name]).ok()),
            None => Repository::parse(&pin.written).ok(),
        };
        // Reached a second time through a merge key: it was found where it is defined.
        if !self.seen.insert((holder, pin.written.clone())) {
            return;
        }
        let mut parts: Vec<Id> = [fields.name, fields.tag, fields.digest].into_iter().flatten().collect();
        // Lists of parameters have a mapping of its own for each part.
        let keys: HashSet<Option<&str>> = parts.iter().map(|part| tree.key_of(*part)).collect();
        if keys.len() < parts.len() {
            parts.clear();
        }
        for part in [fields.name, fields.tag, fields.digest].into_iter().flatten() {
            self.parts.insert(tree.resolve(part), self.found.len());
        }
        self.emit(
            tree,
            pin.holder,
            holder,
            &parts,
            Found {
                style: how.style,
                kind: how.kind,
                rule: how.rule,
                written: pin.written,
                repository,
                tag: pin.tag,
                digest: pin.digest,
                line: 0,
                yaml_path: String::new(),
                digest_span: None,
                aliases: Vec::new(),
                read_only: fields.read_only,
                reason: fields.reason,
                uncertain: fields.uncertain,
                in_values_fields: fields.in_values_fields,
                site: pin.site,
            },
        );
    }

    fn emit(&mut self, tree: &Tree<'_>, at: Id, holder: Id, parts: &[Id], mut found: Found) {
        if self.found.len() == MAX_FOUND {
            self.overflow = true;
            return;
        }
        found.yaml_path = tree.path(at);
        found.site.document = tree.document_of(at);
        found.line = match &found.site.digest {
            Some(slot) => tree.line_at(slot.span.start),
            None => tree.node(holder).line,
        };
        if found.digest.is_some() && found.site.digest.is_none() && found.read_only.is_none() {
            found.read_only = Some(NOT_VERBATIM.to_owned());
        }
        match alias_uses::list(tree, holder, parts, MAX_ALIASES - self.aliases) {
            Some(aliases) => {
                self.aliases += aliases.len();
                found.aliases = aliases;
            }
            None => {
                self.aliases = MAX_ALIASES;
                found.read_only = Some("more aliases hang on it than can be listed".to_owned());
            }
        }
        if let Some(mapping) = &self.nested {
            mapping.lift(&mut found);
        }
        found.digest_span = found
            .site
            .digest
            .as_ref()
            .filter(|slot| !slot.bare)
            .map(|slot| slot.span.clone());
        self.parts.insert(holder, self.found.len());
        self.found.push(found);
    }

    /// The line in the file.
    pub(crate) fn line(&self, line: u32) -> u32 {
        self.nested.as_ref().map_or(line, |mapping| mapping.line(line))
    }

    /// Something that is seen and cannot be managed.
    pub(crate) fn unmanaged(&mut self, line: u32, text: &str, reason: impl Into<String>) {
        if self.unmanaged.len() == MAX_FOUND {
            self.overflow = true;
            return;
        }
        let line = self.line(line);
        self.unmanaged.push(Unmanaged {
            file: self.file.clone(),
            line,
            text: text.chars().take(200).collect::<String>().into(),
            reason: reason.into(),
        });
    }
}

const NOT_VERBATIM: &str = "the text is folded or escaped here, so its bytes cannot be replaced safely";

/// The effective pin of [`Fields`].
struct FieldsPin {
    written: String,
    tag: Option<String>,
    digest: Option<Digest>,
    holder: Id,
    site: Site,
}

impl FieldsPin {
    fn read(tree: &Tree<'_>, fields: &Fields) -> Option<Self> {
        let slice = |id: Id, range: &Range<usize>| {
            let base = tree.verbatim(tree.resolve(id))?.start;
            Some(base + range.start..base + range.end)
        };
        let (mut written, hex_follows) = match fields.written.strip_suffix("@sha256") {
            Some(name) => (name.to_owned(), true),
            None => (fields.written.clone(), false),
        };
        let mut out = Self {
            written: String::new(),
            tag: None,
            digest: None,
            holder: fields
                .tag
                .filter(|id| tree.filled(*id).is_some())
                .or(fields.beside)
                .or(fields.tag)
                .or(fields.name)
                .or(fields.digest)?,
            site: Site {
                document: 0,
                lines: Vec::new(),
                digest: None,
                tag: None,
                insert: Insert::Refused("a digest is written already"),
            },
        };
        // The name may carry a tag and a digest of its own.
        let is_versioned = |p: &Parts| p.digest.is_some() || p.tag.is_some();
        if let (Some(id), Some(parts)) = (fields.name, reference_text::parse(&written).filter(is_versioned)) {
            let value = tree.text_of(id).unwrap_or("");
            let shift = value.len().checked_sub(written.len());
            let moved = |r: Range<usize>| shift.map(|s| r.start + s..r.end + s);
            out.tag = parts.tag.clone().map(|r| written[r].to_owned());
            out.site.tag = parts
                .tag
                .clone()
                .and_then(moved)
                .and_then(|r| slice(id, &r))
                .map(|span| TagSlot {
                    span,
                    form: TagForm::Inline,
                });
            if let Some(range) = parts.digest.clone() {
                out.digest = reference_text::digest(&written[range.clone()]);
                out.site.digest = moved(range)
                    .and_then(|r| slice(id, &r))
                    .map(|span| DigestSlot { span, bare: false });
                out.holder = id;
            }
            written.truncate(parts.name.end);
        }
        if let Some((id, text)) = fields.tag.and_then(|id| Some((id, tree.filled(id)?))) {
            let mut version = reference_text::parse_version(text);
            if version.digest.as_ref().is_some_and(|r| r.len() == 64) && !hex_follows {
                version = reference_text::VersionParts {
                    tag: Some(0..text.len()),
                    digest: None,
                };
            }
            if let Some(range) = version.digest.clone() {
                out.digest = reference_text::digest(&text[range.clone()]);
                out.site.digest = slice(id, &range).map(|span| DigestSlot {
                    bare: span.len() == 64,
                    span,
                });
                out.holder = id;
            }
            if let Some(range) = version.tag {
                out.tag = Some(text[range.clone()].to_owned());
                out.site.tag = slice(id, &range).map(|span| TagSlot {
                    form: tag_form(tree, id, fields, version.digest.is_some()),
                    span,
                });
            }
        }
        if let Some((id, text)) = fields.digest.and_then(|id| Some((id, tree.filled(id)?)))
            && let Some(digest) = reference_text::digest(text.trim())
        {
            out.digest = Some(digest);
            let lead = text.len() - text.trim_start().len();
            // Block scalars are located without the white space around them.
            let lead = match tree.node(tree.resolve(id)).kind {
                Kind::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded) => 0,
                _ => lead,
            };
            out.site.digest = slice(id, &(lead..lead + text.trim().len())).map(|span| DigestSlot {
                bare: span.len() == 64,
                span,
            });
            out.holder = id;
        }
        if out.digest.is_none() {
            out.site.insert = insertion(tree, fields);
        }
        let parts = [fields.name, fields.tag, fields.digest].into_iter().flatten();
        out.site.lines = parts.map(|id| tree.node(tree.resolve(id)).line).collect();
        out.written = written;
        Some(out)
    }
}

fn tag_form(tree: &Tree<'_>, id: Id, fields: &Fields, with_digest: bool) -> TagForm {
    if with_digest {
        return TagForm::BeforeDigest;
    }
    let node = tree.node(tree.resolve(id));
    TagForm::Field {
        scalar: node.span.clone(),
        plain: matches!(node.kind, Kind::Scalar(_, ScalarStyle::Plain)),
        removable_from: tree
            .entry_of(id)
            .filter(|(map, _)| fields.tag_removable && tree.is_block_map(*map))
            .map(|(_, key)| tree.node(key).span.start),
    }
}

fn insertion(tree: &Tree<'_>, fields: &Fields) -> Insert {
    let is_alias = |id: Id| matches!(tree.node(id).kind, Kind::Alias(_));
    if let Some(id) = fields.digest {
        return if is_alias(id) || tree.filled(id).is_some() {
            Insert::Refused("its digest field holds something else")
        } else {
            Insert::Fill(tree.node(id).span.clone())
        };
    }
    let tag = fields.tag.filter(|id| tree.filled(*id).is_some());
    if fields.embed
        && let Some(id) = tag
    {
        return match tree.verbatim(tree.resolve(id)) {
            Some(span) => Insert::Append(span.end),
            None => Insert::Refused(NOT_VERBATIM),
        };
    }
    let (Some(key), Some(beside)) = (fields.key, fields.beside.or(fields.tag).or(fields.name)) else {
        return Insert::Refused("there is no field for a digest here");
    };
    let Some((map, neighbour)) = tree.entry_of(beside) else {
        return Insert::Refused("there is no mapping that a digest could join");
    };
    let braces = matches!(tree.node(map).kind, Kind::Map(_, Flow::Braces));
    Insert::Entry {
        key_at: tree.node(neighbour).span.start,
        value_end: tree.node(beside).span.end,
        key,
        braces,
    }
}
