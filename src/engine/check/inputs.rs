//! What an environment takes in and nobody reads here, where a change adds it, changes it, or takes what it applies
//! from somewhere else.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel};
use crate::domain::failure::Hint;
use crate::domain::id::EnvId;
use crate::domain::quoted;
use crate::engine::effective::{UnreadInput, may_be_of_image};
use crate::sources::git::manifest::{AppliedSource, AppliedSourceKind, Scan, VALUES_FROM, is_same_repository};

use super::tree::PinTree;

/// At most this many findings; the last one counts the rest.
const MOST: usize = 200;

/// Revisions that name no other state than the one that is deployed.
const SAME_REVISION: [&str; 4] = ["", "HEAD", "main", "master"];

/// Everything of this kind. `changed` are the paths that differ.
pub(super) fn findings(before: &PinTree, head: &PinTree, changed: &[String]) -> Vec<CheckFinding> {
    let mut out = taken_in(before, head, changed);
    out.extend(sources(before, head));
    out.extend(compose(before, head));
    let sources = sources_of(head);
    out.extend(data(before, head, &sources));
    out.extend(own_charts(before, head, &sources, changed));
    super::whole::capped(out, MOST)
}

fn finding(environment: Option<&EnvId>, file: &str, line: u32, message: String) -> CheckFinding {
    let next: Hint =
        "take in what can be read, as regular files of this repository, or make this change where a person \
                      looks at what it brings"
            .into();
    CheckFinding {
        environment: environment.cloned(),
        ..CheckFinding::new(FindingKind::Unreadable, FindingLevel::Error, message, next).at(file, Some(line))
    }
}

/// What is new, and what lies in this repository and differs.
fn taken_in(before: &PinTree, head: &PinTree, changed: &[String]) -> Vec<CheckFinding> {
    let key = |one: &UnreadInput| {
        (
            one.environment.clone(),
            one.name.clone(),
            one.path.clone(),
            one.is_chart,
        )
    };
    let known: BTreeSet<_> = before.effective.unread.iter().map(key).collect();
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    for one in &head.effective.unread {
        let is_new = !known.contains(&key(one));
        let touched = one.path.as_deref().and_then(|path| {
            let mut all = changed.iter().filter(|file| touches(file, path));
            all.find(|file| !one.is_chart || is_unread_of_chart(file, path, before, head))
        });
        // The values of a chart are read, and what it makes of them was there when it was first applied.
        let is_told = match one.is_chart {
            true => touched.is_some(),
            false => is_new || touched.is_some(),
        };
        if !is_told || !told.insert(key(one)) {
            continue;
        }
        let what = quoted(&one.name);
        let message = match (one.is_chart, touched) {
            (true, Some(file)) => format!(
                "the chart {what} is applied here, and {} is changed: what it makes of it is not read",
                quoted(file)
            ),
            (_, Some(_)) if !is_new => {
                format!("{what} is taken in and changed, and cannot be read: it may deploy anything")
            }
            _ => format!("{what} is taken in, and cannot be read: it may deploy anything"),
        };
        let is_there = head.commit.scans.contains_key(&one.by);
        let file = if is_there {
            one.by.as_str()
        } else {
            one.path.as_deref().unwrap_or(&one.by)
        };
        out.push(finding(Some(&one.environment), file, 1, message));
    }
    out
}

/// Whether a path that differs is this one, lies below it, or stands in its way.
fn touches(file: &str, path: &str) -> bool {
    let is_below = |one: &str, folder: &str| one.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    file == path || path.is_empty() || is_below(file, path) || is_below(path, file)
}

/// Whether a file of a chart is one that only the chart reads: everything but its values and what is for people.
fn is_unread_of_chart(file: &str, chart: &str, before: &PinTree, head: &PinTree) -> bool {
    let rest = file.strip_prefix(chart).unwrap_or(file).trim_start_matches('/');
    if rest.is_empty() || !touches(file, chart) || !file.starts_with(chart) {
        return true;
    }
    let first = rest.split('/').next().unwrap_or(rest);
    let is_template = matches!(first, "templates" | "charts" | "crds");
    let name = rest.rsplit('/').next().unwrap_or(rest);
    if !is_template && (name.ends_with(".md") || name == ".gitignore" || name == "LICENSE") {
        return false;
    }
    let is_own = matches!(
        name,
        "Chart.yaml" | "Chart.lock" | "requirements.yaml" | "requirements.lock"
    );
    let is_read = |tree: &PinTree| tree.commit.scans.get(file).map(|scan| scan.problem.is_none());
    let reads = [is_read(before), is_read(head)];
    is_template || is_own || reads.contains(&Some(false)) || !reads.contains(&Some(true))
}

/// The sources of the objects of one commit, by environment and object.
type Sources<'a> = BTreeMap<(EnvId, &'a str), (&'a str, u32, AppliedSourceKind, &'a BTreeMap<String, String>)>;

fn sources_of(tree: &PinTree) -> Sources<'_> {
    let mut out = Sources::new();
    for (file, scan) in &tree.commit.scans {
        let is_source =
            |one: &&AppliedSource| !matches!(one.kind, AppliedSourceKind::Compose | AppliedSourceKind::Data);
        let all = scan.applied.iter().filter(is_source);
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            continue;
        }
        for environment in tree.environments(file) {
            for one in &all {
                let key = (environment.clone(), one.object.as_str());
                out.insert(key, (file, one.line, one.kind, &one.fields));
            }
        }
    }
    out
}

/// Objects that take what they apply from somewhere else than before; of new ones, those whose source no object had.
fn sources(before: &PinTree, head: &PinTree) -> Vec<CheckFinding> {
    let (was, is) = (sources_of(before), sources_of(head));
    let known: BTreeSet<(&str, &str)> = was
        .values()
        .flat_map(|(.., fields)| fields.iter().map(|(path, value)| (last(path), value.as_str())))
        .collect();
    let own = head.commit.remote_url.as_deref();
    let texts = VariableTexts::of(head);
    let mut out = Vec::new();
    for ((environment, object), (file, line, kind, fields)) in &is {
        let differs = match was.get(&(environment.clone(), *object)) {
            Some((.., former)) => {
                let paths = former.keys().chain(fields.keys());
                paths.into_iter().find(|path| {
                    !path.starts_with(VALUES_FROM)
                        && former.get(*path) != fields.get(*path)
                        && (!path.contains(".substitute.") || texts.have(last(path)))
                })
            }
            None if *kind != AppliedSourceKind::Folder => None,
            None => fields.iter().find_map(|(path, value)| {
                let is_chart = fields.contains_key(&path.replace("repoURL", "chart")) && path.ends_with("repoURL");
                let is_known = known.contains(&(last(path), value.as_str()))
                    || path.contains(".substitute.")
                    || is_chart
                    || path.ends_with("chart")
                    || SAME_REVISION.contains(&value.as_str())
                    || value.contains("{{")
                    || own.is_some_and(|own| is_same_repository(value, own));
                (!is_known).then_some(path)
            }),
        };
        let Some(path) = differs else { continue };
        let says = match fields.get(path) {
            Some(value) => format!("says {} now", quoted(value)),
            None => "is gone".to_owned(),
        };
        let message = format!(
            "{} takes what it applies from somewhere else: spec.{path} {says}, and what it brings is not read",
            quoted(object)
        );
        out.push(finding(Some(environment), file, *line, message));
    }
    out
}

fn last(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.split('[').next().unwrap_or(last)
}

/// Texts of images with variables in them.
struct VariableTexts<'a>(Vec<&'a str>);

impl<'a> VariableTexts<'a> {
    fn of(tree: &'a PinTree) -> Self {
        let texts = |scan: &'a Scan| {
            let found = scan
                .all()
                .flat_map(|found| [Some(found.written.as_str()), found.tag.as_deref()]);
            let seen = scan.unmanaged.iter().map(|one| Some(one.text.raw()));
            found.chain(seen).flatten()
        };
        let all = tree.commit.scans.values().flat_map(|scan| texts(scan));
        Self(all.filter(|text| text.contains('$')).collect())
    }

    /// Whether a variable stands in one of them.
    fn have(&self, name: &str) -> bool {
        let (braced, plain) = (format!("${{{name}"), format!("${name}"));
        self.0
            .iter()
            .any(|text| text.contains(&braced) || text.contains(&plain))
    }
}

/// Objects with data that variables (`substituteFrom`) or values (`valuesFrom`) are taken from, where a change gives an
/// image of them another name. Values that are read are pins, and told as such.
fn data(before: &PinTree, head: &PinTree, sources: &Sources<'_>) -> Vec<CheckFinding> {
    let texts = VariableTexts::of(head);
    let mut out = Vec::new();
    let mut told = BTreeSet::new();
    for ((environment, object), (.., fields)) in sources {
        for (path, name) in fields.iter().filter(|(path, _)| path.ends_with("].name")) {
            let beside = |field: &str| fields.get(&format!("{}{field}", path.trim_end_matches("name")));
            let kind = beside("kind").map_or("ConfigMap", String::as_str);
            let values_key = beside("valuesKey").map_or("values.yaml", String::as_str);
            let is_values = path.starts_with(VALUES_FROM);
            let is_read = match beside("targetPath") {
                Some(target) => !may_be_of_image(target),
                None => kind == "ConfigMap",
            };
            if is_values && is_read || !is_values && !path.contains("substituteFrom[") {
                continue;
            }
            let named = format!("{kind} {name}");
            let (was, is) = (data_of(before, &named), data_of(head, &named));
            let all = was.values().chain(is.values()).flat_map(|(_, fields)| fields.keys());
            let counts = |key: &&String| {
                let key = key.split_once('.').map_or(key.as_str(), |(_, key)| key);
                if is_values { key == values_key } else { texts.have(key) }
            };
            let keys: BTreeSet<&String> = all.filter(counts).collect();
            let says = |of: &DataObjects<'_>, key: &str| -> BTreeSet<Option<String>> {
                of.values().map(|(_, fields)| fields.get(key).cloned()).collect()
            };
            let Some(key) = keys.into_iter().find(|key| says(&was, key) != says(&is, key)) else {
                continue;
            };
            let place = is.iter().chain(&was).next().map(|(file, (line, _))| (*file, *line));
            let (file, line) = place.unwrap_or(("pindeck.toml", 1));
            let message = format!(
                "{} takes {} from {}, and {} in it says something else: an image may be another one then",
                quoted(object),
                if is_values { "values" } else { "variables" },
                quoted(&named),
                quoted(key)
            );
            if told.insert((environment.clone(), named)) {
                out.push(finding(Some(environment), file, line, message));
            }
        }
    }
    out
}

/// Objects with data, by file.
type DataObjects<'a> = BTreeMap<&'a str, (u32, &'a BTreeMap<String, String>)>;

/// The objects of one kind and name.
fn data_of<'a>(tree: &'a PinTree, object: &str) -> DataObjects<'a> {
    let mut out = DataObjects::new();
    for (file, scan) in &tree.commit.scans {
        let all = scan.applied.iter();
        for one in all.filter(|one| one.kind == AppliedSourceKind::Data && one.object == object) {
            out.insert(file, (one.line, &one.fields));
        }
    }
    out
}

/// Charts of this repository that a `HelmRelease` applies, where a change touches what only the chart reads.
fn own_charts(before: &PinTree, head: &PinTree, sources: &Sources<'_>, changed: &[String]) -> Vec<CheckFinding> {
    let mut out = Vec::new();
    for ((environment, object), (file, line, kind, fields)) in sources {
        let is_chart = *kind == AppliedSourceKind::Chart;
        let Some(chart) = fields.get("chart.spec.chart").filter(|_| is_chart) else {
            continue;
        };
        let folder = chart.trim_start_matches("./").trim_end_matches('/');
        let manifest = format!("{folder}/Chart.yaml");
        let is_here = |tree: &PinTree| tree.commit.files.iter().any(|file| file.path == manifest);
        if folder.is_empty() || folder.contains("..") || !(is_here(head) || is_here(before)) {
            continue;
        }
        let mut below = changed.iter().filter(|file| file.starts_with(&format!("{folder}/")));
        let Some(touched) = below.find(|file| is_unread_of_chart(file, folder, before, head)) else {
            continue;
        };
        let message = format!(
            "{} applies the chart {} of this repository, and {} is changed: what it makes of it is not read",
            quoted(object),
            quoted(folder),
            quoted(touched)
        );
        out.push(finding(Some(environment), file, *line, message));
    }
    out
}

/// Compose files that say of a service that another file of the folder pins what it runs: which of them counts depends
/// on their names and on who starts it.
fn compose(before: &PinTree, head: &PinTree) -> Vec<CheckFinding> {
    let mut out = Vec::new();
    let mut told = BTreeSet::new();
    for place in &head.places {
        for slot in place
            .slots
            .iter()
            .filter(|slot| slot.workload.name.starts_with("service "))
        {
            let folder = folder_of(&slot.workload.file);
            let beside = head.commit.scans.iter().filter(|(file, scan)| {
                **file != slot.workload.file && folder_of(file) == folder && is_read_by_itself(file) && is_compose(scan)
            });
            for (file, scan) in beside {
                let mine = |scan: &Scan| -> BTreeSet<String> {
                    let own = scan.all().filter(|found| {
                        let workload = scan.workload_of(found);
                        workload.is_some_and(|one| one.name == slot.workload.name)
                            && !(found.repository.as_ref() == Some(&place.image)
                                && found.digest.is_some()
                                && found.digest == place.digest)
                    });
                    own.map(crate::sources::git::manifest::Found::reference).collect()
                };
                let was = before.commit.scans.get(file);
                let known = was.map(|scan| mine(scan)).unwrap_or_default();
                let says = mine(scan).into_iter().find(|text| !known.contains(text));
                let takes_the_place = was.is_none() && !file.contains("override");
                let message = match says {
                    Some(text) => format!(
                        "{} runs {} in {} too, and {} pins something else: which of them counts cannot be told",
                        quoted(&slot.workload.name),
                        quoted(&text),
                        quoted(file),
                        quoted(&slot.workload.file)
                    ),
                    None if takes_the_place => format!(
                        "{} is new beside {}, which it may take the place of",
                        quoted(file),
                        quoted(&slot.workload.file)
                    ),
                    None => continue,
                };
                let line = scan.workloads.iter().find(|one| one.name == slot.workload.name);
                let line = line.and_then(|one| {
                    let mut all = scan.all();
                    all.find(|found| scan.workload_of(found) == Some(one))
                        .map(|found| found.line)
                });
                if told.insert((place.target.environment.clone(), file, message.clone())) {
                    out.push(finding(
                        Some(&place.target.environment),
                        file,
                        line.unwrap_or(1),
                        message,
                    ));
                }
            }
        }
    }
    out
}

/// Whether Compose reads a file of this name without being told to.
fn is_read_by_itself(file: &str) -> bool {
    const NAMES: [&str; 4] = [
        "compose",
        "compose.override",
        "docker-compose",
        "docker-compose.override",
    ];
    let name = file.rsplit('/').next().unwrap_or(file);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| NAMES.contains(&stem))
}

fn is_compose(scan: &Scan) -> bool {
    scan.problem.is_some() || scan.workloads.iter().any(|one| one.name.starts_with("service "))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
