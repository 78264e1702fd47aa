//! Opening the plain files of a cache, and marking them as used.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

/// A file that is read after this long is marked as used again.
pub(super) const TOUCH_AFTER: Duration = Duration::from_secs(6 * 3600);

/// Opens a plain file for reading, or for reading and writing. Anything else is not opened, or not waited for: a link would
/// lead elsewhere, and a FIFO without a writer would stop the program.
///
/// # Errors
/// If it cannot be opened so, or is no plain file.
pub(super) fn open_plain(path: &Path, is_written: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let mut options = fs::File::options();
    let file = options.read(true).write(is_written).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    Ok(file)
}

/// Marks a file as used now, rarely enough to cost nothing: what was used longest ago is removed first.
pub(super) fn mark_used(file: &File) {
    let changed = file.metadata().and_then(|about| about.modified());
    if changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > TOUCH_AFTER)) {
        let _ = file.set_modified(SystemTime::now());
    }
}
