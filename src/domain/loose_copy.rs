//! Loose copies: texts that name a pinned image and that no renderer is known to read.

use serde::Serialize;

use super::text::Untrusted;

/// A text of the destination environment that names the digest, or the tag, which a plan replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LooseCopy {
    /// Path in the repository, `/`-separated.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// The reference as written.
    pub reference: Untrusted,
    /// Whether it names the digest; else it has only the tag, and is never edited.
    pub has_digest: bool,
    /// Whether the plan changes it together with the pin; else it stays as it is.
    pub taken: bool,
    /// Why it cannot be taken along, if so.
    pub why: Option<Untrusted>,
}

impl LooseCopy {
    /// Whether it stays behind and could be taken along.
    pub fn can_follow(&self) -> bool {
        !self.taken && self.has_digest && self.why.is_none()
    }
}

/// How many copies are taken along and how many stay behind; `None` where there are none.
pub(crate) fn summary(copies: &[LooseCopy]) -> Option<String> {
    let taken = copies.iter().filter(|copy| copy.taken).count();
    let words = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 copy {one}")),
        n => Some(format!("{n} copies {many}")),
    };
    let both = [
        words(taken, "is taken along", "are taken along"),
        words(copies.len() - taken, "stays behind", "stay behind"),
    ];
    let said: Vec<String> = both.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}
