//! What an ApplicationSet's generators put into its template.

use std::collections::BTreeMap;

use super::name_patterns::steps;
use super::tree::{Id, Kind, Tree};

/// Applications of one set that are told apart; a larger one counts with unknown parts.
const MOST: usize = 200;
/// How deep generators lie in one another, and values of an element.
const DEEPEST: u32 = 3;

/// The values of one Application of a set, by the name that the template has for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SetParameters(BTreeMap<String, String>);

impl SetParameters {
    /// Those of each Application of a set, as far as they are known from the object itself; one without any value
    /// where nothing is known, or where `root` is no set.
    pub(super) fn of_set(tree: &Tree<'_>, root: Id) -> Vec<Self> {
        let mut all = Vec::new();
        if let Some(list) = tree.at(root, &["spec", "generators"]) {
            generators(tree, list, 0, &mut all);
        }
        if all.is_empty() || all.len() > MOST {
            return vec![Self::default()];
        }
        all
    }

    /// A text of the template with its values; what is not known stays as an unknown part.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, (inside, after))) = rest
            .split_once("{{")
            .and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            let key = inside.trim().trim_start_matches('.');
            out.push_str(before);
            match self.0.get(key) {
                Some(value) => out.push_str(value),
                // A whole path may have any number of folders.
                None if key == "path" || key.ends_with("path.path") => out.push_str("**"),
                None => out.push('*'),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

fn generators(tree: &Tree<'_>, list: Id, depth: u32, out: &mut Vec<SetParameters>) {
    for generator in tree.items(list) {
        if out.len() > MOST || !tree.look(1) {
            return;
        }
        one(tree, *generator, depth, out);
    }
}

fn one(tree: &Tree<'_>, generator: Id, depth: u32, out: &mut Vec<SetParameters>) {
    let before = out.len();
    if let Some(elements) = tree.at(generator, &["list", "elements"]) {
        for element in tree.items(elements) {
            let mut values = SetParameters::default();
            take(tree, *element, "", 0, &mut values);
            out.push(values);
        }
    }
    if let Some(folders) = tree.at(generator, &["git", "directories"]) {
        let all = tree.items(folders).iter();
        let taken = all.filter(|id| tree.text_at(**id, &["exclude"]) != Some("true"));
        out.extend(taken.filter_map(|id| Some(of_folder(tree.text_at(*id, &["path"])?))));
    }
    if let Some(files) = tree.at(generator, &["git", "files"]) {
        let all = tree.items(files).iter();
        let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        out.extend(all.filter_map(|id| Some(of_folder(&folder(tree.text_at(*id, &["path"])?)))));
    }
    for (kind, multiplies) in [("matrix", true), ("merge", false)] {
        let Some(inner) = tree.at(generator, &[kind, "generators"]).filter(|_| depth < DEEPEST) else {
            continue;
        };
        if multiplies {
            product(tree, inner, depth + 1, out);
        } else {
            generators(tree, inner, depth + 1, out);
        }
    }
    // Clusters, pull requests and plugins: their values are known to nobody here.
    if out.len() == before {
        out.push(SetParameters::default());
    }
}

/// Each combination of what the generators of a matrix yield.
fn product(tree: &Tree<'_>, list: Id, depth: u32, out: &mut Vec<SetParameters>) {
    let mut all = vec![SetParameters::default()];
    for generator in tree.items(list) {
        let mut more = Vec::new();
        one(tree, *generator, depth, &mut more);
        if all.len().saturating_mul(more.len()) > MOST {
            out.push(SetParameters::default());
            return;
        }
        let each = all.iter().flat_map(|known| {
            more.iter().map(|values| {
                let mut both = known.clone();
                both.0.extend(values.0.clone());
                both
            })
        });
        all = each.collect();
    }
    out.extend(all);
}

fn of_folder(path: &str) -> SetParameters {
    let last = steps(path).and_then(|steps| steps.last().copied()).unwrap_or("");
    let mut values = SetParameters::default();
    for key in ["path", "path.path"] {
        values.0.insert(key.to_owned(), path.to_owned());
    }
    values.0.insert("path.basename".to_owned(), last.to_owned());
    values
}

/// The texts of an element, with the keys above them.
fn take(tree: &Tree<'_>, id: Id, above: &str, depth: u32, out: &mut SetParameters) {
    for (key, value) in tree.entries(id) {
        let Some(key) = tree.text_of(*key).filter(|_| tree.look(1)) else {
            continue;
        };
        let name = if above.is_empty() {
            key.to_owned()
        } else {
            format!("{above}.{key}")
        };
        match &tree.node(tree.resolve(*value)).kind {
            Kind::Scalar(text, _) => drop(out.0.insert(name, text.to_string())),
            Kind::Map(..) if depth < DEEPEST => take(tree, *value, &name, depth + 1, out),
            _ => {}
        }
    }
}
