//! Images of Compose files with the variables of the `.env` file beside them put in.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::EnvId;
use crate::domain::reference::ImageRef;
use crate::sources::git::manifest::variables::{self, Variable, interpolate};
use crate::sources::git::manifest::{DocumentPart, Found, Handle};

use super::files::{Files, folder_of, join};
use super::reference::{Effective, EffectiveReference, RelatedPlace};

/// An image of a Compose file, where variables decide it.
pub(super) struct VariableImage {
    /// The file of the place that decides: the `.env` file, or the Compose file where it decides itself.
    pub file: u32,
    /// That place.
    pub at: Handle,
    /// What comes out.
    pub found: Found,
    /// The text of the Compose file, where a variable decides.
    pub others: BTreeSet<RelatedPlace>,
    /// Why it cannot be told what comes out, if so.
    pub uncertain: Option<String>,
}

/// The images of all Compose files whose texts have variables of the `.env` file beside them, by file and place.
pub(super) fn all(files: &Files<'_>) -> BTreeMap<(u32, Handle), VariableImage> {
    let mut out = BTreeMap::new();
    for file in 0..files.len() {
        for part in files.parts(file) {
            let DocumentPart::Compose(images) = part else { continue };
            for image in images {
                let Some(handle) = image.at.found else { continue };
                if let Some(made) = with_variables(files, file, handle, &image.template) {
                    out.insert((file, handle), made);
                }
            }
        }
    }
    out
}

/// What a file of variables says about which Compose files, or files of variables, are read at all.
pub(super) fn named_files(files: &Files<'_>, file: u32) -> impl Iterator<Item = String> {
    const NAMES: [&str; 3] = ["COMPOSE_FILE", "COMPOSE_ENV_FILES", "COMPOSE_PATH_SEPARATOR"];
    let all = files.parts(file).iter().filter_map(|part| match part {
        DocumentPart::Variables(all) => Some(all),
        _ => None,
    });
    all.flatten()
        .filter(|one| NAMES.contains(&one.name.as_str()))
        .map(|one| format!("{}={}", one.name, one.value.as_deref().unwrap_or("?")))
}

/// The image as Compose makes it; `None` where no variable of the file beside has to do with it.
fn with_variables(files: &Files<'_>, file: u32, handle: Handle, template: &str) -> Option<VariableImage> {
    let beside = join(folder_of(files.path(file)), variables::FILE);
    let unreadable = |why: &str| {
        Some(VariableImage {
            file,
            at: handle,
            found: files.scan(file)?.at(handle)?.clone(),
            others: BTreeSet::new(),
            uncertain: Some(format!("{beside}, from which its variables come, {why}")),
        })
    };
    let Some(env) = files.find(&beside) else {
        return match files.exists(&beside) {
            true => unreadable("is no regular file, or is too large"),
            false => None,
        };
    };
    if files.scan(env).is_some_and(|scan| scan.problem.is_some()) {
        return unreadable("cannot be read");
    }
    let known = files.parts(env).iter().find_map(|part| match part {
        DocumentPart::Variables(known) => Some(known),
        _ => None,
    })?;
    let own = files.scan(file)?.at(handle)?;
    let Some(made) = interpolate(template, known) else {
        let unknown = known
            .iter()
            .find(|one| one.value.is_none() && is_named(template, one))?;
        let name = &unknown.name;
        return Some(VariableImage {
            file,
            at: handle,
            found: own.clone(),
            others: BTreeSet::new(),
            uncertain: Some(format!(
                "{beside}:{} puts {name} together from what is not in this repository",
                unknown.line
            )),
        });
    };
    let first = made.used.first()?.1;
    let image = ImageRef::parse(&made.text).ok()?;
    let resolved = |mut found: Found| {
        if found.repository.as_ref() != Some(&image.repository) {
            found.written = image.repository.to_string();
            found.repository = Some(image.repository.clone());
        }
        found.tag.clone_from(&image.tag);
        found.digest = image.digest;
        found
    };
    let scan = files.scan(env)?;
    let Some(decides) = made.decides(&|handle| scan.at(handle)) else {
        let mut found = resolved(own.clone());
        found.read_only = Some(format!(
            "Compose puts in what {beside}:{} sets ({}): change it by hand",
            first.line, first.name
        ));
        return Some(VariableImage {
            file,
            at: handle,
            found,
            others: BTreeSet::new(),
            uncertain: None,
        });
    };
    let variable = decides.variable;
    let mut found = resolved(scan.at(variable.found)?.clone());
    if let Some(why) = decides.mixed {
        let name = &variable.name;
        found
            .read_only
            .get_or_insert_with(|| format!("{name} alone does not decide the image of {}: {why}", files.path(file)));
    }
    // Defaults are laid over; without one, the text has only the name.
    let has_defaults = own.read_only.is_none();
    let text = RelatedPlace {
        file: files.path(file).to_owned(),
        line: own.line,
        style: own.style,
        reference: if has_defaults {
            own.reference()
        } else {
            template.to_owned()
        },
        overridden: has_defaults,
    };
    Some(VariableImage {
        file: env,
        at: variable.found,
        found,
        others: BTreeSet::from([text]),
        uncertain: None,
    })
}

/// Whether a text has a variable in it.
fn is_named(template: &str, variable: &Variable) -> bool {
    let name = variable.name.as_str();
    let behind = |prefix: &str| {
        template.match_indices(prefix).any(|(at, _)| {
            let rest = template[at + prefix.len()..].strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        })
    };
    behind("$") || behind("${")
}

impl VariableImage {
    /// Adds it to what an environment deploys; several texts may take the same image from one variable.
    pub(super) fn add(&self, files: &Files<'_>, compose: u32, name: &EnvId, out: &mut Effective) {
        let file = files.path(self.file);
        let is_same = |one: &&mut EffectiveReference| {
            one.environment == *name
                && one.file == file
                && (&one.found, &one.uncertain) == (&self.found, &self.uncertain)
        };
        if let Some(known) = out.references.iter_mut().find(is_same) {
            known.others.extend(self.others.iter().cloned());
            return;
        }
        let doubtful = || files.scan(compose)?.doubtful.clone();
        out.references.push(EffectiveReference {
            environment: name.clone(),
            file: file.to_owned(),
            found: self.found.clone(),
            others: self.others.clone(),
            uncertain: self.uncertain.clone().or_else(doubtful),
        });
    }
}
