//! Reading many blobs of one repository: opening it once costs less than most blobs do.

use git2::{ObjectType, Oid, Repository};

use super::error::GitError;
use super::program;
use super::repo::GitRepo;

/// An open repository that blobs are read from, for one job on one thread.
pub struct Blobs<'a> {
    repo: &'a GitRepo,
    /// `None`: git2 cannot read this repository, the program does.
    open: Option<Repository>,
}

impl GitRepo {
    /// Opens the repository for reading blobs.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn blobs(&self) -> Result<Blobs<'_>, GitError> {
        let open = (!self.is_foreign()).then(|| self.open()).transpose()?;
        Ok(Blobs { repo: self, open })
    }

    /// The bytes of one blob.
    ///
    /// # Errors
    /// If it is not there or no blob.
    pub fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        self.blobs()?.read(oid)
    }
}

impl Blobs<'_> {
    /// The bytes of a blob. What a partial clone lacks is fetched.
    ///
    /// # Errors
    /// If it is not there or no blob.
    pub fn read(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        let git_cli = || {
            let ran = self
                .repo
                .program()
                .run(&["cat-file", "blob", oid], program::NETWORK_TIMEOUT)?;
            Ok(ran.stdout)
        };
        let Some(open) = &self.open else {
            return git_cli();
        };
        let found = Oid::from_str(oid).and_then(|id| open.find_blob(id));
        match found {
            // What is shown or edited is what its name says, whatever became of the disk.
            Ok(blob) if Oid::hash_object(ObjectType::Blob, blob.content()).ok() != Some(blob.id()) => {
                Err(GitError::corrupt(oid))
            }
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(_) if self.repo.is_partial() => git_cli(),
            Err(error) => Err(GitError::object(format!("blob {oid}"), &error)),
        }
    }
}
