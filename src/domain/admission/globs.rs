//! Which images a policy is about: the patterns of each gate, on a reference by digest.

use super::{AdmissionPolicy, GateProgram};
use crate::domain::id::Digest;
use crate::domain::reference::Repository;

/// Whether a policy is about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PatternMatch {
    /// It is not.
    No,
    /// It depends on how the reference is written in the workload.
    Unsure,
    /// It is, however the reference is written.
    Yes,
}

/// Most bytes of a pattern: matching takes time with the product of pattern and text.
const MAX_PATTERN: usize = 1024;

impl AdmissionPolicy {
    /// Whether this policy is about a pinned digest. `tag` stands beside the digest in the manifest.
    pub(crate) fn is_about(&self, repository: &Repository, tag: Option<&str>, digest: Digest) -> PatternMatch {
        let named = best(&self.images, self.gate, repository, tag, digest);
        match best(&self.left_out, self.gate, repository, tag, digest) {
            PatternMatch::Yes => PatternMatch::No,
            PatternMatch::Unsure => named.min(PatternMatch::Unsure),
            PatternMatch::No => named,
        }
    }
}

fn best(
    patterns: &[String],
    gate: GateProgram,
    repository: &Repository,
    tag: Option<&str>,
    digest: Digest,
) -> PatternMatch {
    let all = patterns
        .iter()
        .map(|pattern| one(pattern, gate, repository, tag, digest));
    all.max().unwrap_or(PatternMatch::No)
}

fn one(pattern: &str, gate: GateProgram, repository: &Repository, tag: Option<&str>, digest: Digest) -> PatternMatch {
    if pattern.len() > MAX_PATTERN {
        return PatternMatch::Unsure;
    }
    let names = written(repository);
    let by_digest = |name: &String| format!("{name}@{digest}");
    let with_tag = |name: &String| tag.map(|tag| format!("{name}:{tag}@{digest}"));
    match gate {
        GateProgram::PolicyController => {
            let full = match repository.registry() {
                "docker.io" => format!("index.docker.io/{}", repository.path()),
                registry => format!("{registry}/{}", repository.path()),
            };
            let pattern = match pattern {
                "*" => "index.docker.io/library/*",
                "*/*" => "index.docker.io/*/*",
                other => other,
            };
            if controller(pattern, &by_digest(&full)) {
                return PatternMatch::Yes;
            }
            // What is not fully qualified is tried as it is written, too, and pindeck does not know how that is.
            let mut others = names.iter().map(by_digest).chain(names.iter().filter_map(with_tag));
            match others.any(|text| controller(pattern, &text)) {
                true => PatternMatch::Unsure,
                false => PatternMatch::No,
            }
        }
        GateProgram::KyvernoRule | GateProgram::KyvernoImages => {
            let forms = names.iter().map(by_digest).chain(names.iter().filter_map(with_tag));
            let tagged = names.iter().filter_map(|name| Some(format!("{name}:{}", tag?)));
            let forms: Vec<String> = forms.chain(tagged).collect();
            agreed(forms.iter().map(|text| wildcard(pattern, text)))
        }
        GateProgram::Openshift => {
            // A scope may also be one image, by its digest or its tag; with both it is not said which one counts.
            let is_image = names.iter().map(by_digest).any(|text| text == pattern);
            let is_tagged = names.iter().filter_map(with_tag).any(|text| text == pattern)
                || names
                    .iter()
                    .any(|name| tag.is_some_and(|tag| format!("{name}:{tag}") == pattern));
            match agreed(names.iter().map(|name| scope(pattern, name))) {
                PatternMatch::No if is_image => PatternMatch::Yes,
                PatternMatch::No if is_tagged => PatternMatch::Unsure,
                other => other,
            }
        }
    }
}

/// Yes if all agree, no if none does.
fn agreed(all: impl Iterator<Item = bool>) -> PatternMatch {
    let (mut some, mut every) = (false, true);
    for matches in all {
        some |= matches;
        every &= matches;
    }
    match (some, every) {
        (true, true) => PatternMatch::Yes,
        (true, false) => PatternMatch::Unsure,
        (false, _) => PatternMatch::No,
    }
}

/// The names under which a repository may stand in a workload.
fn written(repository: &Repository) -> Vec<String> {
    let full = format!("{}/{}", repository.registry(), repository.path());
    if repository.registry() != "docker.io" {
        return vec![full];
    }
    let mut all = vec![full, repository.path().to_owned()];
    if let Some(short) = repository.path().strip_prefix("library/") {
        all.push(format!("docker.io/{short}"));
        all.push(short.to_owned());
    }
    all
}

/// policy-controller: `**` is any text, `*` any text without a slash; the whole name must match.
fn controller(pattern: &str, text: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let part = if rest.starts_with("**") {
            rest = &rest[2..];
            GlobPart::Any
        } else {
            rest = &rest[c.len_utf8()..];
            match c {
                '*' => GlobPart::AnyInSegment,
                c => GlobPart::Char(c),
            }
        };
        parts.push(part);
    }
    matches(&parts, text)
}

/// Kyverno: `*` is any text, `?` one character; the whole text must match.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let part = |c| match c {
        '*' => GlobPart::Any,
        '?' => GlobPart::One,
        c => GlobPart::Char(c),
    };
    matches(&pattern.chars().map(part).collect::<Vec<_>>(), text)
}

/// OpenShift: a registry, a namespace of it, a repository, or `*.` and a domain.
fn scope(pattern: &str, name: &str) -> bool {
    if let Some(domain) = pattern.strip_prefix("*.") {
        let host = name.split('/').next().unwrap_or(name);
        return host.strip_suffix(domain).is_some_and(|before| before.ends_with('.'));
    }
    let rest = name.strip_prefix(pattern);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[derive(Clone, Copy)]
enum GlobPart {
    Char(char),
    One,
    Any,
    AnyInSegment,
}

/// Whether a text is matched as a whole. Every set of reachable positions is worked out once a character, so hostile
/// patterns cost no more than the product of both lengths.
fn matches(parts: &[GlobPart], text: &str) -> bool {
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    skip_stars(parts, &mut reached);
    for c in text.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match part {
                GlobPart::Char(wanted) if *wanted == c => next[at + 1] = true,
                GlobPart::One => next[at + 1] = true,
                GlobPart::Any => next[at] = true,
                GlobPart::AnyInSegment if c != '/' => next[at] = true,
                GlobPart::Char(_) | GlobPart::AnyInSegment => {}
            }
        }
        skip_stars(parts, &mut next);
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

fn skip_stars(parts: &[GlobPart], reached: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if reached[at] && matches!(part, GlobPart::Any | GlobPart::AnyInSegment) {
            reached[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(gate: GateProgram, pattern: &str, image: &str, tag: Option<&str>) -> PatternMatch {
        let repository = Repository::parse(image).expect(image);
        one(pattern, gate, &repository, tag, Digest::of(b"x"))
    }

    #[test]
    fn each_gate_has_its_own_patterns() {
        use GateProgram as G;
        use PatternMatch::{No, Unsure, Yes};
        for (gate, pattern, image, tag, expected) in [
            (G::PolicyController, "**", "ghcr.io/a/b", None, Yes),
            (G::PolicyController, "**demo**", "ghcr.io/a/demo/b", None, Yes),
            (G::PolicyController, "ghcr.io/a/*", "ghcr.io/a/b", None, Yes),
            (G::PolicyController, "ghcr.io/a/*", "ghcr.io/a/b/c", None, No),
            (G::PolicyController, "ghcr.io/*/b*", "ghcr.io/a/b", None, Yes),
            (G::PolicyController, "*", "nginx", None, Yes),
            (G::PolicyController, "*", "ghcr.io/a/b", None, No),
            (G::PolicyController, "nginx**", "nginx", None, Unsure),
            (G::PolicyController, "ghcr.io/a/b:*", "ghcr.io/a/b", None, No),
            (G::PolicyController, "ghcr.io/a/b:**", "ghcr.io/a/b", Some("1"), Unsure),
            (G::KyvernoRule, "ghcr.io/a/*", "ghcr.io/a/b/c", None, Yes),
            (G::KyvernoRule, "ghcr.io/a/b:*", "ghcr.io/a/b", None, No),
            (G::KyvernoRule, "ghcr.io/a/b:*", "ghcr.io/a/b", Some("1"), Unsure),
            (G::KyvernoRule, "ghcr.io/a/?*", "ghcr.io/a/b", Some("1"), Yes),
            (G::KyvernoImages, "*", "nginx", None, Yes),
            (G::Openshift, "ghcr.io/a", "ghcr.io/a/b", None, Yes),
            (G::Openshift, "ghcr.io/a", "ghcr.io/ab", None, No),
            (
                G::Openshift,
                &format!("ghcr.io/a@{}", Digest::of(b"x")),
                "ghcr.io/a",
                None,
                Yes,
            ),
            (
                G::Openshift,
                &format!("ghcr.io/a@{}", Digest::of(b"y")),
                "ghcr.io/a",
                None,
                No,
            ),
            (G::Openshift, "ghcr.io/a:1", "ghcr.io/a", Some("1"), Unsure),
            (G::Openshift, "ghcr.io/a:1", "ghcr.io/a", None, No),
            (G::Openshift, "*.example.com", "r.example.com/a", None, Yes),
            (G::Openshift, "*.example.com", "example.com/a", None, No),
        ] {
            assert_eq!(asked(gate, pattern, image, tag), expected, "{gate:?} {pattern} {image}");
        }
    }

    #[test]
    fn hostile_patterns_cost_little() {
        let pattern = "*a".repeat(500);
        let text = "a".repeat(5_000);
        assert!(wildcard(&pattern, &text));
        assert!(!wildcard(&pattern, &format!("{text}b")));
    }
}
