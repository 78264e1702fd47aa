//! The first `pindeck.toml` of a repository, written from what was found in it: every line says what
//! it is for, what could not be known stands there as a comment. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use globset::GlobBuilder;

use super::infer;
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::pin::{Pin, Unmanaged};
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;

/// Reasons for an unmanaged reference that are named in the file, at most.
const REASONS: usize = 8;

/// What was found in a repository without a configuration.
#[derive(Debug, Clone, Copy)]
pub struct Survey<'a> {
    /// Inferred environments, in promotion order.
    pub environments: &'a [Environment],
    /// Services with their pins.
    pub services: &'a [(ServiceId, Option<Repository>, Vec<Pin>)],
    /// What can be seen and not managed.
    pub unmanaged: &'a [Unmanaged],
    /// Every file of the commit.
    pub files: &'a [String],
}

/// One `[[services]]` entry to be.
struct Entry {
    name: String,
    image: Repository,
    also: Vec<Repository>,
    environments: BTreeSet<EnvId>,
}

/// Where a repository's first environment stands, the repository, its pins.
type Place<'a> = (usize, &'a Repository, &'a [Pin]);

/// The text of a `pindeck.toml` for this repository. It parses, and validates against the files of
/// the commit; nothing in it weakens what holds without it.
pub fn render(survey: &Survey<'_>) -> String {
    let mut out = String::from(HEAD);
    let (services, outside) = entries(survey);
    ignore(&mut out, &outside);
    environments(&mut out, survey);
    self::services(&mut out, &services);
    out.push_str(POLICY);
    unmanaged(&mut out, survey.unmanaged);
    out
}

const HEAD: &str = "\
# How the releases of this repository are read, judged and written; made by `pindeck init` from what
# it found here. It is in force once it is committed to the branch that counts, and `pindeck config check`
# says what is wrong in it. Lines that begin with `#` are proposals.
version = 1
";

const POLICY: &str = r#"
# What a digest must carry before it counts, and before it may step forward. Take the comment signs away,
# and add `policy = "release"` to the environments; without a policy nothing is verified and nothing promoted.
# [policies.release]
# require = ["signature", "provenance", "sbom", "test-result"]
# signer = "ci"                              # who must have signed: a profile below
# source = true                              # provenance must name the service's own `source`
# test-result = { accept = ["PASSED"], acknowledge = ["WARNED"] }
# soak = "24h"                               # how long a digest stays in the environment before
# freeze = [{ from = "Fri 16:00", to = "Mon 08:00", zone = "Europe/Berlin" }]
# break_glass = ["soak", "freeze", "order"]  # what a typed reason may waive; default: nothing

# Who is believed: certificates of a CI workflow, or a key.
# [trust.ci]
# root = "public-good"                       # or "github", or the path of a trusted_root.json
# identities = [{ san = "https://github.com/ORGANISATION/{service}/.github/workflows/release.yml@refs/heads/main", issuer = "https://token.actions.githubusercontent.com" }]
# keys = ["keys/ci.pub"]                     # PEM; for keys without a log: transparency_log = "not-required"
"#;

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// Text for a comment: one line, nothing that a terminal would act on.
fn comment(text: &str) -> String {
    crate::domain::text::Clean::from_untrusted(text).into_string()
}

/// The services worth an entry, and the images that are probably somebody else's.
fn entries(survey: &Survey<'_>) -> (Vec<Entry>, BTreeSet<String>) {
    let mut outside = BTreeSet::new();
    // One path in several registries is most likely one service that promotion copies.
    let mut by_path: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    let place = |env: &EnvId| survey.environments.iter().position(|e| e.name == *env);
    for (_, image, pins) in survey.services {
        let Some(image) = image else { continue };
        let environments: BTreeSet<&EnvId> = pins.iter().map(|pin| &pin.target.environment).collect();
        let by_digest = pins.iter().any(|pin| pin.digest.is_some());
        if !by_digest && (image.registry() == "docker.io" || environments.len() < 2) {
            outside.insert(image.to_string());
            continue;
        }
        let first = pins.iter().filter_map(|pin| place(&pin.target.environment)).min();
        let first = first.unwrap_or(usize::MAX);
        by_path.entry(image.path()).or_default().push((first, image, pins));
    }
    let mut found: Vec<Entry> = Vec::new();
    for mut same in by_path.into_values() {
        same.sort_by_key(|(first, image, _)| (*first, (*image).clone()));
        let environments = same
            .iter()
            .flat_map(|(.., pins)| pins.iter().map(|pin| pin.target.environment.clone()));
        let environments = environments.collect();
        let mut images = same.into_iter().map(|(_, image, _)| image.clone());
        if let Some(image) = images.next() {
            found.push(Entry {
                name: String::new(),
                image,
                also: images.collect(),
                environments,
            });
        }
    }
    let images: Vec<Repository> = found.iter().map(|entry| entry.image.clone()).collect();
    let names = infer::service_names(&images);
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    for entry in &mut found {
        let name = names.get(&entry.image).map(ToString::to_string).unwrap_or_default();
        entry.name = name.chars().map(|c| if keep(c) { c } else { '-' }).take(100).collect();
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.name == b.name);
    (found, outside)
}

fn ignore(out: &mut String, outside: &BTreeSet<String>) {
    out.push_str("\n# Images that are nobody's service here, as patterns of full names (`postgres` is docker.io/library/postgres).\n");
    if outside.is_empty() {
        out.push_str("# ignore = [\"docker.io/**\"]\n");
        return;
    }
    out.push_str("# These have no digest here, and look like somebody else's:\n# ignore = [\n");
    for image in outside {
        let _ = writeln!(out, "#   {},", quoted(&comment(image)));
    }
    out.push_str("# ]\n");
}

fn environments(out: &mut String, survey: &Survey<'_>) {
    out.push_str(
        "\n# Environments, in promotion order. A digest comes to one only from those in `after`; by default that is\n\
         # the environment before. The order below was guessed from the names.\n",
    );
    let all = survey.environments;
    let named = all.iter().any(|e| e.name.as_str() != "default");
    for (at, environment) in all.iter().enumerate() {
        let name = environment.name.as_str();
        let pins = survey.services.iter().flat_map(|(.., pins)| pins);
        let pins = pins.filter(|pin| pin.target.environment == environment.name);
        let (count, services) = pins.fold((0usize, BTreeSet::new()), |(n, mut s), pin| {
            s.insert(&pin.target.service);
            (n + 1, s)
        });
        let services = services.len();
        let _ = writeln!(
            out,
            "\n[[environments]]\nname = {}  # {} of {}",
            quoted(name),
            plural(count, "pin"),
            plural(services, "service")
        );
        let patterns = fold(environment, all, survey.files);
        if let [one] = patterns.as_slice() {
            let _ = writeln!(out, "paths = [{}]", quoted(one));
        } else {
            out.push_str("paths = [\n");
            for pattern in &patterns {
                let _ = writeln!(out, "  {},", quoted(pattern));
            }
            out.push_str("]\n");
        }
        if let Some(after) = after(all, at) {
            let _ = writeln!(out, "after = {}", list(after));
        }
        if named && infer::is_production(name) {
            out.push_str("confirm = \"type-name\"  # a write asks for the environment's name to be typed\n");
        }
        out.push_str("# policy = \"release\"\n");
        if at == 0 {
            out.push_str(
                "# write = \"branch\"       # push a branch for a pull request instead of the branch itself\n\
                 # registry = \"registry.example.com/production\"  # copy content and evidence there before the pin changes\n\
                 # read_only = true\n",
            );
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// The environments of the step before, where that is not simply the one before: environments that
/// stand beside each other (regions) all come after the same ones.
fn after(all: &[Environment], at: usize) -> Option<Vec<&str>> {
    let order = |e: &Environment| infer::order(e.name.as_str());
    let here = order(&all[at]);
    let before = all.iter().map(order).filter(|o| *o < here).max();
    let names: Vec<&str> = all
        .iter()
        .filter(|e| Some(order(e)) == before)
        .map(|e| e.name.as_str())
        .collect();
    let default: Vec<&str> = at.checked_sub(1).map(|i| all[i].name.as_str()).into_iter().collect();
    (names != default).then_some(names)
}

/// Patterns with `*` where several differ in one folder only, as long as they take in no file of
/// another environment.
fn fold(environment: &Environment, all: &[Environment], files: &[String]) -> Vec<String> {
    let compile = |pattern: &str| {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.ok().map(|glob| glob.compile_matcher())
    };
    let others: Vec<_> = all
        .iter()
        .filter(|other| other.name != environment.name)
        .flat_map(|other| other.paths.iter().filter_map(|p| compile(p)))
        .collect();
    let foreign: Vec<&String> = files.iter().filter(|f| others.iter().any(|g| g.is_match(f))).collect();
    let takes_foreign =
        |pattern: &str| compile(pattern).is_none_or(|glob| foreign.iter().any(|file| glob.is_match(file)));
    let mut left: Vec<String> = environment.paths.clone();
    let mut folded = Vec::new();
    loop {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, pattern) in left.iter().enumerate() {
            let parts: Vec<&str> = pattern.split('/').collect();
            for at in 0..parts.len().saturating_sub(1) {
                let mut shape = parts.clone();
                shape[at] = "*";
                groups.entry(shape.join("/")).or_default().push(index);
            }
        }
        let best = groups
            .into_iter()
            .filter(|(pattern, members)| members.len() > 1 && !takes_foreign(pattern))
            .max_by_key(|(_, members)| members.len());
        let Some((pattern, members)) = best else { break };
        let mut index = 0..;
        left.retain(|_| !members.contains(&index.next().unwrap_or(0)));
        folded.push(pattern);
    }
    folded.append(&mut left);
    folded.sort();
    folded
}

fn services(out: &mut String, services: &[Entry]) {
    out.push_str(
        "\n# Services: where CI pushes each, and how the digest is found that it offers next. An image without an\n\
         # entry is a service too, named by the end of its path.\n",
    );
    for (at, entry) in services.iter().enumerate() {
        let places: Vec<&str> = entry.environments.iter().map(EnvId::as_str).collect();
        let _ = writeln!(
            out,
            "\n[[services]]\nname = {}  # pinned in {}\nimage = {}",
            quoted(&entry.name),
            comment(&places.join(", ")),
            quoted(&entry.image.to_string())
        );
        if !entry.also.is_empty() {
            let also: Vec<String> = entry.also.iter().map(ToString::to_string).collect();
            let _ = writeln!(
                out,
                "also = {}  # the same path in another registry: take it away if it is another service",
                list(also.iter().map(String::as_str))
            );
        }
        if at == 0 {
            out.push_str(
                "# candidate = { tag = \"main\" }      # or { semver = \">=1, <2\" }, or { pattern = \"^release-\", order = \"created\" }\n\
                 # source = \"https://github.com/ORGANISATION/REPOSITORY\"\n",
            );
        } else {
            out.push_str("# candidate = { tag = \"main\" }\n");
        }
    }
    if services.is_empty() {
        out.push_str("# [[services]]\n# name = \"NAME\"\n# image = \"registry.example.com/shop/NAME\"\n# candidate = { tag = \"main\" }\n");
    }
}

fn unmanaged(out: &mut String, unmanaged: &[Unmanaged]) {
    if unmanaged.is_empty() {
        return;
    }
    let mut reasons: BTreeMap<&str, (usize, &Unmanaged)> = BTreeMap::new();
    for one in unmanaged {
        reasons.entry(&one.reason).or_insert((0, one)).0 += 1;
    }
    let _ = writeln!(
        out,
        "\n# Seen here, and not managed ({}):",
        plural(unmanaged.len(), "place")
    );
    for (reason, (count, first)) in reasons.iter().take(REASONS) {
        let _ = writeln!(
            out,
            "#   {} at {}:{}{}: {}",
            comment(first.text.raw()),
            comment(&first.file),
            first.line,
            if *count > 1 {
                format!(" and {} more", count - 1)
            } else {
                String::new()
            },
            comment(reason)
        );
    }
    if reasons.len() > REASONS {
        let _ = writeln!(out, "#   and {} other reasons", reasons.len() - REASONS);
    }
}

#[cfg(test)]
#[path = "init_tests.rs"]
mod tests;
