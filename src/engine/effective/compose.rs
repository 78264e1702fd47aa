//! Images of Compose files with the variables of the `.env` file beside them put in.

use crate::domain::reference::ImageRef;
use crate::sources::git::manifest::variables::{self, interpolate};
use crate::sources::git::manifest::{DocumentPart, Found, Handle};

use super::files::{Files, folder_of, join};

/// The reference as Compose makes it, where the `.env` file beside decides a part of it; `None` where it does not.
pub(super) fn with_variables(files: &Files<'_>, file: u32, handle: Handle) -> Option<Found> {
    let images = files.parts(file).iter().filter_map(|part| match part {
        DocumentPart::Compose(images) => Some(images),
        _ => None,
    });
    let image = images.flatten().find(|image| image.at.found == Some(handle))?;
    let beside = join(folder_of(files.path(file)), variables::FILE);
    let known = files.parts(files.find(&beside)?).iter().find_map(|part| match part {
        DocumentPart::Variables(known) => Some(known),
        _ => None,
    })?;
    let (text, used) = interpolate(&image.template, known)?;
    let decides = used.first()?;
    let made = ImageRef::parse(&text).ok()?;
    let mut found = files.scan(file)?.at(handle)?.clone();
    found.written = made.repository.to_string();
    found.repository = Some(made.repository);
    found.tag = made.tag;
    found.digest = made.digest;
    found.read_only = Some(format!(
        "Compose puts in what {beside}:{} sets ({}): change it there",
        decides.line, decides.name
    ));
    Some(found)
}
