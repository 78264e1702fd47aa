//! The packages an SBOM lists, for the diff of two digests; and counting without keeping.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::sbom;
use crate::domain::text::Untrusted;
use crate::sources::evidence::container;

/// One package of an SBOM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// Package URL without its version, else the plain name.
    pub purl: Untrusted,
    /// Version as written.
    pub version: Untrusted,
}

/// The packages an SBOM lists, sorted; `None` if the content of the blob is no SBOM that can be read.
/// Accepts a Sigstore bundle, a DSSE envelope, an in-toto statement or the bare document. Verifies
/// nothing: call it for items whose evidence verified (or say "unsigned").
pub fn packages(content: &[u8]) -> Option<Vec<Package>> {
    let mut list = match container::sbom_text(content) {
        Some(predicate) => sbom::list(predicate.as_bytes())?,
        None => sbom::list(content)?,
    };
    list.sort_unstable();
    list.dedup();
    Some(list)
}

/// How long a list is, without holding it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(pub u32);

impl<'de> serde::Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
                let mut count = 0u32;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count = count.saturating_add(1);
                }
                Ok(Count(count))
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(0))
            }
        }
        from.deserialize_any(Counting)
    }
}
