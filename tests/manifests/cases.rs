//! Cases of our own where real repositories have few: one folder each under `tests/data/manifests`,
//! a manifest and the file `expected`, checked against what the tools document.
//!
//! A line of `expected` is `pin LINE KIND REFERENCE` with any of `-> REPOSITORY` (`-` = none, left
//! out = that of the reference), `ro` (cannot be edited), `bare` (only the hexadecimal digits are
//! written), `uses LINES` (aliases; `!` = something else stands there), `reason "PART"`; or `unmanaged LINE`; or `problem`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pindeck::domain::reference::ImageRef;
use pindeck::sources::git::manifest::{Found, Scan, is_manifest, scan};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn reference(found: &Found) -> String {
    let tag = found.tag.as_ref().map(|t| format!(":{t}")).unwrap_or_default();
    let digest = found.digest.map(|d| format!("@{d}")).unwrap_or_default();
    format!("{}{tag}{digest}", found.written)
}

/// One expectation, taken apart.
struct Pin<'e> {
    head: String,
    repository: Option<String>,
    read_only: bool,
    bare: bool,
    uses: Vec<String>,
    reason: Option<&'e str>,
}

fn parse(line: &str) -> Pin<'_> {
    let (line, reason) = match line.split_once(" reason \"") {
        Some((line, reason)) => (line, Some(reason.trim_end_matches('"'))),
        None => (line, None),
    };
    let (line, uses) = match line.split_once(" uses ") {
        Some((line, uses)) => (line, uses.split(',').map(str::to_owned).collect()),
        None => (line, Vec::new()),
    };
    let (line, bare) = line.strip_suffix(" bare").map_or((line, false), |line| (line, true));
    let (line, read_only) = line.strip_suffix(" ro").map_or((line, false), |line| (line, true));
    let (head, repository) = match line.split_once(" -> ") {
        Some((head, "-")) => (head, None),
        Some((head, repository)) => (head, Some(repository.to_owned())),
        None => {
            let text = line.splitn(4, ' ').nth(3).expect("a reference");
            // Templates in the tag leave the name readable.
            let text = text
                .split_once(":$")
                .or_else(|| text.split_once(":{"))
                .map_or(text, |(name, _)| name);
            let parsed = ImageRef::parse(text).unwrap_or_else(|e| panic!("{line}: {e}"));
            (line, Some(parsed.repository.to_string()))
        }
    };
    Pin {
        head: head.to_owned(),
        repository,
        read_only,
        bare,
        uses,
        reason,
    }
}

fn check(expected: &str, bytes: &[u8], scan: &Scan) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut left: Vec<&Found> = scan.found.iter().collect();
    let mut unmanaged: Vec<u32> = scan.unmanaged.iter().map(|u| u.line).collect();
    let mut problem = false;
    for line in expected.lines().filter(|line| !line.trim().is_empty()) {
        if line == "problem" {
            problem = true;
        } else if let Some(number) = line.strip_prefix("unmanaged ") {
            let number: u32 = number.parse().expect("a line");
            match unmanaged.iter().position(|n| *n == number) {
                Some(at) => drop(unmanaged.remove(at)),
                None => wrong.push(format!("missing: {line}")),
            }
        } else {
            let pin = parse(line);
            let head = |f: &Found| format!("pin {} {} {}", f.line, f.kind, reference(f));
            let Some(at) = left.iter().position(|f| head(f) == pin.head) else {
                wrong.push(format!("missing: {line}"));
                continue;
            };
            let found = left.remove(at);
            let repository = found.repository.as_ref().map(ToString::to_string);
            let sign = |overridden| if overridden { "!" } else { "" };
            let uses: Vec<String> = found
                .aliases
                .iter()
                .map(|u| format!("{}{}", sign(u.overridden), u.line))
                .collect();
            let reason_ok = match (pin.reason, &found.reason) {
                (Some(part), Some(reason)) => reason.contains(part),
                (part, reason) => part.is_none() && reason.is_none(),
            };
            if repository != pin.repository
                || found.read_only.is_some() != pin.read_only
                || uses != pin.uses
                || !reason_ok
            {
                wrong.push(format!(
                    "{line}\n    repository {repository:?}, read-only {:?}, uses {uses:?}, reason {:?}",
                    found.read_only, found.reason
                ));
            }
            let written = found
                .digest_span
                .clone()
                .map(|span| String::from_utf8_lossy(&bytes[span]).into_owned());
            let known = found
                .digest
                .filter(|_| !(pin.bare || pin.read_only && written.is_none()));
            if written != known.map(|d| d.to_string()) {
                wrong.push(format!("{line}\n    the digest's bytes are {written:?}"));
            }
        }
    }
    wrong.extend(
        left.iter()
            .map(|f| format!("extra: {} {} {}", f.line, f.kind, reference(f))),
    );
    wrong.extend(unmanaged.iter().map(|line| format!("extra: unmanaged {line}")));
    if problem != scan.problem.is_some() {
        wrong.push(format!("problem: {:?}", scan.problem));
    }
    wrong
}

#[test]
fn our_own_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manifests");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("readable")
        .map(|entry| entry.expect("entry").path())
        .collect();
    cases.sort();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = std::fs::read_to_string(case.join("expected")).expect("expected");
        let mut inside = Vec::new();
        files(case, &mut inside);
        for path in inside.iter().filter(|p| !p.ends_with("expected")) {
            let name = path.strip_prefix(case).expect("inside").to_string_lossy().into_owned();
            assert!(is_manifest(&name), "{name}");
            let bytes = std::fs::read(path).expect("readable");
            let scan = scan(&name, &bytes);
            for found in &scan.found {
                *counts.entry(found.kind.to_owned()).or_default() += 1;
            }
            let title = case.file_name().expect("a name").to_string_lossy().into_owned();
            wrong.extend(
                check(&expected, &bytes, &scan)
                    .into_iter()
                    .map(|w| format!("{title}: {w}")),
            );
        }
    }
    println!("{} cases, {counts:#?}", cases.len());
    assert!(cases.len() >= 40);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
