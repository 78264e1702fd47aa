//! Which earlier digest a revert goes back to: the *last known good* (docs/reference/contract.md,
//! "Last known good"). Pure decisions over the history of one pin and the holds in force.
//!
//! A digest is judged by its newest entry in the history. One that a revert took out, or that is on hold
//! here or in an earlier environment, is never chosen by itself; it is named with the reason instead.

use std::collections::{BTreeMap, BTreeSet};

use super::board::Hold;
use super::hold::HoldsInForce;
use super::id::{Digest, Target};
use super::pin::PinnedBy;
use super::text::Untrusted;
use super::verdict::Outcome;

/// A digest that was replaced sooner than this many seconds after it was pinned may have been replaced
/// because it was bad ("fixed forward").
const SETTLED_SECONDS: i64 = 60 * 60;

/// The digests that a target pins on one side of a commit, each with the tag beside it.
pub(crate) type PinnedDigests = BTreeMap<Digest, Option<String>>;

/// One commit of the branch that changed what a target pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestChange {
    /// The commit.
    pub by: PinnedBy,
    /// Whether the commit takes an earlier one back: by pindeck's own revert or by a plain `git revert`.
    pub is_revert: bool,
    /// What was pinned before it.
    pub before: PinnedDigests,
    /// What was pinned after it.
    pub after: PinnedDigests,
}

impl DigestChange {
    /// Whether this digest was pinned before it and is not pinned after it.
    pub(crate) fn takes_out(&self, digest: Digest) -> bool {
        self.before.contains_key(&digest) && !self.after.contains_key(&digest)
    }

    fn brings_in(&self, digest: Digest) -> bool {
        self.after.contains_key(&digest) && !self.before.contains_key(&digest)
    }
}

/// A digest that was pinned before and is not pinned now, as its newest entry in the history tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierDigest {
    /// A digest that was pinned here before.
    pub digest: Digest,
    /// The tag that stood beside it last.
    pub tag: Option<String>,
    /// The commit that pinned it last; `None` if the history does not reach that far.
    pub pinned: Option<PinnedBy>,
    /// The commit that replaced it.
    pub replaced: PinnedBy,
    /// Whether that commit is a revert.
    pub ended_by_revert: bool,
    /// The hold that closes the environment for it, if there is one.
    pub hold: Option<Hold>,
}

impl EarlierDigest {
    /// How many seconds it stood, by committer dates; `None` if the history does not reach that far. It can
    /// be negative where clocks differ.
    pub(crate) fn stood_seconds(&self) -> Option<i64> {
        let pinned = self.pinned.as_ref()?;
        Some(self.replaced.at.as_second() - pinned.at.as_second())
    }

    /// How many seconds it stood, if that was too short to tell that it was good.
    pub(crate) fn stood_briefly(&self) -> Option<i64> {
        self.stood_seconds().filter(|stood| *stood < SETTLED_SECONDS)
    }

    /// Why it is not chosen by itself, if so.
    pub(crate) fn skipped(&self) -> Option<Skipped<'_>> {
        match &self.hold {
            Some(hold) => Some(Skipped::Held(hold)),
            None if self.ended_by_revert => Some(Skipped::EndedByRevert(&self.replaced)),
            None => None,
        }
    }
}

/// Why an earlier digest is not chosen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped<'a> {
    /// A hold names it, here or in an earlier environment.
    Held(&'a Hold),
    /// This commit, a revert, took it out.
    EndedByRevert(&'a PinnedBy),
}

impl Skipped<'_> {
    /// The reason as a clause.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Held(hold) => format!("it is on hold in {}: {}", hold.environment, hold.reason.quoted()),
            Self::EndedByRevert(by) => format!(
                "it was taken out by the revert {} at {}: {}",
                short(&by.commit),
                by.at,
                by.subject.quoted()
            ),
        }
    }
}

/// The digests pinned before, each once, the one that was replaced last first. `history` is newest first,
/// `now` is what is pinned today. Holds that cannot be read are for the caller: they close everything.
pub(crate) fn earlier_digests(
    history: &[DigestChange],
    now: &BTreeSet<Digest>,
    holds: HoldsInForce<'_, '_>,
    target: &Target,
) -> Vec<EarlierDigest> {
    let mut seen = now.clone();
    let mut found = Vec::new();
    for (at, change) in history.iter().enumerate() {
        for (digest, tag) in &change.before {
            if change.after.contains_key(digest) || !seen.insert(*digest) {
                continue;
            }
            let pinned = history[at + 1..].iter().find(|older| older.brings_in(*digest));
            found.push(EarlierDigest {
                digest: *digest,
                tag: tag.clone(),
                pinned: pinned.map(|change| change.by.clone()),
                replaced: change.by.clone(),
                ended_by_revert: change.is_revert,
                hold: holds.closing(target, *digest).next().cloned(),
            });
        }
    }
    found
}

/// The default target of a revert, before its evidence is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastKnownGood<'a> {
    /// The newest earlier digest that is not skipped.
    pub target: Option<&'a EarlierDigest>,
    /// Newer ones that are skipped; all of them where there is no target.
    pub skipped: Vec<&'a EarlierDigest>,
}

/// Chooses the last known good among the earlier digests, newest first.
pub(crate) fn last_known_good(earlier: &[EarlierDigest]) -> LastKnownGood<'_> {
    let target = earlier.iter().position(|one| one.skipped().is_none());
    LastKnownGood {
        target: target.map(|at| &earlier[at]),
        skipped: earlier[..target.unwrap_or(earlier.len())].iter().collect(),
    }
}

/// Whether the default target counts as good by its verdict under today's policy: a WARNED test result
/// needs a person's acknowledgement.
pub(crate) fn is_good(result: Outcome, acknowledged: bool) -> bool {
    match result {
        Outcome::Verified => true,
        Outcome::Warned => acknowledged,
        Outcome::Rejected | Outcome::Unknown => false,
    }
}

/// Whether going back to `digest` undoes the newest revert: it is what that revert took out. Such a revert
/// puts nothing on hold.
pub(crate) fn undoes_a_revert(history: &[DigestChange], digest: Digest) -> bool {
    let newest = history.iter().find(|change| change.is_revert);
    newest.is_some_and(|revert| revert.takes_out(digest))
}

/// The commit since which a digest is pinned without a break; `None` if the history does not reach that far.
pub(crate) fn pinned_since(history: &[DigestChange], digest: Digest) -> Option<&PinnedBy> {
    let made = history.iter().find(|change| change.brings_in(digest));
    made.map(|change| &change.by)
}

/// The newest revert that took this digest out, if one did.
pub(crate) fn reverted(history: &[DigestChange], digest: Digest) -> Option<&PinnedBy> {
    let found = history
        .iter()
        .find(|change| change.is_revert && change.takes_out(digest));
    found.map(|change| &change.by)
}

/// What a person is told of a target: whether it stood only briefly, and what was skipped for it.
pub(crate) fn remarks(choice: &LastKnownGood<'_>) -> Vec<Untrusted> {
    let skipped = choice.skipped.iter().filter_map(|one| {
        let name = named(one.digest, one.tag.as_deref());
        Some(format!("{name} is skipped: {}", one.skipped()?.words()).into())
    });
    let briefly = choice.target.and_then(brief_words);
    skipped.chain(briefly).collect()
}

/// The warning about a digest that was replaced soon after it was pinned.
pub(crate) fn brief_words(one: &EarlierDigest) -> Option<Untrusted> {
    let stood = one.stood_briefly()?;
    let by = &one.replaced;
    Some(
        format!(
            "this digest stood here for only {} before {} replaced it: look whether it was replaced because it was bad",
            duration_words(stood),
            short(&by.commit)
        )
        .into(),
    )
}

/// The warning about a digest that comes back though it was reverted here before.
pub(crate) fn reverted_words(by: &PinnedBy) -> Untrusted {
    format!(
        "this digest was reverted here before, in {} at {}: {}",
        short(&by.commit),
        by.at,
        by.subject.quoted()
    )
    .into()
}

/// A digest with the tag that it was known by.
fn named(digest: Digest, tag: Option<&str>) -> String {
    tag.map_or_else(|| digest.to_string(), |tag| format!("{tag} ({digest})"))
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn duration_words(seconds: i64) -> String {
    let plural = |n: i64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match seconds.max(0) {
        seconds if seconds < 60 => plural(seconds, "second"),
        seconds => plural(seconds / 60, "minute"),
    }
}

#[cfg(test)]
#[path = "known_good_tests.rs"]
mod tests;
