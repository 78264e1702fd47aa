//! Seals: what pindeck wrote itself and reads again later, told apart from what another program wrote.
//!
//! A seal is an HMAC-SHA256 under a key of this user, 32 random bytes in a file of mode 0600 that lies apart from
//! what is sealed. Whoever can write the sealed file but cannot read the key cannot make a seal.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;

/// Length of the key that seals entries of the verdict cache.
const KEY_BYTES: usize = 32;

/// The key that seals are made with.
#[derive(Clone)]
pub(crate) struct SealKey(hmac::Key);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// The key in a file; a new one is made where there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read or made, is no regular file, has another length, or others than its owner may
    /// read or write it.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        match Self::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let mut bytes = [0; KEY_BYTES];
        fill_random(&mut bytes)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Made for its owner only, whole before it has its name, and never over the key of another process.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(failed.error),
            _ => Self::read(path),
        }
    }

    fn read(path: &Path) -> io::Result<Self> {
        let about = fs::symlink_metadata(path)?;
        let is_private = {
            use std::os::unix::fs::PermissionsExt as _;
            about.permissions().mode() & 0o077 == 0
        };
        if !about.is_file() || !is_private || about.len() != KEY_BYTES as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no regular file of a key that only its owner may read",
            ));
        }
        let bytes = fs::read(path)?;
        Ok(Self(hmac::Key::new(HMAC_SHA256, &bytes)))
    }

    /// The seal of some content under a name, as hexadecimal digits.
    pub(crate) fn seal(&self, name: &str, content: &[u8]) -> String {
        let tag = self.tag(name, content);
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this is the seal of the content under this name. Compared in constant time.
    fn is_seal(&self, seal: &str, name: &str, content: &[u8]) -> bool {
        let digits = seal.as_bytes().chunks(2);
        let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let Some(tag) = bytes.collect::<Option<Vec<u8>>>() else {
            return false;
        };
        verify_slices_are_equal(self.tag(name, content).as_ref(), &tag).is_ok()
    }

    /// The content of an entry that begins with a line that is its seal; `None` if it is not the seal of this content
    /// under this name.
    pub(crate) fn unsealed<'a>(&self, name: &str, entry: &'a [u8]) -> Option<&'a [u8]> {
        let end = entry.iter().position(|byte| *byte == b'\n')?;
        let (seal, content) = (std::str::from_utf8(&entry[..end]).ok()?, &entry[end + 1..]);
        self.is_seal(seal, name, content).then_some(content)
    }

    /// Of name and content, kept apart by the length of the name. They are read where they lie: contents are large.
    fn tag(&self, name: &str, content: &[u8]) -> hmac::Tag {
        let mut read = hmac::Context::with_key(&self.0);
        read.update(&(name.len() as u64).to_be_bytes());
        read.update(name.as_bytes());
        read.update(content);
        read.sign()
    }
}

/// Fills bytes with random ones of the system. The generator of the cryptography is asked where the system has no such
/// file: its first answer costs more than everything else that a key takes.
fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    let by_system = fs::File::open("/dev/urandom").and_then(|mut source| {
        use std::os::unix::fs::FileTypeExt as _;
        match source.metadata()?.file_type().is_char_device() {
            true => source.read_exact(bytes),
            false => Err(io::Error::other("it is no device")),
        }
    });
    by_system.or_else(|_| rand::fill(bytes).map_err(|_| io::Error::other("the system gives no random bytes")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_seal_is_about_its_key_name_and_content() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = SealKey::of_file(&dir.path().join("state/key")).expect("a key");
        let again = SealKey::of_file(&dir.path().join("state/key")).expect("the same key");
        let other = SealKey::of_file(&dir.path().join("other/key")).expect("another key");
        let seal = key.seal("a", b"content");
        assert!(key.is_seal(&seal, "a", b"content") && again.is_seal(&seal, "a", b"content"));
        assert!(!key.is_seal(&seal, "b", b"content"));
        assert!(!key.is_seal(&seal, "a", b"contents"));
        assert!(!key.is_seal(&seal, "ac", b"ontent"));
        assert!(!other.is_seal(&seal, "a", b"content"));
        for bad in ["", "zz", "é", &seal[2..], &seal[..seal.len() - 1]] {
            assert!(!key.is_seal(bad, "a", b"content"), "{bad}");
        }
    }

    #[test]
    fn a_key_is_private_and_whole_or_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key");
        SealKey::of_file(&path).expect("a key");
        let mode = fs::metadata(&path).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let link = dir.path().join("link");
        symlink(&path, &link).expect("a link");
        assert!(SealKey::of_file(&link).is_err(), "a link is no key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        assert!(SealKey::of_file(&path).is_err(), "others may read it");
        let short = dir.path().join("short");
        fs::write(&short, b"short").expect("written");
        fs::set_permissions(&short, fs::Permissions::from_mode(0o600)).expect("set");
        assert!(SealKey::of_file(&short).is_err());
    }
}
