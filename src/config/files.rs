//! Reading the files of this machine that a configuration is made of: bounded, and only ordinary files.
//!
//! A file that the person names is read through whatever links they made. A file of a working tree is
//! somebody's commit: it must be an ordinary file below the top of that tree, and no link counts, for a link
//! could lead to a device, to a pipe that never ends, or to a file that is nobody else's business.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags};

/// Most bytes of one file. A trusted root is the largest of these files, and is below 200 KiB.
const MAX_BYTES: u64 = 4 << 20;

/// How a file or folder is opened: without waiting for the other end of a pipe.
fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY
}

/// Reads a file that is the person's own word.
///
/// # Errors
/// If it is no ordinary file, is too large or cannot be read.
pub(crate) fn read_own(file: &Path) -> io::Result<Vec<u8>> {
    // Looked at first: to open a device may already do something.
    ordinary(&file.metadata()?)?;
    let opened = rustix::fs::open(file, flags(), Mode::empty())?;
    read(File::from(opened))
}

/// Reads a file of a working tree by its path below the top.
///
/// # Errors
/// If the path leads out of the tree or through a link, or the file is no ordinary one, is too large or
/// cannot be read.
pub(crate) fn read_below(top: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
    let mut folder = rustix::fs::open(top, flags() | OFlags::DIRECTORY, Mode::empty())?;
    let mut parts = path.components().filter(|part| *part != Component::CurDir).peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(refused("it leads out of the repository"));
        };
        let about = rustix::fs::statat(&folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = rustix::fs::FileType::from_raw_mode(about.st_mode);
        if kind.is_symlink() {
            return Err(refused("a symbolic link in a working tree is not followed"));
        }
        if parts.peek().is_none() {
            if !kind.is_file() {
                return Err(refused("it is no ordinary file"));
            }
            let opened = rustix::fs::openat(&folder, name, flags() | OFlags::NOFOLLOW, Mode::empty())?;
            return read(File::from(opened));
        }
        let below = flags() | OFlags::NOFOLLOW | OFlags::DIRECTORY;
        folder = rustix::fs::openat(&folder, name, below, Mode::empty())?;
    }
    Err(refused("it names no file"))
}

fn ordinary(about: &std::fs::Metadata) -> io::Result<()> {
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    if about.len() > MAX_BYTES {
        return Err(too_large());
    }
    Ok(())
}

fn read(file: File) -> io::Result<Vec<u8>> {
    ordinary(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> io::Error {
    let what = format!("it is larger than {} MiB", MAX_BYTES >> 20);
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn place() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("tree/keys")).expect("made");
        std::fs::write(root.path().join("tree/keys/ci.pub"), "key").expect("written");
        std::fs::write(root.path().join("secret"), "secret").expect("written");
        root
    }

    #[test]
    fn only_ordinary_files_below_the_top_are_read() {
        let root = place();
        let tree = root.path().join("tree");
        let read = |path: &str| read_below(&tree, Path::new(path));
        assert_eq!(read("keys/ci.pub").expect("read"), b"key");
        assert_eq!(read("./keys/./ci.pub").expect("read"), b"key");
        symlink("keys/ci.pub", tree.join("inside")).expect("linked");
        symlink("../secret", tree.join("outside")).expect("linked");
        symlink("/dev/zero", tree.join("device")).expect("linked");
        symlink("keys", tree.join("folder")).expect("linked");
        let made = std::process::Command::new("mkfifo").arg(tree.join("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()));
        let large = File::create(tree.join("large")).expect("made");
        large.set_len(MAX_BYTES + 1).expect("grown");
        let absolute = root.path().join("secret").display().to_string();
        for path in [
            "inside",
            "outside",
            "device",
            "folder/ci.pub",
            "pipe",
            "large",
            "keys",
            "../secret",
            &absolute,
            "",
            ".",
            "absent",
        ] {
            assert!(read(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_the_person_names_may_be_a_link_but_no_pipe_and_no_device() {
        let root = place();
        let at = |name: &str| root.path().join(name);
        symlink(at("secret"), at("link")).expect("linked");
        symlink("/dev/zero", at("device")).expect("linked");
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()));
        assert_eq!(read_own(&at("link")).expect("read"), b"secret");
        for name in ["device", "pipe", "tree", "absent"] {
            assert!(read_own(&at(name)).is_err(), "{name}");
        }
    }
}
