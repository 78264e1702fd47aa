//! PolicyFields of a policy with their lines: what each must be, and what becomes of one that is not known.

use std::collections::BTreeSet;

use super::error::AdmissionError;
use crate::domain::admission::{AuthorityMatch, AuthorityRoot, AuthoritySigner, UnreadEffect, UnreadField};
use crate::domain::text::Clean;
use crate::sources::git::manifest::tree::{Id, Kind, Tree};

/// Lines of a part that was not read which are kept.
const QUOTED_LINES: usize = 12;
/// Characters of each.
const QUOTED_WIDTH: usize = 160;
/// Nesting that a policy has at most.
const MAX_DEPTH: usize = 48;

/// The documents of one file.
pub(super) struct PolicyFields<'a> {
    pub file: &'a str,
    pub tree: &'a Tree<'a>,
}

impl<'a> PolicyFields<'a> {
    pub(crate) fn line(&self, id: Id) -> u32 {
        self.tree.node(id).line.max(1)
    }

    pub(crate) fn error(&self, at: Id, what: impl AsRef<str>) -> AdmissionError {
        AdmissionError {
            file: self.file.to_owned(),
            line: self.line(at),
            what: Clean::from_untrusted(what.as_ref()).into_string(),
        }
    }

    /// Whether a value is null or an empty plain text, which is the same as if it were not there.
    pub(crate) fn is_nothing(&self, id: Id) -> bool {
        matches!(self.tree.node(id).kind, Kind::Scalar(..)) && self.tree.filled(id).is_none()
    }

    /// Refuses a document in which readers of YAML may see different things: aliases, merge keys, keys that stand twice.
    pub(crate) fn plain(&self, root: Id) -> Result<(), AdmissionError> {
        let mut open = vec![(root, 0)];
        while let Some((id, depth)) = open.pop() {
            if depth > MAX_DEPTH {
                return Err(self.error(id, "it is nested deeper than any policy"));
            }
            match &self.tree.node(id).kind {
                Kind::Alias(_) => return Err(self.error(id, "an alias stands here; write the value out")),
                Kind::Scalar(..) => {}
                Kind::Seq(items) => open.extend(items.iter().rev().map(|item| (*item, depth + 1))),
                Kind::Map(entries, _) => {
                    let mut seen = BTreeSet::new();
                    let first = open.len();
                    for (key, value) in entries {
                        let Kind::Scalar(name, _) = &self.tree.node(*key).kind else {
                            return Err(self.error(*key, "a key is no text"));
                        };
                        if name == "<<" {
                            return Err(self.error(*key, "a merge key stands here; write the values out"));
                        }
                        if !seen.insert(name.as_ref()) {
                            return Err(self.error(*key, format!("{name:?} stands twice in one mapping")));
                        }
                        open.push((*value, depth + 1));
                    }
                    // What is written first is looked at first.
                    open[first..].reverse();
                }
            }
        }
        Ok(())
    }

    /// The entries of a mapping that are there.
    pub(crate) fn map(&self, id: Id, what: &str) -> Result<Vec<(&'a str, Id)>, AdmissionError> {
        let Kind::Map(entries, _) = &self.tree.node(id).kind else {
            return Err(self.error(id, format!("{what} must be a mapping")));
        };
        let named = entries
            .iter()
            .filter_map(|(key, value)| Some((self.tree.text_of(*key)?, *value)));
        Ok(named.filter(|(_, value)| !self.is_nothing(*value)).collect())
    }

    pub(crate) fn list(&self, id: Id, what: &str) -> Result<&'a [Id], AdmissionError> {
        match &self.tree.node(id).kind {
            Kind::Seq(items) => Ok(items),
            _ => Err(self.error(id, format!("{what} must be a list"))),
        }
    }

    pub(crate) fn text(&self, id: Id, what: &str) -> Result<&'a str, AdmissionError> {
        match &self.tree.node(id).kind {
            Kind::Scalar(text, _) => Ok(text),
            _ => Err(self.error(id, format!("{what} must be a text"))),
        }
    }

    pub(crate) fn flag(&self, id: Id, what: &str) -> Result<bool, AdmissionError> {
        match self.text(id, what)? {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            other => Err(self.error(id, format!("{what} must be true or false, not {other:?}"))),
        }
    }

    pub(crate) fn number(&self, id: Id, what: &str) -> Result<usize, AdmissionError> {
        let text = self.text(id, what)?;
        text.parse()
            .map_err(|_| self.error(id, format!("{what} must be a whole number, not {text:?}")))
    }

    /// A list of texts, or one.
    pub(crate) fn texts(&self, id: Id, what: &str) -> Result<Vec<String>, AdmissionError> {
        let items = self.list(id, what)?.iter();
        items.map(|item| Ok(self.text(*item, what)?.to_owned())).collect()
    }

    /// The name of a document.
    pub(crate) fn name(&self, root: Id) -> Result<String, AdmissionError> {
        let name = self.tree.at(root, &["metadata", "name"]);
        let name = name.and_then(|id| self.tree.filled(id));
        let name = name.ok_or_else(|| self.error(root, "metadata.name is missing"))?;
        Ok(Clean::from_untrusted(name).into_string())
    }

    /// A part that is not read, with its text.
    pub(crate) fn unread(
        &self,
        id: Id,
        what: impl Into<String>,
        why: impl Into<String>,
        effect: UnreadEffect,
    ) -> UnreadField {
        UnreadField {
            line: self.line(id),
            what: what.into(),
            text: self.quoted(id),
            why: why.into(),
            effect,
        }
    }

    /// A field that is not known here.
    pub(crate) fn unknown(&self, id: Id, what: impl Into<String>) -> UnreadField {
        self.unread(id, what, "pindeck does not know this field", UnreadEffect::Either)
    }

    /// The text of a node: a text itself, else the lines in which it is written.
    fn quoted(&self, id: Id) -> String {
        let own = match &self.tree.node(id).kind {
            Kind::Scalar(text, _) => text.to_string(),
            _ => {
                let (first, mut last) = (self.line(id), self.line(id));
                let mut open = vec![id];
                while let Some(id) = open.pop() {
                    last = last.max(self.line(id));
                    match &self.tree.node(id).kind {
                        Kind::Seq(items) => open.extend(items),
                        Kind::Map(entries, _) => open.extend(entries.iter().flat_map(|(key, value)| [*key, *value])),
                        Kind::Scalar(..) | Kind::Alias(_) => {}
                    }
                }
                let lines = self.tree.text.lines().skip(first as usize - 1);
                let lines: Vec<&str> = lines.take((last - first + 1) as usize).map(str::trim_end).collect();
                lines.join("\n")
            }
        };
        let mut lines: Vec<String> = own
            .trim_end()
            .lines()
            .take(QUOTED_LINES)
            .map(|line| Clean::from_untrusted(&line.chars().take(QUOTED_WIDTH).collect::<String>()).into_string())
            .collect();
        if own.trim_end().lines().count() > QUOTED_LINES {
            lines.push("…".to_owned());
        }
        lines.join("\n")
    }

    /// A public key in the policy.
    pub(crate) fn pem(&self, id: Id, what: &str) -> Result<String, AdmissionError> {
        let text = self.text(id, what)?;
        if text.contains("PRIVATE KEY") {
            return Err(self.error(id, format!("{what} has a private key in it: it is not secret any more")));
        }
        let key = crate::sources::evidence::check_key(text);
        key.map_err(|why| self.error(id, format!("{what} is no public key: {why}")))?;
        Ok(text.to_owned())
    }

    /// A regular expression of Go.
    pub(crate) fn regexp(&self, id: Id, what: &str) -> Result<AuthorityMatch, AdmissionError> {
        let rule = AuthorityMatch::GoRegexp(self.text(id, what)?.to_owned());
        match rule.as_match() {
            Ok(_) => Ok(rule),
            Err(why) => Err(self.error(id, format!("{what}: {why}"))),
        }
    }
}

/// The root behind an address of a Sigstore service: the public-good one has hosts of its own.
pub(super) fn root_at(address: &str) -> AuthorityRoot {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    match host == "sigstore.dev" || host.ends_with(".sigstore.dev") {
        true => AuthorityRoot::PublicGood,
        false => AuthorityRoot::Address(Clean::from_untrusted(address).into_string()),
    }
}

/// The predicate type behind a short name of cosign's.
pub(super) fn predicate(name: &str) -> String {
    match name {
        "custom" => "https://cosign.sigstore.dev/attestation/v1",
        "slsaprovenance" | "slsaprovenance02" => "https://slsa.dev/provenance/v0.2",
        "slsaprovenance1" => "https://slsa.dev/provenance/v1",
        "spdx" | "spdxjson" => "https://spdx.dev/Document",
        "cyclonedx" => "https://cyclonedx.org/bom",
        "link" => "https://in-toto.io/Link/v1",
        "vuln" => "https://cosign.sigstore.dev/attestation/vuln/v1",
        "openvex" => "https://openvex.dev/ns",
        other => other,
    }
    .to_owned()
}

/// A key of a key service, with the command that exports it.
pub(super) fn elsewhere_kms(address: &str) -> AuthoritySigner {
    let address = crate::domain::Clean::from_untrusted(address).into_string();
    AuthoritySigner::Elsewhere(format!(
        "its key lies in a key service: cosign public-key --key {} exports it",
        crate::domain::failure::shell_word(&address)
    ))
}
