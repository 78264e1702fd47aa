//! A registry's content frozen as files.
//!
//! `index.json` is `{repository: {tags: {tag: digest}, manifests: {digest: media type}, blobs:
//! [digest]}}`, with bytes under `blobs/sha256/HEX`, manifests too. Keys of the index that are no
//! objects are remarks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::store::{Repositories, RepositoryContent};
use crate::domain::id::Digest;

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file is missing or unreadable.
    #[error("{} of the frozen registry cannot be read: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The index is not what it should be.
    #[error("{} is no index of a frozen registry: {source}", .path.display())]
    Index {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The content of one frozen repository, by name only.
#[derive(Debug, Clone, Deserialize)]
pub struct FrozenRepository {
    /// Tag to digest.
    pub tags: BTreeMap<String, Digest>,
    /// Digest to media type.
    pub manifests: BTreeMap<Digest, String>,
    /// Everything that is not a manifest.
    pub blobs: Vec<Digest>,
}

/// The content of one registry, as files.
#[derive(Debug, Clone)]
pub struct Dump {
    /// The folder with its manifests, blobs and tags.
    pub folder: PathBuf,
    /// By name, without the registry's host.
    pub repositories: BTreeMap<String, FrozenRepository>,
}

impl Dump {
    /// Reads the index.
    ///
    /// # Errors
    /// If it is missing or not of this form.
    pub fn read(folder: &Path) -> Result<Self, DumpError> {
        let path = folder.join("index.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(source) => return Err(DumpError::File { path, source }),
        };
        let parse = || {
            let whole: BTreeMap<String, Value> = serde_json::from_slice(&text)?;
            let objects = whole.into_iter().filter(|(_, value)| value.is_object());
            objects
                .map(|(name, value)| Ok((name, serde_json::from_value(value)?)))
                .collect()
        };
        match parse() {
            Ok(repositories) => Ok(Self {
                folder: folder.to_owned(),
                repositories,
            }),
            Err(source) => Err(DumpError::Index { path, source }),
        }
    }

    /// The bytes under a digest, whether they hash to it or not.
    ///
    /// # Errors
    /// If they are not there.
    pub fn bytes(&self, digest: &Digest) -> Result<Bytes, DumpError> {
        let path = self.folder.join("blobs/sha256").join(digest.hex());
        match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(source) => Err(DumpError::File { path, source }),
        }
    }

    /// Everything, with its bytes.
    pub(super) fn content(&self) -> Result<Repositories, DumpError> {
        let mut all = Repositories::new();
        for (name, frozen) in &self.repositories {
            let content = all.entry(name.clone()).or_insert_with(|| RepositoryContent {
                tags: frozen.tags.clone(),
                ..RepositoryContent::default()
            });
            for (digest, media_type) in &frozen.manifests {
                let manifest = (media_type.clone(), self.bytes(digest)?);
                content.manifests.insert(*digest, manifest);
            }
            for digest in &frozen.blobs {
                content.blobs.insert(*digest, self.bytes(digest)?);
            }
        }
        Ok(all)
    }
}
