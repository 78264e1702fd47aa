//! What is read from an SBOM of any format: its header once, its packages one by one.

/// One package or component as an SBOM writes it.
pub(super) struct SbomEntry<'a> {
    /// Name of the package, as the document spells it.
    pub name: &'a str,
    /// Version of the package; empty where none is given.
    pub version: &'a str,
    /// Its package URL.
    pub purl: Option<&'a str>,
}

/// What is told of each package while a document is read.
pub(super) type PackageSink<'s> = dyn FnMut(SbomEntry<'_>) + 's;

/// What kind of document it was.
pub(super) struct Header {
    /// `SPDX` or `CycloneDX`.
    pub format: &'static str,
    /// Version of the format.
    pub version: String,
    /// When it was made, as written.
    pub created: Option<String>,
}
