//! The part of a first configuration that is learned from evidence: each choice as a line that is commented out, with the
//! count that it was seen on. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::toml_text::quoted;
use crate::domain::id::ServiceId;
use crate::domain::learned::{LearnedPolicy, SeenSigner, default_signer};
use crate::domain::text::Clean;

/// Sentences of one sort that are written, at most.
const MOST_TOLD: usize = 40;

/// What was learned, and how it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct LearnedChoices {
    /// What is proposed.
    pub policy: LearnedPolicy,
    /// Without comment signs: to be judged by, before it is proposed.
    pub is_active: bool,
    /// Pinned digests that the proposed policy would not verify today, one sentence each.
    pub rejected: Vec<String>,
    /// How many pinned digests it would verify.
    pub verified: usize,
    /// Why evidence could not be read, by the sentence, with how many digests.
    pub unread: BTreeMap<String, usize>,
}

impl LearnedChoices {
    /// Whether anybody is proposed: without a signer there is no policy.
    pub(crate) fn is_policy(&self) -> bool {
        !self.policy.signers.is_empty() && !self.policy.kinds.is_empty()
    }

    /// A line of the file with its reason.
    fn line(&self, text: &str, why: &str) -> String {
        let sign = if self.is_active { "" } else { "# " };
        format!("{sign}{text}  # {}\n", comment(why))
    }

    /// The line that gives an environment its policy.
    pub(super) fn environment(&self) -> String {
        match self.is_policy() && self.is_active {
            true => "policy = \"release\"\n".to_owned(),
            false => "# policy = \"release\"\n".to_owned(),
        }
    }

    /// The lines of a service's own signer and source.
    pub(super) fn service(&self, name: &str) -> String {
        let mut out = String::new();
        if !self.is_policy() {
            return out;
        }
        let service = ServiceId::new(name);
        let names = self.profiles();
        let default = default_signer(&self.policy.signers);
        if let Some(choice) = self.policy.signers.get(&service)
            && Some(&choice.value) != default.as_ref()
            && let Some(profile) = names.get(&choice.value)
        {
            let why = format!("signs {} of {} pinned digests", choice.count, choice.of);
            out.push_str(&self.line(&format!("signer = {}", quoted(profile)), &why));
        }
        if let Some(choice) = self.policy.sources.get(&service) {
            let why = format!(
                "named by the provenance of {} of {} pinned digests",
                choice.count, choice.of
            );
            out.push_str(&self.line(&format!("source = {}", quoted(&choice.value)), &why));
        }
        out
    }

    /// The names of the trust profiles, by signer.
    fn profiles(&self) -> BTreeMap<SeenSigner, String> {
        let signers: BTreeSet<&SeenSigner> = self.policy.signers.values().map(|choice| &choice.value).collect();
        let mut taken = BTreeSet::new();
        let mut out = BTreeMap::new();
        for signer in signers {
            let base = match signer {
                SeenSigner::Key(file) => {
                    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
                    plain(name.split('.').next().unwrap_or(name))
                }
                SeenSigner::Certificate { san, .. } => {
                    let own = san.split("/.github/").next().unwrap_or(san);
                    format!(
                        "{}-ci",
                        plain(own.rsplit('/').find(|part| !part.is_empty()).unwrap_or(own))
                    )
                }
                SeenSigner::Stranger(_) => continue,
            };
            let mut name = base.clone();
            let mut nth = 1;
            while !taken.insert(name.clone()) {
                nth += 1;
                name = format!("{base}-{nth}");
            }
            out.insert(signer.clone(), name);
        }
        out
    }

    /// The policy and its trust profiles, if there are any; then what was only seen.
    pub(super) fn section(&self, out: &mut String) {
        if self.is_policy() {
            self.proposed(out);
        }
        self.told(out);
    }

    fn proposed(&self, out: &mut String) {
        let learned = &self.policy;
        let names = self.profiles();
        let sign = if self.is_active { "" } else { "# " };
        let _ = write!(
            out,
            "\n# What a digest must carry before it counts: what most of the {} distinct pinned digests carry today. Each line is a\n\
             # choice; take the comment signs away, here and at the services, and give the environments policy = \"release\".\n\
             {sign}[policies.release]\n",
            learned.digests
        );
        let kinds: Vec<String> = learned
            .kinds
            .iter()
            .map(|choice| quoted(choice.value.as_str()))
            .collect();
        let counts: Vec<String> = learned
            .kinds
            .iter()
            .map(|choice| format!("{} on {} of {}", choice.value, choice.count, choice.of))
            .collect();
        out.push_str(&self.line(&format!("require = [{}]", kinds.join(", ")), &counts.join(", ")));
        if let Some(default) = default_signer(&learned.signers)
            && let Some(name) = names.get(&default)
        {
            let count = learned
                .signers
                .values()
                .filter(|choice| choice.value == default)
                .count();
            let why = format!(
                "{} signs most of {count} of {} services",
                default.words(),
                learned.signers.len()
            );
            out.push_str(&self.line(&format!("signer = {}", quoted(name)), &why));
        }
        if !learned.builders.is_empty() {
            let all: Vec<String> = learned.builders.iter().map(|choice| quoted(&choice.value)).collect();
            let counts: Vec<String> = learned
                .builders
                .iter()
                .map(|choice| format!("{} of {}", choice.count, choice.of))
                .collect();
            let why = format!("named by provenance on {}", counts.join(", "));
            out.push_str(&self.line(&format!("builder = [{}]", all.join(", ")), &why));
        }
        if learned.asks_source {
            out.push_str(&self.line("source = true", "each service's provenance names one source"));
        }
        if learned.warned {
            let line = "test-result = { accept = [\"PASSED\"], acknowledge = [\"WARNED\"] }";
            out.push_str(&self.line(line, "a WARNED result is pinned"));
        }
        for (signer, name) in &names {
            let services: Vec<String> = learned
                .signers
                .iter()
                .filter(|(_, choice)| choice.value == *signer)
                .map(|(service, choice)| format!("{service} {} of {}", choice.count, choice.of))
                .collect();
            let _ = writeln!(out, "{sign}[trust.{name}]");
            let why = format!("signs {}", services.join(", "));
            match signer {
                SeenSigner::Key(file) => {
                    out.push_str(&self.line(&format!("keys = [{}]", quoted(file)), &why));
                    let line = "transparency_log = \"not-required\"";
                    out.push_str(&self.line(line, "\"required\" with a root, if every signature has a log entry"));
                }
                SeenSigner::Certificate { root, san, issuer } => {
                    out.push_str(&self.line(&format!("root = {}", quoted(root)), "the root that vouches for them"));
                    let issuer = issuer.as_deref().map_or_else(|| "false".to_owned(), quoted);
                    let line = format!("identities = [{{ san = {}, issuer = {issuer} }}]", quoted(san));
                    out.push_str(&self.line(&line, &why));
                }
                SeenSigner::Stranger(_) => {}
            }
        }
        out.push('\n');
        if !self.is_active {
            let _ = writeln!(out, "# By this policy {} pinned digests verify today.", self.verified);
            tell(out, "Not verified by it", &self.rejected);
        }
    }

    fn told(&self, out: &mut String) {
        if self.is_active {
            return;
        }
        if !self.is_policy() && self.policy.digests > 0 {
            let _ = writeln!(
                out,
                "\n# Nothing was learned from the evidence of {} distinct pinned digests: nobody signs most of a service's, whose\n\
                 # key was named with --key, or whose own repository is the source.",
                self.policy.digests
            );
        }
        if !self.is_policy() && self.policy.digests == 0 && !self.unread.is_empty() {
            out.push_str("\n# Nothing was learned: of no pinned digest could all evidence be read.\n");
        }
        tell(out, "Seen, not proposed", &self.policy.seen);
        for (why, count) in &self.unread {
            let _ = writeln!(
                out,
                "# The evidence of {count} pinned digests could not be read: {}",
                comment(why)
            );
        }
    }
}

fn tell(out: &mut String, what: &str, all: &[String]) {
    for one in all.iter().take(MOST_TOLD) {
        let _ = writeln!(out, "# {what}: {}", comment(one));
    }
    if all.len() > MOST_TOLD {
        let _ = writeln!(out, "# {what}: and {} more", all.len() - MOST_TOLD);
    }
}

/// A name for a table: small letters, digits and hyphens.
fn plain(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(40)
        .collect();
    let kept = kept.trim_matches('-').to_owned();
    if kept.is_empty() { "signer".to_owned() } else { kept }
}

/// Text for a comment: one line, nothing that a terminal would act on.
fn comment(text: &str) -> String {
    Clean::from_untrusted(text).into_string()
}
