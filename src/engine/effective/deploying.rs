//! Which files have to do with what is deployed: those that name an image, and the kustomizations and objects of
//! controllers that take such files in. An overlay that changes nothing but the namespace deploys all the same.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::sources::git::manifest::{Application, DocumentPart, IncludedFiles};

use super::files::{Files, join, relative};

/// Answers, each asked once.
pub(super) struct Deploying<'a> {
    files: &'a Files<'a>,
    /// By kustomization. One that is being looked at counts as no until it is known, so that circles end.
    known: RefCell<BTreeMap<u32, bool>>,
}

impl<'a> Deploying<'a> {
    pub(crate) fn new(files: &'a Files<'a>) -> Self {
        Self {
            files,
            known: RefCell::default(),
        }
    }

    /// The paths of those files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'a str> {
        (0..self.files.len())
            .filter(|file| self.names_images(*file) || self.takes_in(*file))
            .map(|file| self.files.path(file))
    }

    fn names_images(&self, file: u32) -> bool {
        self.files.scan(file).is_some_and(|scan| scan.names_images())
    }

    fn takes_in(&self, file: u32) -> bool {
        self.files.parts(file).iter().any(|part| match part {
            DocumentPart::Kustomization(one) => !one.component && self.kustomization(file),
            DocumentPart::Application(one) => self.application(one),
            _ => false,
        })
    }

    fn kustomization(&self, file: u32) -> bool {
        if let Some(known) = self.known.borrow().get(&file) {
            return *known;
        }
        self.known.borrow_mut().insert(file, false);
        let Some(kustomization) = self.files.kustomization(file) else {
            return false;
        };
        let deploys = kustomization.resources.iter().any(|written| {
            let path = self.files.resolve(file, written);
            path.is_some_and(|path| match self.files.find(&path) {
                Some(file) => self.names_images(file),
                None => self.folder(&path),
            })
        });
        self.known.borrow_mut().insert(file, deploys);
        deploys
    }

    /// Whether the kustomization of a folder deploys an image.
    fn folder(&self, folder: &str) -> bool {
        let inside = self.files.kustomization_in(folder);
        inside.is_some_and(|file| self.names_images(file) || self.kustomization(file))
    }

    fn application(&self, application: &Application) -> bool {
        let Some(folder) = application.path.as_deref().and_then(|path| relative("", path)) else {
            return false;
        };
        if self.files.kustomization_in(&folder).is_some() {
            return self.folder(&folder);
        }
        if self.files.exists(&join(&folder, "Chart.yaml")) {
            return true;
        }
        let inside = self.files.in_folder(&folder, application.what == IncludedFiles::Tree);
        inside.into_iter().any(|file| self.names_images(file))
    }
}
