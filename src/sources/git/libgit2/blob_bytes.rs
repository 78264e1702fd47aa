//! The bytes of blobs, read in one go.
//!
//! An object lies in a file of its own, which libgit2 opens again for each question, or in a pack. A file of its own
//! is opened once here: its first bytes tell the size, and the rest is read only if that is bearable.

use std::cell::Cell;
use std::io::Read as _;
use std::ops::Deref;

use git2::{ErrorClass, ErrorCode, ObjectType, Odb, OdbObject, Oid};

/// So many objects in a row are taken to be in packs after one that had no file of its own.
const RUN: u32 = 64;

/// Reads blobs, and remembers whether the last ones had files of their own: a clone has all objects of an age in one place.
#[derive(Debug, Default)]
pub(super) struct LooseObjects {
    /// How many more objects are looked for in packs at once.
    packed: Cell<u32>,
}

/// What a blob contains, where libgit2 or this process has it in memory.
pub(super) enum BlobBytes<'o> {
    Loose(Vec<u8>),
    Packed(OdbObject<'o>),
}

impl BlobBytes<'_> {
    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            BlobBytes::Loose(bytes) => bytes,
            BlobBytes::Packed(object) => object.data().to_vec(),
        }
    }
}

impl Deref for BlobBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            BlobBytes::Loose(bytes) => bytes,
            BlobBytes::Packed(object) => object.data(),
        }
    }
}

impl LooseObjects {
    /// The bytes of a blob; `None` if they are more than `most`: then they were not read.
    ///
    /// # Errors
    /// If there is no such blob, or it cannot be read.
    pub(super) fn blob<'o>(&self, odb: &'o Odb<'_>, id: Oid, most: u64) -> Result<Option<BlobBytes<'o>>, git2::Error> {
        match self.packed.get() {
            0 => match loose(odb, id, most) {
                Some(found) => return found.map(|bytes| bytes.map(BlobBytes::Loose)),
                None => self.packed.set(RUN),
            },
            left => self.packed.set(left - 1),
        }
        let (size, kind) = odb.read_header(id)?;
        if kind != ObjectType::Blob {
            return Err(no_blob());
        }
        if size as u64 > most {
            return Ok(None);
        }
        odb.read(id).map(|object| Some(BlobBytes::Packed(object)))
    }
}

/// A blob that has a file of its own; `None` = it has none, or the file cannot be read in this way.
fn loose(odb: &Odb<'_>, id: Oid, most: u64) -> Option<Result<Option<Vec<u8>>, git2::Error>> {
    let (mut reader, size, kind) = odb.reader(id).ok()?;
    if kind != ObjectType::Blob {
        return Some(Err(no_blob()));
    }
    if size as u64 > most {
        return Some(Ok(None));
    }
    let mut bytes = Vec::with_capacity(size);
    // One more than it says: what goes on behind its end is not what its name says.
    let read = reader.by_ref().take(size as u64 + 1).read_to_end(&mut bytes);
    read.is_ok().then_some(Ok(Some(bytes)))
}

fn no_blob() -> git2::Error {
    git2::Error::new(ErrorCode::Invalid, ErrorClass::Object, "it is no blob")
}
