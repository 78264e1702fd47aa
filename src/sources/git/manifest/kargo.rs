//! Promotions of Kargo: which files of which branch their steps write and push.

use serde::{Deserialize, Serialize};

use super::name_patterns::{can_match, covers, steps};
use super::planned_edit::{PlannedEdit, WrittenBranch};
use super::tree::{Id, Tree};

/// Steps that change the file or folder under `path`; others write only where `outPath` says.
const WRITES_PATH: [&str; 9] = [
    "delete",
    "git-clear",
    "hcl-update",
    "helm-update-chart",
    "helm-update-image",
    "json-update",
    "kustomize-set-image",
    "toml-update",
    "yaml-update",
];
/// How deep variables name one another.
const DEEPEST: usize = 4;

/// A `Stage`, or a task that Stages use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KargoObject {
    /// `metadata.name`.
    pub name: String,
    /// Whether it is a task, which does nothing by itself.
    pub is_task: bool,
    /// Variables with their values.
    pub vars: Vec<(String, String)>,
    /// What a promotion does, in this order.
    pub steps: Vec<PromotionStep>,
}

/// A step of a promotion: what Kargo runs, with the values that it runs it with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromotionStep {
    /// Line, from 1.
    pub line: u32,
    /// Which step it is, for example `kustomize-set-image`.
    pub uses: String,
    /// The task whose steps stand here.
    pub task: Option<String>,
    /// Variables for that task.
    pub vars: Vec<(String, String)>,
    /// `path`: what it reads or changes.
    pub path: Option<String>,
    /// `outPath`: what it writes.
    pub out_path: Option<String>,
    /// `repoURL` of a clone.
    pub url: Option<String>,
    /// Branches that are checked out, with the folder of each; no branch = the default one.
    pub checkouts: Vec<(Option<String>, String)>,
    /// Images that it sets; empty = not known.
    pub images: Vec<String>,
    /// Applications whose images it sets in the cluster.
    pub applications: Vec<String>,
    /// `targetBranch` of a push or a pull request.
    pub target: Option<String>,
    /// Whether a push makes a branch of its own.
    pub generates_branch: bool,
}

/// Who promotes, for the words and for expressions.
pub(super) struct StageNames<'a> {
    /// File in which the Stage stands.
    pub file: &'a str,
    /// Its name.
    pub stage: &'a str,
    /// Its namespace.
    pub project: &'a str,
}

/// Reads an object of Kargo, if it is one that promotes.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: &str) -> Option<KargoObject> {
    let is_task = match kind {
        "Stage" => false,
        "PromotionTask" | "ClusterPromotionTask" => true,
        _ => return None,
    };
    let spec = tree.get(root, "spec")?;
    let body = if is_task {
        Some(spec)
    } else {
        tree.at(spec, &["promotionTemplate", "spec"])
    };
    let list = |key| {
        body.and_then(|id| tree.get(id, key))
            .map_or(&[][..], |id| tree.items(id))
    };
    let mut all: Vec<PromotionStep> = list("steps")
        .iter()
        .filter(|_| tree.look(1))
        .map(|id| step(tree, *id))
        .collect();
    let updates = tree.at(spec, &["promotionMechanisms", "gitRepoUpdates"]);
    for update in updates.map_or(&[][..], |id| tree.items(id)) {
        all.extend(mechanism(tree, *update));
    }
    let mut vars = body.map_or_else(Vec::new, |id| variables(tree, id));
    if !is_task {
        vars.extend(variables(tree, spec));
    }
    Some(KargoObject {
        name: tree.text_at(root, &["metadata", "name"]).unwrap_or_default().to_owned(),
        is_task,
        vars,
        steps: all,
    })
}

fn variables(tree: &Tree<'_>, of: Id) -> Vec<(String, String)> {
    let list = tree.get(of, "vars").map_or(&[][..], |id| tree.items(id));
    let each = list.iter().filter(|_| tree.look(1));
    each.filter_map(|id| {
        let text = |key| tree.text_at(*id, &[key]);
        Some((text("name")?.to_owned(), text("value").unwrap_or_default().to_owned()))
    })
    .collect()
}

fn step(tree: &Tree<'_>, id: Id) -> PromotionStep {
    let text = |path: &[&str]| tree.text_at(id, path).map(str::to_owned);
    let list = |path: &[&str]| tree.at(id, path).map_or(&[][..], |id| tree.items(id));
    let named = |all: &[Id], key: &str| -> Vec<String> {
        let each = all.iter().filter(|_| tree.look(1));
        each.filter_map(|id| tree.text_at(*id, &[key]).map(str::to_owned))
            .collect()
    };
    let apps = list(&["config", "apps"]);
    let sources = apps
        .iter()
        .flat_map(|app| tree.get(*app, "sources").map_or(&[][..], |id| tree.items(id)));
    let set = sources.flat_map(|source| {
        let images = tree.at(*source, &["kustomize", "images"]);
        images.map_or(&[][..], |id| tree.items(id)).iter().copied()
    });
    let set: Vec<Id> = set.collect();
    let mut images = named(list(&["config", "images"]), "image");
    images.extend(named(&set, "repoURL"));
    PromotionStep {
        line: tree.node(id).line,
        uses: text(&["uses"]).unwrap_or_default(),
        task: text(&["task", "name"]),
        vars: variables(tree, id),
        path: text(&["config", "path"]),
        out_path: text(&["config", "outPath"]),
        url: text(&["config", "repoURL"]),
        checkouts: list(&["config", "checkout"])
            .iter()
            .filter(|_| tree.look(1))
            .map(|checkout| {
                let text = |key| tree.text_at(*checkout, &[key]).map(str::to_owned);
                (text("branch"), text("path").unwrap_or_default())
            })
            .collect(),
        images,
        applications: if set.is_empty() {
            Vec::new()
        } else {
            named(apps, "name")
        },
        target: text(&["config", "targetBranch"]),
        generates_branch: tree.text_at(id, &["config", "generateTargetBranch"]) == Some("true"),
    }
}

/// The older form, which names what is written and no steps, as the steps that do the same.
fn mechanism(tree: &Tree<'_>, id: Id) -> Vec<PromotionStep> {
    const FOLDER: &str = "repository";
    let text = |id: Id, key| tree.text_at(id, &[key]).map(str::to_owned);
    let branch = text(id, "writeBranch");
    let of = |uses: &str| PromotionStep {
        line: tree.node(id).line,
        uses: uses.to_owned(),
        ..PromotionStep::default()
    };
    let mut out = vec![PromotionStep {
        url: text(id, "repoURL"),
        checkouts: vec![(branch.clone(), FOLDER.to_owned())],
        ..of("git-clone")
    }];
    for (tool, key, uses) in [
        ("kustomize", "path", "kustomize-set-image"),
        ("helm", "valuesFilePath", "helm-update-image"),
    ] {
        for image in tree.at(id, &[tool, "images"]).map_or(&[][..], |id| tree.items(id)) {
            let path = text(*image, key).filter(|_| tree.look(1)).unwrap_or_default();
            out.push(PromotionStep {
                line: tree.node(*image).line,
                path: Some(format!("{FOLDER}/{path}")),
                images: text(*image, "image").into_iter().collect(),
                ..of(uses)
            });
        }
    }
    out.push(PromotionStep {
        path: Some(FOLDER.to_owned()),
        target: branch,
        ..of("git-push")
    });
    out
}

/// A step with the variables that it sees.
struct BoundStep<'a> {
    file: &'a str,
    step: &'a PromotionStep,
    vars: Vec<&'a [(String, String)]>,
    names: &'a StageNames<'a>,
}

impl BoundStep<'_> {
    /// A text with the values of its expressions; what is not known stays as an unknown part.
    fn fill(&self, text: &str) -> String {
        self.fill_at(text, 0)
    }

    fn fill_at(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, (inside, after))) = rest
            .split_once("${{")
            .and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            out.push_str(before);
            let inside = inside.trim();
            let variable = inside.strip_prefix("vars.").and_then(|name| {
                let mut all = self.vars.iter().flat_map(|vars| vars.iter());
                all.find(|(known, _)| known == name).map(|(_, value)| value)
            });
            match (inside, variable) {
                ("ctx.stage", _) => out.push_str(self.names.stage),
                ("ctx.project", _) => out.push_str(self.names.project),
                (_, Some(value)) if depth < DEEPEST => out.push_str(&self.fill_at(value, depth + 1)),
                _ => out.push('*'),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// What it writes, in the working folder of the promotion.
    fn writes(&self) -> Option<String> {
        let path = || {
            self.step
                .path
                .as_ref()
                .filter(|_| WRITES_PATH.contains(&self.step.uses.as_str()))
        };
        self.step.out_path.as_ref().or_else(path).map(|path| self.fill(path))
    }
}

/// A checkout of the repository in a promotion.
struct Checkout {
    /// The branch, perhaps with unknown parts.
    branch: String,
    folder: Vec<String>,
}

/// What the promotions of a Stage would do to the edit. `task` finds a task by its name, with its file;
/// `applications` deploy the edit.
pub(super) fn overwrites<'a>(
    edit: &PlannedEdit<'_>,
    to: &WrittenBranch<'_>,
    names: &'a StageNames<'a>,
    object: &'a KargoObject,
    task: &dyn Fn(&str) -> Option<(&'a str, &'a KargoObject)>,
    applications: &[&str],
) -> Vec<String> {
    if object.is_task {
        return Vec::new();
    }
    let mut all = Vec::new();
    for step in &object.steps {
        match step.task.as_deref().and_then(task) {
            Some((file, task)) => all.extend(task.steps.iter().map(|inner| BoundStep {
                file,
                step: inner,
                vars: vec![&step.vars, &task.vars, &object.vars],
                names,
            })),
            None => all.push(BoundStep {
                file: names.file,
                step,
                vars: vec![&object.vars],
                names,
            }),
        }
    }
    let mut out: Vec<String> = in_cluster(edit, &all, applications);
    for checkout in all.iter().flat_map(|bound| checkouts(bound, to)) {
        let Some(arrives) = arrives(&all, &checkout, to) else {
            continue;
        };
        let written = all.iter().filter_map(|bound| {
            let path = bound.writes()?;
            let inside = below(&checkout.folder, &path)?;
            let is_image = |image: &String| edit.named_by(&bound.fill(image)).is_some();
            let images = &bound.step.images;
            // It lays its own entry over the manifests that the kustomization takes in.
            let hit = if bound.step.uses == "kustomize-set-image" {
                edit.is_applied_with(&inside)
            } else {
                covers(&inside, edit.file)
            };
            (hit && (images.is_empty() || images.iter().any(is_image))).then_some((bound, inside))
        });
        for (bound, inside) in written {
            let place = if inside.is_empty() { "the whole branch" } else { &inside };
            out.push(format!(
                "{}:{}: Kargo Stage {} writes {place} (step {}) and {arrives}; promote through Kargo, or take the step out first",
                bound.file, bound.step.line, names.stage, bound.step.uses
            ));
        }
    }
    out
}

/// Steps that set the image on an Application in the cluster.
fn in_cluster(edit: &PlannedEdit<'_>, all: &[BoundStep<'_>], applications: &[&str]) -> Vec<String> {
    let hits = all.iter().filter_map(|bound| {
        let step = bound.step;
        let mut named = step.applications.iter().map(|name| bound.fill(name));
        let application = named.find_map(|name| applications.iter().find(|known| can_match(known, &name)))?;
        let image = step.images.iter().find_map(|image| edit.named_by(&bound.fill(image)))?;
        Some(format!(
            "{}:{}: Kargo Stage {} sets {image} on Application {application} in the cluster (step {}) and overrules the edit at its next promotion; promote through Kargo, or take the step out first",
            bound.file, step.line, bound.names.stage, step.uses
        ))
    });
    hits.collect()
}

/// The checkouts of a step that may be of the written repository.
fn checkouts(bound: &BoundStep<'_>, to: &WrittenBranch<'_>) -> Vec<Checkout> {
    if bound.step.uses != "git-clone" {
        return Vec::new();
    }
    let url = bound.step.url.as_deref().map(|url| bound.fill(url));
    if to.is_of(url.as_deref()) == Some(false) {
        return Vec::new();
    }
    let each = bound.step.checkouts.iter().filter_map(|(branch, folder)| {
        let folder = bound.fill(folder);
        Some(Checkout {
            branch: branch
                .as_deref()
                .map_or_else(|| "*".to_owned(), |branch| bound.fill(branch)),
            folder: steps(&folder)?.into_iter().map(str::to_owned).collect(),
        })
    });
    each.collect()
}

/// In what way what is written in a checkout comes to the branch; `None` if it does not.
fn arrives(all: &[BoundStep<'_>], checkout: &Checkout, to: &WrittenBranch<'_>) -> Option<&'static str> {
    let is_here = |bound: &&BoundStep<'_>| {
        let path = bound.step.path.as_deref().map(|path| bound.fill(path));
        path.as_deref()
            .and_then(steps)
            .is_some_and(|path| path == checkout.folder)
    };
    let is_branch = |branch: &str| can_match(branch, to.branch);
    let mut proposes = false;
    for push in all.iter().filter(|bound| bound.step.uses == "git-push").filter(is_here) {
        let target = push.step.target.as_deref().map(|branch| push.fill(branch));
        match target {
            _ if push.step.generates_branch => proposes = true,
            Some(branch) if !is_branch(&branch) => proposes = true,
            Some(_) => return Some("pushes it: its next promotion would undo the edit"),
            None if is_branch(&checkout.branch) => return Some("pushes it: its next promotion would undo the edit"),
            None => {}
        }
    }
    let asks = |bound: &BoundStep<'_>| {
        let target = bound.step.target.as_deref().map(|branch| bound.fill(branch));
        bound.step.uses == "git-open-pr" && target.is_none_or(|branch| is_branch(&branch))
    };
    (proposes && is_branch(&checkout.branch) && all.iter().any(asks))
        .then_some("opens a pull request: its next promotion would undo the edit once that is merged")
}

/// A path inside of a folder, both in the working folder of a promotion.
fn below(folder: &[String], path: &str) -> Option<String> {
    let path = steps(path)?;
    let inside = path.get(folder.len()..)?;
    let is_same = folder.iter().zip(&path).all(|(a, b)| a == b);
    is_same.then(|| inside.join("/"))
}
