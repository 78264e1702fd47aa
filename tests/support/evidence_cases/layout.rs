//! An OCI image layout on disk, read with the product's own manifest parser.

use std::path::{Path, PathBuf};

use pindeck::domain::id::Digest;
use pindeck::sources::registry::{Descriptor, Manifest, manifest};

/// An OCI image layout (image spec, "Image Layout").
pub struct Layout {
    folder: PathBuf,
    pub index: Manifest,
}

impl Layout {
    pub fn open(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join("index.json")).map_err(|e| format!("index.json: {e}"))?;
        let index = Manifest::from_bytes(bytes.into(), None).map_err(|e| format!("index.json: {}", e.detail))?;
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

    pub fn has(&self, digest: &Digest) -> bool {
        self.folder.join("blobs/sha256").join(digest.hex()).is_file()
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
        Manifest::from_bytes(self.blob(digest)?.into(), None).map_err(|e| e.detail.to_string())
    }
}

/// Opens a layout: the index is read by the product's own parser, something of it is a manifest of a
/// known kind, and nothing that is there hashes to another name. Blobs may be elsewhere.
pub fn open_layout(folder: &Path) -> Result<(), String> {
    let layout = Layout::open(folder)?;
    let entries = &layout.index.body.manifests;
    if !entries.iter().any(|entry| is_manifest_type(&entry.media_type)) {
        return Err("nothing in it is a manifest of a known kind".to_owned());
    }
    let (mut seen, mut left) = (Vec::new(), entries.clone());
    while let Some(entry) = left.pop() {
        if seen.contains(&entry.digest) || !layout.has(&entry.digest) {
            continue;
        }
        seen.push(entry.digest);
        let bytes = layout.blob(&entry.digest)?;
        if let Ok(manifest) = Manifest::from_bytes(bytes.into(), Some(&entry.media_type)) {
            let body = manifest.body;
            if body.manifests.iter().any(is_attestation) {
                named(entries)?;
            }
            left.extend(body.manifests.into_iter().chain(body.layers).chain(body.config));
        }
    }
    Ok(())
}

fn is_manifest_type(media_type: &str) -> bool {
    manifest::ACCEPT.split(", ").any(|known| known == media_type)
}

fn is_attestation(entry: &Descriptor) -> bool {
    entry
        .annotations
        .get("vnd.docker.reference.type")
        .is_some_and(|t| t == "attestation-manifest")
}

/// Statements inside an index name their subject by the image's name: some entry must give one.
fn named(entries: &[Descriptor]) -> Result<(), String> {
    let has_name = |entry: &Descriptor| {
        let note = |key: &str| entry.annotations.get(key).map(String::as_str).unwrap_or_default();
        !note("io.containerd.image.name").is_empty() || note("org.opencontainers.image.ref.name").contains('/')
    };
    if entries.iter().any(has_name) {
        return Ok(());
    }
    Err("it holds attestations, and no annotation gives the image's name".to_owned())
}

/// Reads one manifest: it opens if it is of a known kind, usable or not.
pub fn read_manifest(bytes: Vec<u8>) -> Result<(), String> {
    match Manifest::from_bytes(bytes.into(), None) {
        Ok(_) => Ok(()),
        Err(problem) if problem.recognised => Ok(()),
        Err(problem) => Err(problem.detail.to_string()),
    }
}
