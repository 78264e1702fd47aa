//! What a path says about its environment. Pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::words;

/// Folders whose children are environments, whatever they are called.
const PARENTS: [&str; 15] = [
    "envs",
    "env",
    "environments",
    "environment",
    "overlays",
    "stages",
    "clusters",
    "cluster",
    "rings",
    "regions",
    "sites",
    "waves",
    "zones",
    "datacenters",
    "landscapes",
];

/// Folders that several environments take in: they are nobody's environment.
const SHARED: [&str; 9] = [
    "base",
    "bases",
    "common",
    "shared",
    "components",
    "component",
    "lib",
    "templates",
    "_base",
];

/// Endings of values files that name no environment (`values.schema.yaml`).
const NOT_VALUES_OF: [&str; 12] = [
    "schema", "default", "defaults", "common", "base", "shared", "example", "sample", "template", "secret", "secrets",
    "tmpl",
];

/// Whether a path lies in a folder that environments share, or is such a file.
pub(super) fn is_shared(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    parts.iter().any(|part| is_shared_name(part))
}

/// Whether a folder of this name is shared: `base`, and `base-prod` of several overlays for production.
fn is_shared_name(name: &str) -> bool {
    SHARED.contains(&name) || name.starts_with("base-") || name.ends_with("-base") || name.starts_with("common-")
}

/// The environment that a path speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundEnvironment {
    /// The name of the environment, as the folder or file spells it.
    pub name: String,
    /// The folder with everything in it (`envs/prod/**`), or the one file.
    pub pattern: String,
    /// An environment of another place in the promotion order stands beside it, in the same folder.
    pub beside_another: bool,
}

/// A name of more parts is not looked at part by part.
const MOST_SEPARATORS: usize = 12;

/// One way to read an environment out of a folder's or file's name.
struct NameReading {
    name: String,
    /// The name with `*` in its place: neighbours of the same shape are other environments.
    shape: String,
    /// It is the whole name or its end; at the beginning and in the middle it needs a neighbour to be believed.
    plain: bool,
}

/// Every way to read a name, the longest environment first: `values-us-prod` is of `us-prod`, not of `prod`.
fn readings(text: &str) -> Vec<NameReading> {
    let mut out = Vec::new();
    if is_shared_name(text) {
        return out;
    }
    let mut add = |name: &str, shape: String, plain: bool| {
        if words::is_environment(name) {
            out.push(NameReading {
                name: name.to_owned(),
                shape,
                plain,
            });
        }
    };
    add(text, "*".to_owned(), true);
    for (at, _) in text.match_indices(['-', '.', '_']) {
        add(&text[at + 1..], format!("{}*", &text[..=at]), true);
    }
    for (at, _) in text.rmatch_indices(['-', '.', '_']) {
        add(&text[..at], format!("*{}", &text[at..]), false);
    }
    for (start, end) in inside(text) {
        add(&text[start..end], format!("{}*{}", &text[..start], &text[end..]), false);
    }
    out
}

/// The parts of a name between two separators, the longest first; none where no part is a known word.
fn inside(text: &str) -> Vec<(usize, usize)> {
    let separators: Vec<usize> = text.match_indices(['-', '.', '_']).map(|(at, _)| at).collect();
    let speaks =
        |start: usize, end: usize| words::known(text[start..end].trim_end_matches(|c: char| c.is_ascii_digit()));
    let has_word = separators.windows(2).any(|pair| speaks(pair[0] + 1, pair[1]).is_some());
    if !has_word || separators.len() > MOST_SEPARATORS {
        return Vec::new();
    }
    let from = |(n, start): (usize, &usize)| {
        let ends = separators[n + 1..].iter();
        let start = start + 1;
        ends.map(move |end| (start, *end)).collect::<Vec<_>>()
    };
    let mut all: Vec<(usize, usize)> = separators.iter().enumerate().flat_map(from).collect();
    all.sort_by_key(|(start, end)| (usize::MAX - (end - start), *start));
    all
}

/// A file's name without its ending.
fn stem(file: &str) -> &str {
    let file = file.strip_suffix(".gotmpl").unwrap_or(file);
    let ends = [".yaml", ".yml", ".json"];
    ends.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file)
}

/// The `X` of `values.X.yaml`.
fn values_of(stem: &str) -> Option<&str> {
    let name = stem.strip_prefix("values.").filter(|name| !name.is_empty())?;
    (!NOT_VALUES_OF.contains(&name)).then_some(name)
}

/// What stands beside each other in the folders of all deployments.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// (folder, shape) -> the places in the promotion order that names of this shape have there.
    ranks: BTreeMap<(String, String), BTreeSet<u8>>,
    /// The same, of names that say so alone.
    clear_ranks: BTreeMap<(String, String), BTreeSet<u8>>,
    /// Folder -> its children that have deployments, shared folders not counted.
    children: BTreeMap<String, BTreeSet<String>>,
    /// Folder -> the `X` of each `values.X.yaml` in it.
    values: BTreeMap<String, BTreeSet<String>>,
    /// Last name of a parent folder (`overlays`) -> whether some folder of that name has a child of a known name.
    known_parents: BTreeMap<String, bool>,
    /// Last name of a parent folder -> its children's names, and the folders of that name that have each.
    parents: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Places {
    pub(super) fn of(paths: &[&str]) -> Self {
        let mut out = Self::default();
        // A folder says the same for every file in it.
        let mut noted: HashSet<&str> = HashSet::new();
        for path in paths {
            let parts: Vec<&str> = path.split('/').collect();
            let mut end = 0;
            for (at, part) in parts.iter().enumerate() {
                end += part.len();
                let is_file = at + 1 == parts.len();
                if is_file || noted.insert(&path[..end]) {
                    out.note(&parts[..at], part, is_file);
                }
                end += 1;
            }
        }
        out
    }

    fn note(&mut self, above: &[&str], part: &str, is_file: bool) {
        let folder = above.join("/");
        let name = if is_file { stem(part) } else { part };
        for reading in readings(name) {
            let key = (folder.clone(), reading.shape);
            let rank = words::rank(&reading.name);
            if words::is_clear(&reading.name) {
                self.clear_ranks.entry(key.clone()).or_default().extend(rank);
            }
            self.ranks.entry(key).or_default().extend(rank);
        }
        if is_file {
            if let Some(name) = values_of(name) {
                self.values.entry(folder).or_default().insert(name.to_owned());
            }
            return;
        }
        if let Some(parent) = above.last().filter(|parent| PARENTS.contains(parent)) {
            let known = words::rank(part).is_some();
            *self.known_parents.entry((*parent).to_owned()).or_default() |= known;
            if !is_shared_name(part) {
                let children = self.parents.entry((*parent).to_owned()).or_default();
                children.entry(part.to_owned()).or_default().insert(folder.clone());
            }
        }
        if !is_shared_name(part) {
            self.children.entry(folder).or_default().insert(part.to_owned());
        }
    }

    /// Whether environments of other places in the promotion order stand beside this one. Among many other folders
    /// they do only where production and a name that says so alone are there: two namespaces called `dev` and `test`
    /// among twenty others say nothing.
    fn has_neighbours(&self, folder: &str, shape: &str, is_file: bool) -> bool {
        let key = (folder.to_owned(), shape.to_owned());
        let several = |ranks: &BTreeSet<u8>| ranks.len() > 1;
        let has_production = |ranks: &BTreeSet<u8>| several(ranks) && ranks.contains(&words::PRODUCTION);
        let crowd = !is_file && shape == "*" && !self.are_mostly_environments(folder);
        // In the middle of a name, one of them must say so alone.
        let is_inside = !shape.starts_with('*') && !shape.ends_with('*');
        self.ranks.get(&key).is_some_and(several)
            && (!crowd || self.clear_ranks.get(&key).is_some_and(has_production))
            && (!is_inside || self.clear_ranks.contains_key(&key))
    }

    /// Whether most children of a folder are environments by their names: a namespace that happens to be
    /// called `dev` among twenty others is none.
    fn are_mostly_environments(&self, folder: &str) -> bool {
        let Some(children) = self.children.get(folder) else {
            return false;
        };
        let known = children.iter().filter(|child| words::is_environment(child)).count();
        known * 2 >= children.len()
    }

    fn believes(&self, folder: &str, reading: &NameReading, is_file: bool) -> bool {
        if self.has_neighbours(folder, &reading.shape, is_file) {
            return true;
        }
        let crowd = !is_file && reading.shape == "*" && !self.are_mostly_environments(folder);
        reading.plain && words::is_clear(&reading.name) && !crowd
    }

    /// The folder right below a folder of environments that a path lies in, as an index of its parts.
    fn child_of_parent(&self, folders: &[&str]) -> Option<usize> {
        let at = folders.iter().rposition(|folder| PARENTS.contains(folder))? + 1;
        let child = folders.get(at).filter(|child| !is_shared_name(child))?;
        if words::rank(child).is_some() {
            return Some(at);
        }
        // Among folders of one name (`overlays`), those with known environments show what the others are not
        // (`overlays/with-tls`): unknown names count beside known ones, or where no folder of the name knows any.
        let beside = self.children.get(&folders[..at].join("/"));
        let beside_known = beside.is_some_and(|all| all.iter().any(|name| words::rank(name).is_some()));
        let nobody_knows = !self.known_parents.get(folders[at - 1]).is_some_and(|known| *known);
        (beside_known || nobody_knows && self.recurs(folders[at - 1], child)).then_some(at)
    }

    /// Whether a name that speaks of nothing stands in most folders of one name: each application has the same
    /// environments (`a/overlays/acme`, `b/overlays/acme`), and variants of its own (`a/overlays/with-tls`). The number of
    /// a ring speaks: some applications have fewer.
    fn recurs(&self, parent: &str, child: &str) -> bool {
        if words::is_wave(child) {
            return true;
        }
        let Some(children) = self.parents.get(parent) else {
            return false;
        };
        let all: BTreeSet<&String> = children.values().flatten().collect();
        children.get(child).is_some_and(|folders| folders.len() * 2 > all.len())
    }

    /// What a path says about its environment; `None` where it says nothing that can be believed.
    pub(super) fn find(&self, path: &str) -> Option<FoundEnvironment> {
        let parts: Vec<&str> = path.split('/').collect();
        let (file, folders) = parts.split_last()?;
        let folder_of = |at: usize| folders[..at].join("/");
        let whole = |at: usize, name: &str, shape: &str| FoundEnvironment {
            name: name.to_owned(),
            pattern: format!("{}/**", folders[..=at].join("/")),
            beside_another: self.has_neighbours(&folder_of(at), shape, false),
        };
        let child = self.child_of_parent(folders);
        // A name that speaks, right below a folder of environments, decides whatever lies deeper.
        if let Some(at) = child.filter(|at| words::rank(folders[*at]).is_some()) {
            return Some(FoundEnvironment {
                beside_another: self.stands_beside_ranks(folders, at),
                ..whole(at, folders[at], "*")
            });
        }
        let exact = |at: &usize| {
            let reading = NameReading {
                name: folders[*at].to_owned(),
                shape: "*".to_owned(),
                plain: true,
            };
            words::is_environment(folders[*at]) && self.believes(&folder_of(*at), &reading, false)
        };
        // The innermost wins among equals.
        if let Some(at) = (0..folders.len()).rev().find(exact) {
            return Some(whole(at, folders[at], "*"));
        }
        for at in (0..folders.len()).rev() {
            let found = readings(folders[at])
                .into_iter()
                .find(|reading| self.has_neighbours(&folder_of(at), &reading.shape, false));
            if let Some(reading) = found {
                return Some(whole(at, &reading.name, &reading.shape));
            }
        }
        self.of_file(folders, file, path).or_else(|| {
            let at = child?;
            Some(whole(at, folders[at], "*"))
        })
    }

    /// Whether siblings of a folder right below a folder of environments have other places in the order.
    fn stands_beside_ranks(&self, folders: &[&str], at: usize) -> bool {
        let Some(children) = self.children.get(&folders[..at].join("/")) else {
            return false;
        };
        let ranks: BTreeSet<u8> = children.iter().filter_map(|child| words::rank(child)).collect();
        ranks.len() > 1
    }

    fn of_file(&self, folders: &[&str], file: &str, path: &str) -> Option<FoundEnvironment> {
        let folder = folders.join("/");
        let found = |name: &str, beside_another: bool| FoundEnvironment {
            name: name.to_owned(),
            pattern: path.to_owned(),
            beside_another,
        };
        if let Some(name) = values_of(stem(file)) {
            let all = self.values.get(&folder)?;
            let says = |name: &String| words::is_environment(name) || words::is_region(name);
            let believed = words::is_clear(name) || (all.len() > 1 && all.iter().any(says));
            let ranks: BTreeSet<u8> = all.iter().filter_map(|name| words::rank(name)).collect();
            return believed.then(|| found(name, ranks.len() > 1));
        }
        let reading = readings(stem(file))
            .into_iter()
            .find(|reading| self.believes(&folder, reading, true))?;
        Some(found(&reading.name, self.has_neighbours(&folder, &reading.shape, true)))
    }
}
