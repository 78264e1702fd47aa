//! Which repository is asked for which root, and where trust in it begins.

use crate::domain::id::Digest;

/// The target that is wanted of every repository.
pub(super) const TARGET: &str = "trusted_root.json";

/// A TUF repository, and where trust in it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufSource {
    /// The root that it refreshes, as trust profiles name it.
    pub name: &'static str,
    /// Its address.
    pub mirror: String,
    /// The root metadata that is trusted to begin with.
    pub start: Vec<u8>,
}

impl TufSource {
    /// The repository of a root that pindeck knows by name: its own address and the root metadata in this build.
    pub fn known(name: &str) -> Option<Self> {
        let (name, mirror, start): (_, _, &[u8]) = match name {
            "public-good" => (
                "public-good",
                "https://tuf-repo-cdn.sigstore.dev",
                include_bytes!("public-good.root.json"),
            ),
            "github" => (
                "github",
                "https://tuf-repo.github.com",
                include_bytes!("github.root.json"),
            ),
            _ => return None,
        };
        Some(Self {
            name,
            mirror: mirror.to_owned(),
            start: start.to_vec(),
        })
    }

    /// What binds that which is kept to where it came from: another address or another beginning keeps its own.
    pub(super) fn binding(&self) -> Digest {
        let mirror = self.mirror.trim_end_matches('/');
        let text = format!("{}\n{mirror}\n{}", self.name, Digest::of(&self.start));
        Digest::of(text.as_bytes())
    }
}
