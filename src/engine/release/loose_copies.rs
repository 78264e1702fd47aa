//! Loose copies of a pinned image in the files of its environment: which there are, and which of them an edit may
//! take along.

use std::collections::BTreeSet;

use crate::domain::loose_copy::LooseCopy;
use crate::domain::pin::Pin;
use crate::domain::text::Untrusted;
use crate::domain::write::WriteFailure;
use crate::sources::git::manifest::{self, CopiedImage, Found, Mentioned};

use super::plan_context::PlanContext;

/// Bytes of one file in which copies are looked for; larger ones are no configuration.
const LARGEST: u64 = 1 << 20;

/// Files of one environment by path, as they are at the base commit.
pub(super) type SearchedFiles = Vec<(String, Vec<u8>)>;

/// A copy, with what an edit needs.
#[derive(Debug)]
pub(super) struct FoundCopy {
    pub file: String,
    pub mentioned: Mentioned,
    /// Why it cannot be taken along, if so.
    pub closed: Option<String>,
}

/// The files of the pins' environment that may contain copies: those in its folders, and those that it takes in.
pub(super) async fn files(context: &PlanContext, pins: &[&Pin]) -> Result<SearchedFiles, WriteFailure> {
    let Some(environment) = pins.first().map(|pin| &pin.target.environment) else {
        return Ok(Vec::new());
    };
    let commit = &context.ledger().commit;
    let is_there = |path: &str| {
        context.paths.of(path).any(|env| env == environment)
            || context
                .includes
                .environments(path, &context.paths)
                .contains_key(environment)
    };
    let wanted: Vec<(String, String)> = context
        .files
        .iter()
        .filter(|file| manifest::may_contain_copies(&file.path))
        .filter(|file| !commit.copied.contains(&file.path) && is_there(&file.path))
        .map(|file| (file.path.clone(), file.oid.clone()))
        .collect();
    context
        .git(move |repo| {
            let blobs = repo.blobs()?;
            let each = wanted.into_iter();
            let found = each.map(|(path, oid)| Ok(blobs.read_if(&oid, LARGEST, &|_| true)?.map(|bytes| (path, bytes))));
            found.filter_map(Result::transpose).collect()
        })
        .await
}

/// The copies of these pins' image in a file.
pub(super) fn in_file(context: &PlanContext, pins: &[&Pin], file: &str, bytes: &[u8]) -> Vec<FoundCopy> {
    let deciding = || pins.iter().flat_map(|pin| pin.deciding());
    let of = CopiedImage {
        images: deciding().map(|location| &location.image).collect(),
        digests: pins.iter().filter_map(|pin| pin.digest).collect(),
        tags: pins.iter().filter_map(|pin| pin.tag.as_deref()).collect(),
    };
    let is_here = |pin: &&Pin| context.ledger().has_here(&pin.target.environment);
    let all_pins = || context.ledger().pins().filter(is_here);
    let is_pin = |one: &Mentioned| {
        let mut places = all_pins().flat_map(|pin| &pin.locations);
        one.has_digest && places.any(|l| l.file == file && l.line == one.line && of.images.contains(&l.image))
    };
    let all = manifest::copies_in(file, bytes, &of).into_iter();
    all.filter(|one| !is_pin(one))
        .map(|mentioned| FoundCopy {
            file: file.to_owned(),
            closed: closed(&mentioned),
            mentioned,
        })
        .collect()
}

/// Why a copy cannot be edited by what is known from its file alone.
fn closed(one: &Mentioned) -> Option<String> {
    match &one.found {
        Some(found) => found.read_only.clone(),
        None if one.has_digest => Some("the file is no manifest, so an edit of it cannot be proven".to_owned()),
        None => Some("it has only the tag".to_owned()),
    }
}

impl FoundCopy {
    /// What the plan says of it.
    pub(super) fn told(&self, taken: bool) -> LooseCopy {
        LooseCopy {
            file: self.file.clone(),
            line: self.mentioned.line,
            reference: Untrusted::new(self.mentioned.reference.clone()),
            has_digest: self.mentioned.has_digest,
            taken,
            why: self.closed.clone().map(Untrusted::new),
        }
    }

    /// What an edit of it changes, if it is one of those in this file.
    pub(super) fn found_in(&self, file: &str) -> Option<&Found> {
        self.mentioned.found.as_ref().filter(|_| self.file == file)
    }
}

/// What a person should know of the copies that stay as they are.
pub(super) fn left_behind(copies: &[LooseCopy]) -> BTreeSet<Untrusted> {
    let left = copies.iter().filter(|copy| !copy.taken);
    left.map(|copy| {
        let LooseCopy {
            file, line, reference, ..
        } = copy;
        let what = format!(
            "{file}:{line} names {} too, in a text of its own, and stays behind",
            reference.raw()
        );
        let next = match (&copy.why, copy.has_digest) {
            (_, false) => "a copy by tag alone is never edited; change it by hand if it must follow".to_owned(),
            (None, true) => "it follows only if the loose copies are taken along, or by hand".to_owned(),
            (Some(why), true) => format!(
                "it cannot be taken along ({}); change it by hand if it must follow",
                why.raw()
            ),
        };
        Untrusted::new(format!("{what}: {next}"))
    })
    .collect()
}
