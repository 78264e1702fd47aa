//! What is rendered is what is pinned: small trees of every way to override, beside `kubectl kustomize`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pindeck::domain::id::Digest;
use pindeck::domain::pin::Pin;
use pindeck::domain::reference::ImageRef;
use pindeck::engine::effective::{self, MeantEdit, kustomization_images};
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::{DocumentPart, scan};

use crate::support::peer;
use crate::support::trees::{self, Tree, commit, differences, facts, grouped, pins_of};

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_tree_comes_out_as_its_tools_render_it() {
    let all = trees::all();
    let mut wrong = Vec::new();
    for tree in &all {
        let found = facts(tree, &tree.files);
        wrong.extend(
            differences(&tree.expected, &found)
                .into_iter()
                .map(|line| format!("{}\n    {line}", tree.name)),
        );
    }
    report(&wrong);
    assert!(all.len() >= 60, "{} trees", all.len());
}

/// Images as `kubectl kustomize` renders them; `None` where it fails.
fn oracle(kubectl: &Path, root: &Path, folder: &str) -> Option<BTreeSet<String>> {
    let out = std::process::Command::new(kubectl)
        .args(["kustomize", "--load-restrictor=LoadRestrictionsNone", folder])
        .current_dir(root)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("kubectl starts");
    out.status
        .success()
        .then(|| images(&String::from_utf8_lossy(&out.stdout)))
}

/// What these say decides images somewhere else: a chart renders them.
const NOT_IMAGES: [&str; 2] = ["HelmRelease", "ConfigMap"];

/// Every image of a rendered stream, without what charts make of their values.
fn images(rendered: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for document in format!("\n{rendered}").split("\n---\n") {
        let scan = scan("rendered.yaml", document.as_bytes());
        let is_object = |part: &DocumentPart| matches!(part, DocumentPart::Object(object) if !NOT_IMAGES.contains(&object.kind.as_str()));
        if scan.parts.iter().any(is_object) {
            out.extend(scan.found.iter().filter_map(|found| normal(&found.reference())));
        }
    }
    out
}

fn normal(reference: &str) -> Option<String> {
    let image = ImageRef::parse(reference).ok()?;
    let tag = image.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = image.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
    Some(format!("{}{tag}{digest}", image.repository))
}

fn write(files: &BTreeMap<String, String>, root: &Path) {
    let _ = std::fs::remove_dir_all(root);
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
}

/// The folders of a tree's kustomizations.
fn kustomizations(files: &BTreeMap<String, String>) -> Vec<String> {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let is_one = |path: &&String| names.contains(&path.rsplit('/').next().unwrap_or(path));
    let folders = files
        .iter()
        .filter(|(path, text)| is_one(path) && !text.contains("kind: Component"));
    folders
        .map(|(path, _)| path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned())
        .collect()
}

/// Where pindeck and the oracle disagree about a tree's kustomizations.
fn disagreements(kubectl: &Path, name: &str, files: &BTreeMap<String, String>) -> (usize, Vec<String>) {
    // Several tests of one process render at the same time.
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let root = root.path();
    write(files, root);
    let commit = commit(files);
    let (mut compared, mut wrong) = (0, Vec::new());
    for folder in kustomizations(files) {
        let inside = if folder == "." { "" } else { folder.as_str() };
        let (Some(ours), Some(theirs)) = (kustomization_images(&commit, inside), oracle(kubectl, root, &folder)) else {
            continue;
        };
        compared += 1;
        let ours: BTreeSet<String> = ours.iter().filter_map(|one| normal(one)).collect();
        if ours != theirs {
            wrong.push(format!("{name}: {folder}\n    ours   {ours:?}\n    theirs {theirs:?}"));
        }
    }
    (compared, wrong)
}

#[test]
fn kubectl_renders_the_same_images() {
    let Some(kubectl) = peer::find("kubectl") else { return };
    let (mut compared, mut wrong) = (0, Vec::new());
    for tree in trees::all() {
        let (count, more) = disagreements(&kubectl, &tree.name, &tree.files);
        compared += count;
        wrong.extend(more);
    }
    report(&wrong);
    println!("{compared} kustomizations compared");
    assert!(compared >= 40, "{compared} kustomizations");
}

/// Every YAML file of the shared tree of thousands of files.
fn shared_tree() -> Option<(std::path::PathBuf, BTreeMap<String, String>)> {
    let root = super::corpus::unpacked("rendered-scale")?;
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let inside = path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned();
                files.insert(inside, text);
            }
        }
    }
    Some((root, files))
}

#[test]
fn kubectl_renders_the_same_images_of_a_real_tree() {
    let Some(kubectl) = peer::find("kubectl") else { return };
    let Some((root, files)) = shared_tree() else { return };
    let commit = commit(&files);
    let folders = kustomizations(&files);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (compared, wrong) = (std::sync::Mutex::new(0), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    // What takes in something from elsewhere needs a network.
                    let Some(ours) = kustomization_images(&commit, folder) else {
                        continue;
                    };
                    let Some(theirs) = oracle(&kubectl, &root, folder) else {
                        continue;
                    };
                    *compared.lock().expect("a count") += 1;
                    let ours: BTreeSet<String> = ours.iter().filter_map(|one| normal(one)).collect();
                    if ours != theirs {
                        let (more, less): (Vec<_>, Vec<_>) =
                            (ours.difference(&theirs).collect(), theirs.difference(&ours).collect());
                        wrong
                            .lock()
                            .expect("a list")
                            .push(format!("{folder}\n    only ours   {more:?}\n    only theirs {less:?}"));
                    }
                }
            });
        }
    });
    report(&wrong.into_inner().expect("a list"));
    let compared = compared.into_inner().expect("a count");
    println!("{compared} of {} kustomizations compared", folders.len());
    assert!(compared >= 600, "{compared} kustomizations");
}

/// The files after every place that decides a pin got the digest.
fn edited(files: &BTreeMap<String, String>, pin: &Pin, new: &NewPin) -> Result<BTreeMap<String, String>, String> {
    let mut out = files.clone();
    let names: BTreeSet<&String> = pin.deciding().map(|location| &location.file).collect();
    for name in names {
        let text = &files[name];
        let scan = scan(name, text.as_bytes());
        let here: BTreeSet<&str> = pin
            .deciding()
            .filter(|location| location.file == *name)
            .map(|location| location.yaml_path.as_str())
            .collect();
        let which: Vec<_> = scan
            .all()
            .filter(|found| here.contains(found.yaml_path.as_str()))
            .collect();
        assert!(!which.is_empty(), "{name}: nothing to edit");
        let edited = plan_edit(name, text.as_bytes(), &which, new).map_err(|error| error.to_string())?;
        out.insert(name.clone(), String::from_utf8(edited.bytes).expect("UTF-8"));
    }
    Ok(out)
}

/// Whether the places that decide a pin have its tag too.
fn has_own_tag(tree: &Tree, pin: &Pin) -> bool {
    pin.deciding().all(|location| {
        let scan = scan(&location.file, tree.files[&location.file].as_bytes());
        let mut here = scan.all().filter(|found| found.yaml_path == location.yaml_path);
        here.any(|found| found.tag.is_some())
    })
}

/// What each environment deploys, and in which file it is decided.
fn deployed(tree: &Tree, files: &BTreeMap<String, String>) -> BTreeSet<(String, String, String)> {
    let pins = pins_of(&grouped(&commit(files), &tree.environments));
    let each = pins.iter().flat_map(|pin| {
        let reference = trees::reference(pin);
        pin.deciding()
            .map(move |l| (pin.target.environment.to_string(), l.file.clone(), reference.clone()))
    });
    each.collect()
}

/// The expectation of a pin.
fn expectation<'t>(tree: &'t Tree, pin: &Pin) -> &'t str {
    let head = format!("pin {} {} ", pin.target.environment, trees::reference(pin));
    tree.expected
        .iter()
        .find(|line| line.starts_with(&head))
        .map_or("", String::as_str)
}

#[test]
fn an_edit_changes_what_is_rendered_as_planned_and_nothing_else() {
    let kubectl = peer::find("kubectl");
    let new: Digest = trees::digest('E').parse().expect("a digest");
    let (mut done, mut wrong) = (0, Vec::new());
    for tree in trees::all() {
        let pins = pins_of(&grouped(&commit(&tree.files), &tree.environments));
        for pin in &pins {
            if pin.uncertain.is_some() || pin.deciding().any(|location| location.read_only.is_some()) {
                continue;
            }
            let entangled = tree.entangled.contains(expectation(&tree, pin));
            for tag in [TagChange::Keep, TagChange::Update("9.9.9".to_owned())] {
                let what = format!("{}: {} {tag:?}", tree.name, trees::reference(pin));
                let wanted = NewPin {
                    digest: new,
                    tag: tag.clone(),
                };
                let files = match edited(&tree.files, pin, &wanted) {
                    Ok(files) => files,
                    Err(error) => {
                        wrong.push(format!("{what}: {error}"));
                        continue;
                    }
                };
                let effective = |files| effective::render(&commit(files), &tree.environments);
                let meant: Vec<MeantEdit> = MeantEdit::new(&[pin], BTreeSet::new(), new).into_iter().collect();
                let more = effective(&tree.files).changes_more(&effective(&files), &meant);
                done += 1;
                if entangled {
                    // Other environments or images hang on the same bytes: the plan must see that.
                    if more.is_none() {
                        wrong.push(format!("{what}: it changes more, and that is not seen"));
                    }
                    continue;
                }
                if let Some(more) = more {
                    wrong.push(format!("{what}: {more}"));
                }
                let (before, after) = (deployed(&tree, &tree.files), deployed(&tree, &files));
                let mut goal = pin.clone();
                goal.digest = Some(new);
                // A tag that another place than the digest's decides stays there, and the plan says so.
                if let (TagChange::Update(tag), Some(_)) = (&tag, pin.tag.as_ref().filter(|_| has_own_tag(&tree, pin)))
                {
                    goal.tag = Some(tag.clone());
                }
                let expected: BTreeSet<_> = before
                    .iter()
                    .map(|(env, file, reference)| {
                        let mine = *env == pin.target.environment.to_string() && *reference == trees::reference(pin);
                        let reference = if mine {
                            trees::reference(&goal)
                        } else {
                            reference.clone()
                        };
                        (env.clone(), file.clone(), reference)
                    })
                    .collect();
                if after != expected {
                    wrong.push(format!("{what}\n    expected {expected:?}\n    found    {after:?}"));
                }
                if let (Some(kubectl), TagChange::Keep) = (&kubectl, &tag) {
                    wrong.extend(disagreements(kubectl, &what, &files).1);
                }
            }
        }
    }
    report(&wrong);
    println!("{done} edits");
    assert!(done >= 100, "{done} edits");
}

/// Kustomizations that take one another in cost no stack and no memory that doubles with each level: what goes too
/// far is uncertain.
#[test]
fn graphs_that_are_made_to_hurt_end() {
    let kustomization = |lines: &str| format!("kind: Kustomization\n{lines}");
    let folder = |graph: &str, n: usize| format!("{graph}/k{n}/kustomization.yaml");
    let mut files = BTreeMap::new();
    for n in 0..1_000 {
        let chain = kustomization(&format!("resources: [../k{}]\n", n + 1));
        files.insert(folder("chain", n), chain);
    }
    for n in 0..24 {
        let twice = format!("resources: [../k{}, ../../again/k{n}]\n", n + 1);
        files.insert(folder("twice", n), kustomization(&twice));
        let again = format!("resources: [../../twice/k{}]\n", n + 1);
        files.insert(folder("again", n), kustomization(&again));
        let parts = format!("components: [../k{}, ../../more/k{n}]\n", n + 1);
        files.insert(
            folder("parts", n),
            kustomization(&parts).replace("Kustomization", "Component"),
        );
        let more = format!("components: [../../parts/k{}]\n", n + 1);
        files.insert(
            folder("more", n),
            kustomization(&more).replace("Kustomization", "Component"),
        );
    }
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: app:1}]}\n";
    files.insert("twice/k24/pod.yaml".to_owned(), pod.to_owned());
    files.insert(folder("twice", 24), kustomization("resources: [pod.yaml]\n"));
    let commit = trees::commit(&files);
    let everything = trees::everywhere();
    let rendered = pindeck::engine::effective::render(&commit, &everything);
    assert!(rendered.references.len() <= 50_000, "{}", rendered.references.len());
}
