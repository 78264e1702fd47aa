//! Where a remote leads, so that two moments can be compared: its name stays when its address changes.

use super::error::GitError;
use super::program::LOCAL_TIMEOUT;
use super::repo::GitRepo;
use crate::domain::id::Digest;

impl GitRepo {
    /// A digest of the addresses that a remote is fetched from and pushed to, as git itself rewrites them. An address may
    /// contain a password, so it is not kept itself. Where there is no remote of that name, the name is the address.
    ///
    /// # Errors
    /// If git cannot be run.
    pub(crate) fn remote_fingerprint(&self, remote: &str) -> Result<Digest, GitError> {
        let git = self.program();
        let mut all = Vec::new();
        for side in [
            ["remote", "get-url", "--all"].as_slice(),
            &["remote", "get-url", "--push", "--all"],
        ] {
            let args: Vec<&str> = side.iter().copied().chain(["--", remote]).collect();
            let ran = git.try_run(&args, &[], LOCAL_TIMEOUT)?;
            all.extend(if ran.ok() {
                ran.stdout
            } else {
                remote.as_bytes().to_vec()
            });
            all.push(0);
        }
        Ok(Digest::of(&all))
    }
}
