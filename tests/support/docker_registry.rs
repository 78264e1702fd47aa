//! Debian's `docker-registry`, started on a free loopback port over a storage folder of ours.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pindeck::domain::Digest;

/// A running registry; ends when dropped.
pub struct DockerRegistry {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// What it serves from.
    pub storage: Storage,
}

impl DockerRegistry {
    /// Starts the program over `folder`, which may already hold content.
    pub fn start(program: &Path, folder: &Path) -> Self {
        let config = folder.join("registry.yml");
        let root = folder.join("storage");
        fs::create_dir_all(&root).unwrap();
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {root:?}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"127.0.0.1:0\", secret: \"only for tests\"}}\n"
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new(program)
            .arg("serve")
            .arg(&config)
            .env("HOME", folder)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let address = loop {
            let Some(Ok(line)) = log.next() else {
                panic!("docker-registry ended before it listened:\n{}", seen.join("\n"));
            };
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split(['"', ',', ' ']).next().unwrap().to_owned();
            }
            seen.push(line);
        };
        // Its log must be read on, or it would stop at a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        Self {
            child,
            address,
            storage: Storage { root },
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The registry's files, written and read behind its back: the only way to serve what a push would
/// refuse, like a blob that does not hash to its name.
pub struct Storage {
    root: PathBuf,
}

impl Storage {
    /// Storage in `folder`, to be filled before [`DockerRegistry::start`] is given the same folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            root: folder.join("storage"),
        }
    }

    fn v2(&self) -> PathBuf {
        self.root.join("docker/registry/v2")
    }

    fn data(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.v2().join("blobs/sha256").join(&hex[..2]).join(&hex).join("data")
    }

    fn link(&self, path: &Path, digest: &Digest) {
        write(&path.join("link"), digest.to_string().as_bytes());
    }

    /// Puts bytes under a name, whether they hash to it or not.
    pub fn put_as(&self, repository: &str, digest: &Digest, bytes: &[u8]) {
        write(&self.data(digest), bytes);
        self.link(
            &self
                .v2()
                .join("repositories")
                .join(repository)
                .join("_layers/sha256")
                .join(digest.hex()),
            digest,
        );
    }

    /// Puts a blob.
    pub fn put(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.put_as(repository, &digest, bytes);
        digest
    }

    /// Puts a manifest or an index.
    pub fn put_manifest(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        write(&self.data(&digest), bytes);
        let manifests = self.v2().join("repositories").join(repository).join("_manifests");
        self.link(&manifests.join("revisions/sha256").join(digest.hex()), &digest);
        digest
    }

    /// Hangs a tag on a manifest.
    pub fn tag(&self, repository: &str, tag: &str, digest: &Digest) {
        let tag = self
            .v2()
            .join("repositories")
            .join(repository)
            .join("_manifests/tags")
            .join(tag);
        self.link(&tag.join("current"), digest);
        self.link(&tag.join("index/sha256").join(digest.hex()), digest);
    }

    /// What a tag points at.
    pub fn resolve(&self, repository: &str, tag: &str) -> Option<Digest> {
        let tags = self.v2().join("repositories").join(repository).join("_manifests/tags");
        let link = fs::read_to_string(tags.join(tag).join("current/link")).ok()?;
        Some(link.trim().parse().expect("a digest"))
    }

    /// The bytes of a blob or manifest.
    pub fn read(&self, digest: &Digest) -> Vec<u8> {
        fs::read(self.data(digest)).expect("content that is there")
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
