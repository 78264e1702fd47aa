//! The test data that travels with the repository: `tests/data/packed/*.tar.zst`, unpacked once under `target/`.
//!
//! A folder beside the checkout, or one that the environment names, stands in for it: other data of the same
//! form. tests/data/README.md says where each part comes from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// One part of the data.
#[derive(Clone, Copy, Debug)]
pub enum Packed {
    /// A whole release world, frozen: registries, policy, keys, GitOps repository, what is expected.
    World,
    /// Bundles, signatures, statements and layouts with the verdict that their source gives.
    Evidence,
    /// Real manifests with the references that an independent reader finds.
    Gitops,
    /// A long real history.
    History,
    /// Policies of cluster gates.
    Policies,
    /// Custom resource definitions.
    Crds,
    /// States of a public TUF repository.
    Tuf,
}

impl Packed {
    /// Every part.
    pub const ALL: [Self; 7] = [
        Self::World,
        Self::Evidence,
        Self::Gitops,
        Self::History,
        Self::Policies,
        Self::Crds,
        Self::Tuf,
    ];

    /// The archive's name without its endings.
    pub fn name(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Evidence => "evidence",
            Self::Gitops => "gitops",
            Self::History => "history",
            Self::Policies => "policies",
            Self::Crds => "crds",
            Self::Tuf => "tuf",
        }
    }

    /// The variable that names a folder of other data of the same form.
    pub fn variable(self) -> &'static str {
        match self {
            Self::World => "PINDECK_WORLD",
            Self::Evidence => "PINDECK_EVIDENCE_CORPUS",
            Self::Gitops => "PINDECK_GITOPS_CORPUS",
            Self::History => "PINDECK_HISTORY_CORPUS",
            Self::Policies => "PINDECK_POLICIES_CORPUS",
            Self::Crds => "PINDECK_CRDS_CORPUS",
            Self::Tuf => "PINDECK_TUF_CORPUS",
        }
    }

    /// The folder with this part: the one that the variable names, else the one shared beside the checkout, else
    /// the repository's own.
    pub fn folder(self) -> PathBuf {
        if let Some(named) = std::env::var_os(self.variable()) {
            let named = PathBuf::from(named);
            assert!(
                named.is_dir(),
                "{} names {}, which is no folder",
                self.variable(),
                named.display()
            );
            return named;
        }
        let beside = match self {
            Self::World => "../shared/world".to_owned(),
            other => format!("../shared/corpus/{}", other.name()),
        };
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(beside);
        if beside.is_dir() { beside } else { self.unpacked() }
    }

    /// The repository's own, unpacked. Tests run side by side in processes of their own: the first one unpacks, the
    /// others wait for it.
    pub fn unpacked(self) -> PathBuf {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/packed/{}.tar.zst", self.name()));
        let bytes = fs::read(&archive).unwrap_or_else(|e| panic!("{}: {e}", archive.display()));
        let digest = pindeck::domain::Digest::of(&bytes).to_string();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packed");
        fs::create_dir_all(&home).expect("a folder under target");
        let lock = File::create(home.join(format!("{}.lock", self.name()))).expect("a lock file");
        lock.lock().expect("a lock");
        // Named by its bytes: another version of the archive never finds what an older one left.
        let folder = home.join(format!("{}-{}", self.name(), &digest["sha256:".len()..][..16]));
        if !folder.is_dir() {
            let partial = tempfile::tempdir_in(&home).expect("a folder under target");
            let decoder = ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).expect("zstd");
            tar::Archive::new(decoder)
                .unpack(partial.path())
                .expect("a whole archive");
            fs::rename(partial.keep(), &folder).expect("renamed");
        }
        folder
    }
}

/// The first file of a folder whose name ends so.
pub fn file_ending(folder: &Path, ending: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().find(|path| path.to_string_lossy().ends_with(ending))
}
