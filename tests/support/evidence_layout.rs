//! An OCI image layout on disk, read with the product's own manifest parser.

use std::path::{Path, PathBuf};

use pindeck::domain::id::Digest;
use pindeck::sources::registry::Manifest;

/// An OCI image layout (image spec, "Image Layout").
pub struct Layout {
    folder: PathBuf,
    pub index: Manifest,
}

impl Layout {
    pub fn open(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join("index.json")).map_err(|e| format!("index.json: {e}"))?;
        let index = Manifest::from_bytes(bytes.into(), None).map_err(|e| format!("index.json: {}", e.clean()))?;
        if !index.is_index() {
            return Err("index.json is no index".to_owned());
        }
        Ok(Self {
            folder: folder.to_owned(),
            index,
        })
    }

    pub fn raw(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        // The digest is parsed: nothing else can become a path.
        std::fs::read(self.folder.join("blobs/sha256").join(digest.hex())).map_err(|e| format!("{digest}: {e}"))
    }

    pub fn blob(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        let bytes = self.raw(digest)?;
        let actual = Digest::of(&bytes);
        if actual != *digest {
            return Err(format!("{digest} is corrupt: its bytes hash to {actual}"));
        }
        Ok(bytes)
    }

    pub fn manifest(&self, digest: &Digest) -> Result<Manifest, String> {
        Manifest::from_bytes(self.blob(digest)?.into(), None).map_err(|e| e.clean().into_string())
    }
}

/// Whether a layout (or one manifest) can be read by the product's own parser, all the way down.
pub fn open_layout(folder: &Path) -> Result<(), String> {
    let layout = Layout::open(folder)?;
    let mut seen = Vec::new();
    let mut left: Vec<Digest> = layout.index.body.manifests.iter().map(|d| d.digest).collect();
    while let Some(digest) = left.pop() {
        if seen.contains(&digest) {
            continue;
        }
        seen.push(digest);
        let Ok(manifest) = layout.manifest(&digest) else {
            continue;
        };
        left.extend(manifest.body.manifests.iter().map(|d| d.digest));
    }
    Ok(())
}

/// Reads one manifest.
pub fn read_manifest(bytes: Vec<u8>) -> Result<(), String> {
    let read = Manifest::from_bytes(bytes.into(), None);
    read.map(|_| ()).map_err(|e| e.clean().into_string())
}
