//! The files of one commit, by path and by folder.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::sources::git::manifest::{DocumentPart, Found, Kustomization, Origin, PatchSource, Scan, is_manifest};

use super::node::SourceSite;

/// File names that make a folder a kustomization, in the order in which kustomize looks for them.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The scanned files of one commit.
pub(super) struct Files<'a> {
    all: Vec<(&'a str, &'a Scan)>,
    index: HashMap<&'a str, u32>,
    /// Paths of files that were not scanned.
    others: &'a BTreeMap<&'a str, ()>,
    /// Folders with a file that overrides an Application's source (`.argocd-source*.yaml`).
    source_overrides: HashSet<&'a str>,
    /// Files with a kustomization in them, in order.
    kustomizations: Vec<(u32, &'a Kustomization)>,
    /// The kustomization of each folder that has one.
    by_folder: HashMap<&'a str, u32>,
    users: OnceCell<KustomizationUsers>,
    only_patches: OnceCell<BTreeSet<u32>>,
}

/// By which kustomizations each is taken in as a resource.
pub(super) type KustomizationUsers = BTreeMap<u32, BTreeSet<u32>>;

impl<'a> Files<'a> {
    pub(crate) fn new(scans: &'a BTreeMap<String, Arc<Scan>>, others: &'a BTreeMap<&'a str, ()>) -> Self {
        let all: Vec<(&str, &Scan)> = scans
            .iter()
            .map(|(path, scan)| (path.as_str(), scan.as_ref()))
            .collect();
        let index: HashMap<&str, u32> = (0u32..).zip(&all).map(|(at, (path, _))| (*path, at)).collect();
        let overriding = all.iter().filter(|(path, _)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.starts_with(".argocd-source")
        });
        let source_overrides = overriding.map(|(path, _)| folder_of(path)).collect();
        let kustomizations: Vec<(u32, &Kustomization)> = (0u32..)
            .zip(&all)
            .filter_map(|(file, (_, scan))| Some((file, kustomization_of(scan)?)))
            .collect();
        let mut by_folder = HashMap::new();
        for name in NAMES {
            for (file, _) in &kustomizations {
                let path = all.get(*file as usize).map_or("", |(path, _)| *path);
                if path.rsplit('/').next() == Some(name) {
                    by_folder.entry(folder_of(path)).or_insert(*file);
                }
            }
        }
        Self {
            all,
            index,
            others,
            source_overrides,
            kustomizations,
            by_folder,
            users: OnceCell::new(),
            only_patches: OnceCell::new(),
        }
    }

    /// Whether a file in this folder may override the source of an Application.
    pub(crate) fn has_source_override(&self, folder: &str) -> bool {
        self.source_overrides.contains(folder)
    }

    /// Whether there is such a file in any folder.
    pub(crate) fn have_source_overrides(&self) -> bool {
        !self.source_overrides.is_empty()
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn path(&self, file: u32) -> &'a str {
        self.all.get(file as usize).map_or("", |(path, _)| path)
    }

    pub(crate) fn scan(&self, file: u32) -> Option<&'a Scan> {
        self.all.get(file as usize).map(|(_, scan)| *scan)
    }

    /// The path of every file of the commit, scanned or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.all
            .iter()
            .map(|(path, _)| *path)
            .chain(self.others.keys().copied())
    }

    pub(crate) fn parts(&self, file: u32) -> &'a [DocumentPart] {
        self.scan(file).map_or(&[], |scan| scan.parts.as_slice())
    }

    pub(crate) fn find(&self, path: &str) -> Option<u32> {
        self.index.get(path).copied()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.index.contains_key(path) || self.others.contains_key(path)
    }

    /// The reference at a site.
    pub(crate) fn found(&self, site: SourceSite) -> Option<&'a Found> {
        self.scan(site.file)?.at(site.found?)
    }

    /// The kustomization of a file.
    pub(crate) fn kustomization(&self, file: u32) -> Option<&'a Kustomization> {
        kustomization_of(self.scan(file)?)
    }

    /// Every file with a kustomization in it.
    pub(crate) fn kustomizations(&self) -> impl Iterator<Item = (u32, &'a Kustomization)> {
        self.kustomizations.iter().copied()
    }

    /// By which kustomizations each is taken in.
    pub(crate) fn users(&self) -> &KustomizationUsers {
        self.users.get_or_init(|| {
            let mut out = KustomizationUsers::new();
            for (file, kustomization) in self.kustomizations() {
                for written in &kustomization.resources {
                    let path = self.resolve(file, written);
                    if let Some(taken) = path.and_then(|path| self.kustomization_in(&path)) {
                        out.entry(taken).or_default().insert(file);
                    }
                }
            }
            out
        })
    }

    /// The kustomization in a folder.
    pub(crate) fn kustomization_in(&self, folder: &str) -> Option<u32> {
        self.by_folder.get(folder).copied()
    }

    /// Files that kustomizations name as patches and none as a resource.
    pub(crate) fn only_patches(&self) -> &BTreeSet<u32> {
        self.only_patches.get_or_init(|| {
            let mut named = [BTreeSet::new(), BTreeSet::new()];
            for (file, one) in self.kustomizations() {
                let patches = one.patches.iter().filter_map(|rule| match &rule.from {
                    PatchSource::File(path) => Some(path),
                    PatchSource::Inline(_) | PatchSource::Unread => None,
                });
                let find = |path: &String| self.find(&self.resolve(file, path)?);
                named[0].extend(patches.filter_map(find));
                named[1].extend(one.resources.iter().filter_map(find));
            }
            named[0].difference(&named[1]).copied().collect()
        })
    }

    /// Why a kustomization beside or above a file cannot be read, if there is one: it may change what the file says.
    pub(crate) fn unread_kustomization(&self, file: u32) -> Option<String> {
        let mut folder = folder_of(self.path(file));
        loop {
            for name in NAMES {
                let path = join(folder, name);
                let is_unread = match self.find(&path) {
                    Some(found) => found != file && self.scan(found).is_some_and(|scan| scan.problem.is_some()),
                    None => self.others.contains_key(path.as_str()),
                };
                if is_unread {
                    return Some(format!("{path} cannot be read, and may change it"));
                }
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder_of(folder);
        }
    }

    /// The path of what `file` names, from the root; `None` if it leaves the repository or is elsewhere.
    pub(crate) fn resolve(&self, file: u32, written: &str) -> Option<String> {
        relative(folder_of(self.path(file)), written)
    }

    /// The path of a values file that `file` names, from the root; `None` if it leaves the repository.
    pub(crate) fn layer_path(&self, file: u32, path: &str, from: Origin) -> Option<String> {
        let folder = match from {
            Origin::Beside => folder_of(self.path(file)),
            Origin::Root => "",
        };
        relative(folder, path)
    }

    /// Whether a path, or a folder above it, is there and not a file that is read: a link, most often.
    pub(crate) fn is_unread(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        let is_other = |path: &str| !self.index.contains_key(path) && self.others.contains_key(path);
        is_other(path) || above.into_iter().any(is_other)
    }

    /// Whether anything lies in a folder.
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        let from = self.all.partition_point(|(path, _)| *path < prefix.as_str());
        let in_scanned = self.all.get(from).is_some_and(|(path, _)| path.starts_with(&prefix));
        let mut others = self.others.range(prefix.as_str()..);
        in_scanned || others.next().is_some_and(|(path, ())| path.starts_with(&prefix))
    }

    /// The files of a folder, and of those below it that are no kustomizations of their own.
    pub(crate) fn in_folder(&self, folder: &str, below: bool) -> Vec<u32> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let from = self.all.partition_point(|(path, _)| *path < prefix.as_str());
        let all = self.all[from..]
            .iter()
            .take_while(|(path, _)| path.starts_with(&prefix));
        let inside = all.filter(|(path, _)| below || !path[prefix.len()..].contains('/'));
        // Controllers take files of a folder by their endings.
        inside
            .filter(|(path, _)| is_manifest(path))
            .filter_map(|(path, _)| self.find(path))
            .collect()
    }
}

/// The first kustomization of a file.
fn kustomization_of(scan: &Scan) -> Option<&Kustomization> {
    scan.parts.iter().find_map(|part| match part {
        DocumentPart::Kustomization(one) => Some(one.as_ref()),
        _ => None,
    })
}

/// The folder of a file.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A name in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A path as written in a file of `folder`, from the root of the repository.
pub(super) fn relative(folder: &str, written: &str) -> Option<String> {
    if written.contains("://") || written.contains("?ref=") || written.contains("{{") {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
