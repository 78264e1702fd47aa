//! What the renders of one environment come to, while they are collected.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::sources::git::manifest::Handle;

use super::node::SourceSite;

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
