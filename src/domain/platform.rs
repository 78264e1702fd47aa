//! Platforms of an image index, and which of them an environment needs.

use std::fmt;
use std::str::FromStr;

/// A platform as an index names it (OCI image spec, "Image Index"): `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub architecture: String,
    /// Variant of the architecture.
    pub variant: Option<String>,
}

impl Platform {
    /// The variant, with the default that container runtimes assume: `arm64` alone means `arm64/v8`,
    /// and `arm` alone means `arm/v7`.
    fn variant_or_default(&self) -> Option<&str> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", None) => Some("v8"),
            ("arm", None) => Some("v7"),
            (_, variant) => variant,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// Why a text is not a [`Platform`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a platform is written os/architecture or os/architecture/variant, as in linux/amd64 or linux/arm/v7")]
pub struct PlatformError;

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| {
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            !part.is_empty() && part.chars().all(allowed)
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(is_word) {
            return Err(PlatformError);
        }
        Ok(Self {
            os: parts[0].to_owned(),
            architecture: parts[1].to_owned(),
            variant: parts.get(2).map(|&variant| variant.to_owned()),
        })
    }
}

/// Which of an index's platform manifests an environment needs (`platforms` of `pindeck.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum PlatformFilter {
    /// All that the index lists.
    #[default]
    All,
    /// Those for one of these platforms; never an empty list.
    Only(Vec<Platform>),
}

impl PlatformFilter {
    /// Whether a manifest for this platform is needed. `None` is a manifest of which the index does not
    /// say what it runs on: it may be the one that is needed, so it counts.
    pub(crate) fn includes(&self, platform: Option<&Platform>) -> bool {
        let (Self::Only(wanted), Some(platform)) = (self, platform) else {
            return true;
        };
        wanted.iter().any(|wanted| {
            let any_variant = wanted.variant.is_none();
            wanted.os == platform.os
                && wanted.architecture == platform.architecture
                && (any_variant || wanted.variant_or_default() == platform.variant_or_default())
        })
    }

    /// The platforms as text, separated by commas.
    pub(crate) fn names(&self) -> String {
        match self {
            Self::All => "all platforms".to_owned(),
            Self::Only(wanted) => {
                let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
                names.join(", ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_two_or_three_words() {
        for good in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert_eq!(good.parse::<Platform>().map(|p| p.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux/AMD64",
            "linux/a b",
        ] {
            assert_eq!(bad.parse::<Platform>(), Err(PlatformError), "{bad}");
        }
    }

    #[test]
    fn a_filter_includes_by_platform_and_never_excludes_the_unknown() {
        let one = |text: &str| text.parse::<Platform>().expect("valid");
        let only = |list: &[&str]| PlatformFilter::Only(list.iter().map(|p| one(p)).collect());
        for (filter, platform, expected) in [
            (PlatformFilter::All, "linux/s390x", true),
            (only(&["linux/amd64"]), "linux/amd64", true),
            (only(&["linux/amd64"]), "linux/arm64", false),
            (only(&["linux/amd64"]), "windows/amd64", false),
            (only(&["linux/arm64"]), "linux/arm64/v8", true),
            (only(&["linux/arm64/v8"]), "linux/arm64", true),
            (only(&["linux/arm/v7"]), "linux/arm/v6", false),
            (only(&["linux/arm/v7"]), "linux/arm", true),
            (only(&["linux/amd64", "linux/arm64"]), "linux/arm64", true),
        ] {
            assert_eq!(filter.includes(Some(&one(platform))), expected, "{filter:?} {platform}");
        }
        assert!(only(&["linux/amd64"]).includes(None));
    }
}
