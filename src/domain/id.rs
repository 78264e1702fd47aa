//! Identities: digests, services, environments and the pair of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A content digest: `sha256:` and 64 lowercase hexadecimal digits (OCI image spec, "Digests").
///
/// Other algorithms are not accepted: pindeck pins and compares SHA-256 only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// It does not start with `sha256:`.
    #[error("a digest starts with `sha256:`, found {0:?}")]
    Algorithm(String),
    /// What follows is not exactly 64 lowercase hexadecimal digits.
    #[error("a sha256 digest has exactly 64 lowercase hexadecimal digits")]
    Hex,
}

impl Digest {
    /// Length of the textual form, `sha256:` included.
    pub(crate) const TEXT_LEN: usize = 71;

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Wraps an already computed SHA-256.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hexadecimal digits without the algorithm.
    pub fn hex(&self) -> String {
        let mut out = String::with_capacity(64);
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789abcdef"[nibble as usize]));
            }
        }
        out
    }

    /// The first 8 hexadecimal digits, as shown on the board. Never use it to identify anything.
    pub(crate) fn short(&self) -> String {
        self.hex()[..8].to_owned()
    }

    /// Parses 64 lowercase hexadecimal digits.
    ///
    /// # Errors
    /// [`DigestError::Hex`] for any other text.
    pub fn from_hex(hex: &str) -> Result<Self, DigestError> {
        let raw = hex.as_bytes();
        if raw.len() != 64 {
            return Err(DigestError::Hex);
        }
        let value = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(DigestError::Hex),
        };
        let mut bytes = [0u8; 32];
        for (slot, pair) in bytes.iter_mut().zip(raw.as_chunks::<2>().0) {
            *slot = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.strip_prefix("sha256:") {
            Some(hex) => Self::from_hex(hex),
            None => Err(DigestError::Algorithm(text.chars().take(24).collect())),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a name as configured or inferred.
            pub(crate) fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }
            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }
    };
}

name_type! {
    /// A service: what is released as one, by name.
    ServiceId
}
name_type! {
    /// An environment, by name.
    EnvId
}

/// One service in one environment: the identity of a board cell and of every asynchronous answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Name of the service, as configured or inferred.
    pub service: ServiceId,
    /// Name of the environment, as configured or inferred.
    pub environment: EnvId,
}

impl Target {
    /// Pairs a service with an environment.
    pub fn new(service: impl Into<ServiceId>, environment: impl Into<EnvId>) -> Self {
        Self {
            service: service.into(),
            environment: environment.into(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.service, self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digest_of_nothing_round_trips() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), format!("sha256:{HEX}"));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short(), "e3b0c442");
        assert_eq!(digest.to_string().len(), Digest::TEXT_LEN);
    }

    #[test]
    fn only_exact_lowercase_sha256_parses() {
        for bad in [
            HEX.to_owned(),
            format!("sha512:{HEX}"),
            format!("sha256:{}", HEX.to_uppercase()),
            format!("sha256:{HEX}0"),
            format!("sha256:{}", &HEX[1..]),
            "sha256:".to_owned(),
            "sha256:../../../../etc/passwd".to_owned(),
            format!("sha256:{}é", &HEX[2..]),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
