//! What the renders of one environment come to, while they are collected.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use crate::sources::git::manifest::{Found, Handle};

use super::node::SourceSite;
use super::render::{Rendered, UnreadPart};

/// What is known of one environment.
#[derive(Default)]
pub(super) struct RenderedEnvironment {
    /// Images by the place that decides each, and what comes out there where that is another text.
    pub images: BTreeMap<(SourceSite, Option<String>), ImagePlaces>,
    /// References that took part in a render.
    pub seen: HashMap<u32, HashSet<Handle>>,
    /// Places that a patch takes away.
    pub gone: BTreeSet<SourceSite>,
    /// Lines of images that are deployed as they are and cannot be read.
    pub unread: BTreeSet<(u32, u32)>,
    /// Entries of a list that another file takes the place of.
    pub superseded: BTreeSet<SourceSite>,
    /// Files that a render consists of.
    pub rendered: BTreeSet<u32>,
    /// Value files that are layers of something.
    pub layers: BTreeSet<u32>,
    /// What is taken in and not read; the last part says whether it is a chart, of which the values are.
    pub taken_unread: BTreeSet<(UnreadPart, bool)>,
}

impl RenderedEnvironment {
    /// Notes what a render consists of, takes away, and cannot read.
    pub(super) fn takes(&mut self, rendered: &Rendered) {
        self.rendered.extend(&rendered.made_of);
        self.gone.extend(&rendered.gone);
        let unread = rendered.unread.iter().map(|part| (part.clone(), false));
        self.taken_unread.extend(unread);
    }
}

/// What the renders say of one image.
#[derive(Default)]
pub(super) struct ImagePlaces {
    /// Places that decide its name, where that is another.
    pub names: BTreeSet<SourceSite>,
    /// Places that something else was laid over.
    pub overridden: BTreeSet<SourceSite>,
    /// Why what comes out cannot be decided, if so.
    pub uncertain: Option<String>,
    /// Why the place that decides cannot be edited for it, if so.
    pub read_only: Option<String>,
}

/// References of a file that were found as a part of something larger, by the bytes and the lines that they stand at.
#[derive(Default)]
pub(super) struct PreciseReferences<'a> {
    spans: HashSet<&'a Range<usize>>,
    lines: HashMap<u32, Vec<String>>,
}

impl<'a> PreciseReferences<'a> {
    pub(super) fn of(all: impl Iterator<Item = &'a Found>) -> Self {
        let mut out = Self::default();
        for found in all {
            out.spans.extend(&found.digest_span);
            out.lines.entry(found.line).or_default().push(found.reference());
        }
        out
    }

    /// Whether a reference is among them: the same bytes of a digest, or the same text on the same line.
    pub(super) fn have(&self, found: &Found) -> bool {
        let has_bytes = found.digest_span.as_ref().is_some_and(|span| self.spans.contains(span));
        let on_line = || self.lines.get(&found.line);
        has_bytes || on_line().is_some_and(|texts| texts.contains(&found.reference()))
    }
}
