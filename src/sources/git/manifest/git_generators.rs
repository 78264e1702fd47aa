//! The git generators of an ApplicationSet: folders and files of the repository, and what a template says with them.

use serde::{Deserialize, Serialize};

use super::shape::MissingFile;
use super::tree::{Id, Tree};

/// What makes one Application for each folder or file of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitGenerator {
    /// URL of the repository.
    pub url: Option<String>,
    /// What the names of its values begin with (`pathParamPrefix`).
    pub prefix: String,
    /// It is for folders; else for files.
    pub is_for_folders: bool,
    /// Patterns of the folders or files; `true` = what matches is left out.
    pub patterns: Vec<(String, bool)>,
}

/// The template of a source whose texts have values of git generators in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTemplate {
    /// The generators, all of the set.
    pub generators: Vec<GitGenerator>,
    /// The name of each Application.
    pub name: String,
    /// The folder.
    pub path: String,
    /// The files of values as paths from the root, lowest first.
    pub value_files: Vec<String>,
    /// What becomes of an Application if one of them is not there.
    pub missing: MissingFile,
    /// Names of the cluster, where it is another one.
    pub cluster: Option<String>,
}

/// The generators of a set, if every one of them is a git generator that says nothing else, or a matrix with one of them:
/// then it is known which folders the set is for.
pub(super) fn of_set(tree: &Tree<'_>, root: Id) -> Option<Vec<GitGenerator>> {
    let list = tree.items(tree.at(root, &["spec", "generators"])?);
    let all: Option<Vec<GitGenerator>> = list.iter().map(|one| generator(tree, *one)).collect();
    all.filter(|all| !all.is_empty())
}

fn generator(tree: &Tree<'_>, one: Id) -> Option<GitGenerator> {
    if tree.get(one, "selector").is_some() {
        return None;
    }
    if let Some(inner) = tree.at(one, &["matrix", "generators"]) {
        let mut known = tree.items(inner).iter().filter(|one| tree.get(**one, "git").is_some());
        let git = known.next().filter(|_| known.next().is_none())?;
        return generator(tree, *git);
    }
    let git = tree.get(one, "git")?;
    let (key, is_for_folders) = match (tree.get(git, "directories"), tree.get(git, "files")) {
        (Some(list), None) => (list, true),
        (None, Some(list)) => (list, false),
        _ => return None,
    };
    let pattern = |id: &Id| {
        let path = tree.text_at(*id, &["path"])?;
        Some((path.to_owned(), tree.text_at(*id, &["exclude"]) == Some("true")))
    };
    let patterns: Option<Vec<(String, bool)>> = tree.items(key).iter().map(pattern).collect();
    let text = |key| tree.text_at(git, &[key]).map(str::to_owned);
    Some(GitGenerator {
        url: text("repoURL"),
        prefix: text("pathParamPrefix").unwrap_or_default(),
        is_for_folders,
        patterns: patterns.filter(|all| all.iter().all(|(path, _)| !path.contains("{{")))?,
    })
}

impl GitGenerator {
    /// A text of the template for one folder or file; `None` where something else is put in, too.
    pub(crate) fn fill(&self, text: &str, place: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, behind) = after.split_once("}}")?;
            out.push_str(before);
            out.push_str(&self.value(inside.trim().trim_matches('-').trim(), place)?);
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }

    /// What an expression stands for, in both languages of templates.
    fn value(&self, expression: &str, place: &str) -> Option<String> {
        let (folder, file) = match (self.is_for_folders, place.rsplit_once('/')) {
            (true, _) => (place, ""),
            (false, Some((folder, file))) => (folder, file),
            (false, None) => ("", place),
        };
        let basename = folder.rsplit('/').next().unwrap_or_default();
        let segment = |number: &str| {
            let number: usize = number.trim().parse().ok()?;
            folder.split('/').nth(number).map(str::to_owned)
        };
        let expression = expression.strip_prefix('.').unwrap_or(expression);
        let index = format!("index .{}path.segments ", self.dotted());
        if let Some(number) = expression.strip_prefix(&index) {
            return segment(number);
        }
        let own = expression.strip_prefix(&self.dotted())?;
        match own {
            "path" | "path.path" => Some(folder.to_owned()),
            "path.basename" => Some(basename.to_owned()),
            "path.basenameNormalized" => Some(normalized(basename)),
            "path.filename" if !self.is_for_folders => Some(file.to_owned()),
            "path.filenameNormalized" if !self.is_for_folders => Some(normalized(file)),
            other => segment(other.strip_prefix("path[")?.strip_suffix(']')?),
        }
    }

    fn dotted(&self) -> String {
        match self.prefix.is_empty() {
            true => String::new(),
            false => format!("{}.", self.prefix),
        }
    }
}

/// A name as Kubernetes takes it.
fn normalized(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let kept = lower.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') => c,
        _ => '-',
    });
    let text: String = kept.take(253).collect();
    text.trim_matches(|c: char| matches!(c, '-' | '.' | '_')).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(is_for_folders: bool, prefix: &str) -> GitGenerator {
        GitGenerator {
            url: None,
            prefix: prefix.to_owned(),
            is_for_folders,
            patterns: Vec::new(),
        }
    }

    #[test]
    fn both_languages_of_templates_are_filled() {
        let (folders, files) = (generator(true, ""), generator(false, "app"));
        for (text, expected) in [
            ("{{path}}", Some("apps/shop_web/prod")),
            ("{{ .path.path }}/x", Some("apps/shop_web/prod/x")),
            ("{{path.basename}}-{{.path.basename}}", Some("prod-prod")),
            ("{{path[1]}}", Some("shop_web")),
            ("{{index .path.segments 1}}", Some("shop_web")),
            ("{{- .path.basename -}}", Some("prod")),
            ("plain", Some("plain")),
            ("{{path[7]}}", None),
            ("{{path.filename}}", None),
            ("{{cluster}}", None),
            ("{{.path.basename | upper}}", None),
            ("{{path", None),
        ] {
            let made = folders.fill(text, "apps/shop_web/prod");
            assert_eq!(made.as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("{{app.path}}", Some("apps/Web_1")),
            ("{{app.path.basenameNormalized}}", Some("web-1")),
            ("{{.app.path.filename}}", Some("config.json")),
            ("{{path}}", None),
            ("{{image.tag}}", None),
        ] {
            let made = files.fill(text, "apps/Web_1/config.json");
            assert_eq!(made.as_deref(), expected, "{text}");
        }
    }
}
