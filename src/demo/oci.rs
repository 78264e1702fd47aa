//! What the demo puts into its registries.

pub(super) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// One thing to put into a repository.
#[derive(Debug, Clone)]
pub(super) enum RegistryContent {
    Blob(Vec<u8>),
    Manifest(&'static str, Vec<u8>, Option<String>),
}
