//! The first `pindeck.toml` of a repository, written from what was found in it: every line says what
//! it is for, what could not be known stands there as a comment. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::infer;
use super::init_policy::LearnedChoices;
use super::toml_text::quoted;
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::pin::{Pin, Unmanaged};
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;

/// Reasons for an unmanaged reference that are named in the file, at most.
const REASONS: usize = 8;

/// What was found in a repository without a configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survey<'a> {
    /// Inferred environments, in promotion order.
    pub environments: &'a [Environment],
    /// Services with their pins.
    pub services: &'a [(ServiceId, Option<Repository>, Vec<Pin>)],
    /// What can be seen and not managed.
    pub unmanaged: &'a [Unmanaged],
    /// What was learned from evidence; `None` = nothing was asked.
    pub learned: Option<&'a LearnedChoices>,
}

/// One `[[services]]` entry to be.
struct ServiceEntry {
    name: String,
    image: Repository,
    /// Repositories of the same path in other registries: perhaps the same service.
    perhaps: Vec<Repository>,
    environments: BTreeSet<EnvId>,
}

/// The text of a `pindeck.toml` for this repository. It parses, and validates against the files of
/// the commit; nothing in it weakens what is in force without it.
pub(crate) fn render(survey: &Survey<'_>) -> String {
    let mut out = String::from(HEAD);
    let (services, outside) = entries(survey);
    ignore(&mut out, &outside);
    environments(&mut out, survey);
    self::services(&mut out, &services, survey.learned);
    match survey.learned {
        Some(learned) if learned.is_policy() => {}
        _ => out.push_str(POLICY),
    }
    if let Some(learned) = survey.learned {
        learned.section(&mut out);
    }
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

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// Text for a comment: one line, nothing that a terminal would act on.
fn comment(text: &str) -> String {
    crate::domain::text::Clean::from_untrusted(text).into_string()
}

/// The services worth an entry, and the images that are probably somebody else's. Names and images are those
/// of the survey: with this file and without it a service is called the same and has the same pins.
fn entries(survey: &Survey<'_>) -> (Vec<ServiceEntry>, BTreeSet<String>) {
    let mut outside = BTreeSet::new();
    let mut found: Vec<ServiceEntry> = Vec::new();
    let mut by_path: BTreeMap<&str, Vec<&Repository>> = BTreeMap::new();
    for (name, image, pins) in survey.services {
        let Some(image) = image else { continue };
        let environments: BTreeSet<EnvId> = pins.iter().map(|pin| pin.target.environment.clone()).collect();
        if is_probably_foreign(image, pins) {
            outside.insert(image.to_string());
            continue;
        }
        by_path.entry(image.path()).or_default().push(image);
        // A name that the configuration does not take is left to be inferred, as it is without this file.
        if is_name(name.as_str()) {
            found.push(ServiceEntry {
                name: name.to_string(),
                image: image.clone(),
                perhaps: Vec::new(),
                environments,
            });
        }
    }
    for entry in &mut found {
        let same = by_path.get(entry.image.path()).into_iter().flatten();
        entry.perhaps = same
            .filter(|image| ***image != entry.image)
            .map(|image| (*image).clone())
            .collect();
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    (found, outside)
}

/// Whether a service gets an entry of its own in a first configuration. Rows with one come first on the board.
pub(crate) fn has_entry(name: &ServiceId, image: Option<&Repository>, pins: &[Pin]) -> bool {
    is_name(name.as_str()) && image.is_some_and(|image| !is_probably_foreign(image, pins))
}

/// Whether an image is probably somebody else's: nobody pinned a digest of it, and it comes from Docker Hub or is in
/// one environment only.
fn is_probably_foreign(image: &Repository, pins: &[Pin]) -> bool {
    let environments: BTreeSet<&EnvId> = pins.iter().map(|pin| &pin.target.environment).collect();
    let by_digest = pins.iter().any(|pin| pin.digest.is_some());
    !by_digest && (image.registry() == "docker.io" || environments.len() < 2)
}

/// Whether a configuration takes this as a name.
pub(crate) fn is_name(name: &str) -> bool {
    let takes = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    !name.is_empty() && name.len() <= 100 && name.chars().all(takes)
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
    let named = all.iter().any(|e| e.name.as_str() != infer::DEFAULT);
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
        let patterns = &environment.paths;
        if let [one] = patterns.as_slice() {
            let _ = writeln!(out, "paths = [{}]", quoted(one));
        } else {
            out.push_str("paths = [\n");
            for pattern in patterns {
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
        match survey.learned {
            Some(learned) => out.push_str(&learned.environment()),
            None => out.push_str("# policy = \"release\"\n"),
        }
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
    let names: Vec<&str> = all[at].after.iter().map(EnvId::as_str).collect();
    let default: Vec<&str> = at.checked_sub(1).map(|i| all[i].name.as_str()).into_iter().collect();
    (names != default).then_some(names)
}

fn services(out: &mut String, services: &[ServiceEntry], learned: Option<&LearnedChoices>) {
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
        if !entry.perhaps.is_empty() {
            let perhaps: Vec<String> = entry.perhaps.iter().map(ToString::to_string).collect();
            let _ = writeln!(
                out,
                "# also = {}  # the same path in another registry: one service, if promotion copies it there",
                list(perhaps.iter().map(String::as_str))
            );
        }
        let own = learned.map(|learned| learned.service(&entry.name)).unwrap_or_default();
        if at == 0 {
            out.push_str(
                "# candidate = { tag = \"main\" }      # or { semver = \">=1, <2\" }, or { pattern = \"^release-\", order = \"created\" }\n",
            );
            if !own.contains("source = ") {
                out.push_str("# source = \"https://github.com/ORGANISATION/REPOSITORY\"\n");
            }
        } else {
            out.push_str("# candidate = { tag = \"main\" }\n");
        }
        out.push_str(&own);
    }
    if services.is_empty() {
        out.push_str("# [[services]]\n# name = \"NAME\"\n# image = \"registry.example.com/shop/NAME\"\n# candidate = { tag = \"main\" }\n");
    }
}

fn unmanaged(out: &mut String, unmanaged: &[Unmanaged]) {
    if unmanaged.is_empty() {
        return;
    }
    let reasons = Unmanaged::by_reason(unmanaged);
    let _ = writeln!(
        out,
        "\n# Seen here, and not managed ({}):",
        plural(unmanaged.len(), "place")
    );
    for one in reasons.iter().take(REASONS) {
        let _ = writeln!(
            out,
            "#   {} {}: {}{} at {}:{}",
            one.count,
            comment(one.reason),
            if one.count > 1 { "first " } else { "" },
            comment(one.first.text.raw()),
            comment(&one.first.file),
            one.first.line,
        );
    }
    if reasons.len() > REASONS {
        let _ = writeln!(out, "#   and {} other reasons", reasons.len() - REASONS);
    }
}

#[cfg(test)]
#[path = "init_tests.rs"]
mod tests;
