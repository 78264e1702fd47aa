//! How signatures and attestations lie in a registry.

use super::evidence::Format;

/// The two ways in which signatures and attestations are stored in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureFormat {
    /// cosign's `.sig` and `.att` tags.
    Legacy,
    /// Sigstore bundles as referrers.
    Bundle,
}

impl SignatureFormat {
    /// How evidence of this format is stored; `None` if neither way.
    pub(crate) const fn of(format: Format) -> Option<Self> {
        match format {
            Format::CosignSignature | Format::CosignAttestation => Some(Self::Legacy),
            Format::SigstoreBundle | Format::Github => Some(Self::Bundle),
            _ => None,
        }
    }

    /// The word in `pindeck.toml`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Bundle => "bundle",
        }
    }
}
