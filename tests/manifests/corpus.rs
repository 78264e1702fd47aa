//! Every reference of a corpus of real manifests, exactly: image, tag, digest, line and bytes.
//!
//! Parts that another corpus does not have (scale, history) are left out, loudly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pindeck::domain::id::Digest;
use pindeck::domain::pin::Style;
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::{Found, Scan, scan};
use serde_json::Value;

use crate::support::packed::{Packed, file_ending};
use crate::support::skip::{Want, skipped};

fn corpus() -> PathBuf {
    Packed::Gitops.folder()
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        .collect()
}

/// What is compared: the whole reference, the line, the bytes of the digest.
type Fact = (String, u64, Option<(u64, u64)>);

fn reference(image: &str, tag: Option<&str>, digest: Option<&str>) -> String {
    let tag = tag.map(|t| format!(":{t}")).unwrap_or_default();
    let digest = digest.map(|d| format!("@{d}")).unwrap_or_default();
    format!("{image}{tag}{digest}")
}

fn expected(case: &Value) -> Vec<(String, Fact, u64, BTreeSet<String>)> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let list = case["expected"].as_array().expect("expected");
    list.iter()
        .map(|e| {
            let image = text(&e["image"]).unwrap_or_default();
            let whole = reference(&image, text(&e["tag"]).as_deref(), text(&e["digest"]).as_deref());
            let bytes = e["digest_bytes"]
                .as_array()
                .map(|b| (b[0].as_u64().expect("start"), b[1].as_u64().expect("end")));
            let line = e["line"].as_u64().expect("line");
            // A folded digest stands on the line after its key: both name the same place.
            let digest_line = e["digest_line"].as_u64().unwrap_or(line);
            let kind = text(&e["kind"]).expect("kind");
            (kind, (whole, line, bytes), digest_line, alias_paths(e))
        })
        .collect()
}

/// Where an alias brings a pin, as far as an expectation names it.
fn alias_paths(entry: &Value) -> BTreeSet<String> {
    let list = entry["alias_paths"].as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect()
}

fn actual(found: &Found) -> Fact {
    let digest = found.digest.map(|d| d.to_string());
    let whole = reference(&found.written, found.tag.as_deref(), digest.as_deref());
    let bytes = found.digest_span.clone().map(|r| (r.start as u64, r.end as u64));
    (whole, u64::from(found.line), bytes)
}

/// Findings that count: a line of a template is shown, and never a pin by itself.
fn counted(scan: &Scan) -> impl Iterator<Item = &Found> {
    scan.found.iter().filter(|found| found.style != Style::Unparsed)
}

#[test]
fn every_case_exactly() {
    let folder = corpus();
    let mut by_kind: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    let cases = json_lines(&folder.join("cases.jsonl"));
    for case in &cases {
        let file = case["file"].as_str().expect("file");
        let upstream = case["upstream_path"].as_str().unwrap_or(file);
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let scan = scan(upstream, &bytes);
        let mut left: Vec<(&Found, Fact)> = counted(&scan).map(|f| (f, actual(f))).collect();
        for (kind, fact, digest_line, aliases) in expected(case) {
            let count = by_kind.entry(kind.clone()).or_default();
            count[1] += 1;
            let same = |f: &Found, a: &Fact| {
                f.kind == kind && a.0 == fact.0 && a.2 == fact.2 && (a.1 == fact.1 || a.1 == digest_line)
            };
            match left.iter().position(|(f, a)| same(f, a)) {
                Some(at) => {
                    let (found, _) = left.swap_remove(at);
                    let uses: BTreeSet<String> = found.aliases.iter().map(|used| used.yaml_path.clone()).collect();
                    if uses != aliases {
                        wrong.push(format!("ALIAS {file}: {kind} {uses:?}, expected {aliases:?}"));
                    }
                    count[0] += 1;
                }
                None => wrong.push(format!("MISS  {file}: {kind} {fact:?}")),
            }
        }
        for (found, fact) in left {
            wrong.push(format!("EXTRA {file}: {} {} {fact:?}", found.kind, found.yaml_path));
        }
        let unclaimed: BTreeSet<u64> = case["unclaimed"]
            .as_array()
            .map(|list| list.iter().filter_map(|u| u["line"].as_u64()).collect())
            .unwrap_or_default();
        for found in counted(&scan).filter(|f| f.digest.is_some()) {
            if unclaimed.contains(&u64::from(found.line)) {
                wrong.push(format!("UNCLAIMED {file}:{} became a pin", found.line));
            }
        }
    }
    println!("{} files", cases.len());
    for (kind, [hit, all]) in &by_kind {
        println!("{kind:32} {hit:4} of {all}");
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The large tree, without the folder around it.
pub fn unpacked(into: &str) -> Option<PathBuf> {
    let tree = unpack(&corpus(), into)?;
    let mut inside = std::fs::read_dir(tree).expect("readable");
    Some(inside.next()?.expect("entry").path())
}

/// Unpacks the large tree; tests may run side by side, so each names its own folder.
fn unpack(folder: &Path, into: &str) -> Option<PathBuf> {
    let archive = file_ending(&folder.join("scale"), ".tar.gz")?;
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(into);
    let _ = std::fs::remove_dir_all(&target);
    std::fs::create_dir_all(&target).expect("a folder");
    let done = std::process::Command::new("tar")
        .arg("xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&target)
        .status()
        .expect("tar runs");
    assert!(done.success(), "tar: {done}");
    Some(target)
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            out.push(path);
        }
    }
}

#[test]
fn a_tree_of_thousands_of_files() {
    let folder = corpus();
    let Some(tree) = unpack(&folder, "scale") else {
        skipped(Want::Data, "no large tree in the corpus");
        return;
    };
    let counts: Value =
        serde_json::from_slice(&std::fs::read(folder.join("scale/counts.json")).expect("counts.json")).expect("JSON");
    let mut wanted = BTreeMap::new();
    for line in json_lines(&folder.join("scale/expected.jsonl")) {
        wanted.insert(line["file"].as_str().expect("file").to_owned(), line);
    }
    let mut files = Vec::new();
    yaml_files(&tree, &mut files);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut unparsable = 0;
    for path in &files {
        let inside = path.strip_prefix(&tree).expect("inside");
        // The archive has one folder around the tree.
        let inside: PathBuf = inside.components().skip(1).collect();
        let name = inside.to_string_lossy().into_owned();
        let scan = scan(&name, &std::fs::read(path).expect("readable"));
        unparsable += u64::from(scan.problem.is_some());
        let mut lines = Vec::new();
        let mut digests = BTreeSet::new();
        for found in counted(&scan) {
            let pinned = match (found.digest, &found.tag) {
                (Some(_), _) => "digest",
                (None, Some(_)) => "tag",
                (None, None) => "none",
            };
            *seen.entry(format!("{}|{pinned}", found.kind)).or_default() += 1;
            lines.push(u64::from(found.line));
            digests.extend(found.digest.map(|d| d.to_string()));
        }
        lines.sort_unstable();
        let of = |key: &str| {
            let list = wanted.get(&name).and_then(|w| w[key].as_array().cloned());
            list.unwrap_or_default()
        };
        let mut want_lines: Vec<u64> = of("lines").iter().filter_map(Value::as_u64).collect();
        want_lines.sort_unstable();
        let want_digests: BTreeSet<String> = of("digests")
            .iter()
            .filter_map(|d| d.as_str().map(str::to_owned))
            .collect();
        if lines != want_lines || digests != want_digests {
            let kinds: Vec<String> = counted(&scan)
                .map(|f| format!("{} {} {}", f.line, f.kind, f.written))
                .collect();
            wrong.push(format!(
                "{name}: lines {lines:?}, expected {want_lines:?}\n    {}",
                kinds.join("\n    ")
            ));
        }
        wanted.remove(&name);
    }
    wrong.extend(wanted.keys().map(|name| format!("{name}: not in the tree")));
    println!("{} files, {unparsable} do not parse, {seen:#?}", files.len());
    assert_eq!(files.len() as u64, counts["files"].as_u64().expect("files"));
    let want: BTreeMap<String, u64> = counts["counts"]
        .as_object()
        .expect("counts")
        .iter()
        .map(|(k, v)| (k.clone(), v.as_u64().expect("a count")))
        .collect();
    assert!(wrong.is_empty(), "{} files differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(seen, want);
    assert_eq!(unparsable, counts["unparsable"].as_u64().expect("unparsable"));
}

/// The pins of the shared release world, each in the file and style that its expectation names.
#[test]
fn pins_of_the_world() {
    let world = Packed::World.folder();
    let text = std::fs::read(world.join("EXPECTED.json")).expect("EXPECTED.json");
    let expected: Value = serde_json::from_slice(&text).expect("JSON");
    let checkout = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifest-world");
    clone(&world.join("gitops.bundle"), &checkout);
    let mut wrong = Vec::new();
    let pins = expected["pins"].as_array().expect("pins");
    for pin in pins {
        let file = pin["file"].as_str().expect("file");
        let scan = scan(file, &std::fs::read(checkout.join(file)).expect("readable"));
        let named = |f: &&Found| f.repository.as_ref().map(ToString::to_string).as_deref() == pin["image"].as_str();
        let hits: BTreeSet<(String, Option<String>)> = counted(&scan)
            .filter(|f| !f.rule.is_loose())
            .filter(named)
            .map(|f| (f.style.as_str().to_owned(), f.digest.map(|d| d.to_string())))
            .collect();
        let style = pin["style"].as_str().expect("style").to_owned();
        let want = BTreeSet::from([(style, pin["digest"].as_str().map(str::to_owned))]);
        if hits != want {
            wrong.push(format!("{file}: {hits:?}, expected {want:?}"));
        }
    }
    println!("{} pins", pins.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn clone(bundle: &Path, into: &Path) {
    let _ = std::fs::remove_dir_all(into);
    let done = std::process::Command::new("git")
        .args([
            "-c",
            "advice.detachedHead=false",
            "clone",
            "--quiet",
            "--branch",
            "main",
        ])
        .arg(bundle)
        .arg(into)
        .output()
        .expect("git runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn show(repository: &Path, commit: &str, path: &str) -> Option<Vec<u8>> {
    let out = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["cat-file", "blob", &format!("{commit}:{path}")])
        .output()
        .expect("git runs");
    out.status.success().then_some(out.stdout)
}

/// Real bumps and reverts, made again from the parent's file.
#[test]
fn edits_replay_history() {
    let folder = corpus();
    let history = folder.join("history");
    let Some(bundle) = file_ending(&history, ".bundle") else {
        skipped(Want::Data, "no history in the corpus");
        return;
    };
    let repository = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifest-history");
    clone(&bundle, &repository);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in json_lines(&history.join("replay.jsonl")) {
        let text = |key: &str| line[key].as_str().expect("text").to_owned();
        let digests = |key: &str| -> Vec<Digest> {
            let list = line[key].as_array().expect("list");
            list.iter()
                .map(|d| d.as_str().expect("text").parse().expect("digest"))
                .collect()
        };
        let (commit, parent) = (text("commit"), text("parent"));
        let (old, new) = (digests("old"), digests("new"));
        let digest_only = line["digest_only"].as_bool() == Some(true);
        let path = line["files"][0].as_str().expect("a file").to_owned();
        let ([old], [new]) = (old.as_slice(), new.as_slice()) else {
            *counts.entry("adds or removes an image: no edit").or_default() += 1;
            continue;
        };
        let before = show(&repository, &parent, &path).expect("the parent's file");
        let after = show(&repository, &commit, &path).expect("the commit's file");
        let was = scan(&path, &before);
        let is = scan(&path, &after);
        let which: Vec<&Found> = was.found.iter().filter(|f| f.digest == Some(*old)).collect();
        let tag = match is
            .found
            .iter()
            .find(|f| f.digest == Some(*new))
            .and_then(|f| f.tag.clone())
        {
            Some(tag) if !digest_only => TagChange::Update(tag),
            _ => TagChange::Keep,
        };
        let pin = NewPin { digest: *new, tag };
        match plan_edit(&path, &before, &which, &pin) {
            Ok(edited) if edited.bytes == after => {
                let kind = if digest_only {
                    "digest only: same bytes"
                } else {
                    "digest and tag: same bytes"
                };
                *counts.entry(kind).or_default() += 1;
            }
            Ok(edited) if line["one_line"].as_bool() == Some(false) => {
                // Upstream changed more than the pin; ours must be theirs in the pin's own line.
                let ours = String::from_utf8_lossy(&edited.bytes).into_owned();
                let theirs = String::from_utf8_lossy(&after).into_owned();
                let pinned = |t: &str| {
                    t.lines()
                        .filter(|l| l.contains(&new.to_string()))
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                };
                if pinned(&ours) == pinned(&theirs) && !pinned(&ours).is_empty() {
                    *counts
                        .entry("commit changes more than the pin: same pin line")
                        .or_default() += 1;
                } else {
                    wrong.push(format!("{commit} {path}: another pin line"));
                }
            }
            Ok(_) => wrong.push(format!("{commit} {path}: other bytes than upstream")),
            Err(error) => wrong.push(format!("{commit} {path}: {error}")),
        }
    }
    println!("{counts:#?}");
    assert!(
        wrong.is_empty(),
        "{} of the edits differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Every reference of the corpus that says it can be edited, edited: only its bytes change, and a
/// second edit back gives the file as it was.
#[test]
fn every_editable_reference_edits_and_comes_back() {
    let folder = corpus();
    let other = Digest::of(b"another image");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in json_lines(&folder.join("cases.jsonl")) {
        let file = case["file"].as_str().expect("file");
        let upstream = case["upstream_path"].as_str().unwrap_or(file);
        let bytes = std::fs::read(folder.join(file)).expect("readable");
        let before = scan(upstream, &bytes);
        for found in &before.found {
            let style = found.style.as_str();
            let pin = |digest| NewPin {
                digest,
                tag: TagChange::Keep,
            };
            if found.read_only.is_some() {
                *counts.entry(format!("{style}: read-only")).or_default() += 1;
                continue;
            }
            let edited = match plan_edit(upstream, &bytes, &[found], &pin(other)) {
                Ok(edited) => edited,
                Err(error) if found.digest.is_none() => {
                    *counts
                        .entry(format!("{style}: no digest inserted: {}", reason(&error.to_string())))
                        .or_default() += 1;
                    continue;
                }
                Err(error) => {
                    wrong.push(format!("{file}:{}: {error}", found.line));
                    continue;
                }
            };
            let Some(old) = found.digest else {
                *counts.entry(format!("{style}: digest inserted")).or_default() += 1;
                continue;
            };
            *counts.entry(format!("{style}: digest changed")).or_default() += 1;
            let after = scan(upstream, &edited.bytes);
            let same = after
                .found
                .iter()
                .find(|f| f.yaml_path == found.yaml_path && f.digest == Some(other));
            let back = same.map(|f| plan_edit(upstream, &edited.bytes, &[f], &pin(old)));
            if !matches!(back, Some(Ok(ref back)) if back.bytes == bytes) {
                wrong.push(format!("{file}:{}: does not come back: {back:?}", found.line));
            }
        }
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn reason(error: &str) -> &str {
    error.split(": ").nth(1).unwrap_or(error)
}
