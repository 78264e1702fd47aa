//! The order of a repository's tags, from which the candidate is chosen (docs/reference/contract.md, "Candidate"):
//! pure but
//! for the creation times, which the caller fetches.

use std::cmp::Ordering;

use jiff::Timestamp;
use regex::Regex;

use super::failure::{Failure, FailureKind};
use super::policy::{CandidateRule, PatternOrder};

/// Tags that may be the candidate, in candidate order: newest first. `created` order cannot be told
/// from names alone; then the tags come sorted by name and the caller sorts them by time.
pub(crate) fn ordered_tags(rule: &CandidateRule, tags: &[String]) -> Vec<String> {
    match rule {
        CandidateRule::Tag(tag) => tags.iter().filter(|t| *t == tag).cloned().collect(),
        CandidateRule::Semver(range) => semver_tags(range, tags),
        CandidateRule::Pattern { pattern, .. } => {
            let Ok(pattern) = Regex::new(pattern) else {
                return Vec::new();
            };
            let mut kept: Vec<String> = tags
                .iter()
                .filter(|t| pattern.is_match(t) && !is_evidence_tag(t))
                .cloned()
                .collect();
            kept.sort_by(|a, b| natural(b, a));
            kept
        }
    }
}

/// Whether the order of `ordered_tags` is still to be made from creation times.
pub(crate) fn needs_created(rule: &CandidateRule) -> bool {
    matches!(
        rule,
        CandidateRule::Pattern {
            order: PatternOrder::Created,
            ..
        }
    )
}

/// Tags in the order of their images' creation, newest first, and those that are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ByCreation {
    /// The tags, newest first; without a creation time last. The order among equals is that of the names.
    pub tags: Vec<String>,
    /// Tags whose image cannot be read, with the reason: they are never the candidate.
    pub skipped: Vec<(String, Failure)>,
}

/// What was found out about one tag: when its image was created by its own word, if it says so.
pub(crate) type Created = Result<Option<Timestamp>, Failure>;

/// Orders tags by the creation times that were fetched. An image that is broken, or gone, is passed over; one
/// that could not be asked for might be the newest, so that nobody knows the order then.
///
/// # Errors
/// The first failure that says nothing about the image itself.
pub(crate) fn by_creation(found: Vec<(String, Created)>) -> Result<ByCreation, Failure> {
    let mut timed = Vec::new();
    let mut skipped = Vec::new();
    for (tag, created) in found {
        match created {
            Ok(at) => timed.push((at, tag)),
            Err(failure) if is_broken(failure.kind) => skipped.push((tag, failure)),
            Err(failure) => return Err(failure),
        }
    }
    timed.sort_by(|(a, _), (b, _)| b.cmp(a));
    Ok(ByCreation {
        tags: timed.into_iter().map(|(_, tag)| tag).collect(),
        skipped,
    })
}

/// Whether a failure is about the image and stays so, however often it is asked for.
fn is_broken(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Absent
            | FailureKind::Corrupt
            | FailureKind::Malformed
            | FailureKind::Unsupported
            | FailureKind::TooLarge
    )
}

/// Fallback tags of the referrers scheme and cosign's legacy tags are never releases.
pub(crate) fn is_evidence_tag(tag: &str) -> bool {
    tag.strip_prefix("sha256-")
        .is_some_and(|rest| rest.len() >= 64 && rest.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit))
}

/// Full `x.y.z` tags with an optional `v`, newest first; pre-releases only if the range asks for one.
fn semver_tags(range: &str, tags: &[String]) -> Vec<String> {
    let Ok(wanted) = semver::VersionReq::parse(range) else {
        return Vec::new();
    };
    let asks_pre = wanted.comparators.iter().any(|c| !c.pre.is_empty());
    let mut kept: Vec<(semver::Version, &String)> = tags
        .iter()
        .filter_map(|tag| {
            let version = semver::Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
            let allowed = (version.pre.is_empty() || asks_pre) && wanted.matches(&version);
            allowed.then_some((version, tag))
        })
        .collect();
    // Build metadata has no precedence in semver; the name makes the order total and stable.
    kept.sort_by(|(a, x), (b, y)| b.cmp_precedence(a).then_with(|| natural(y, x)));
    kept.into_iter().map(|(_, tag)| tag.clone()).collect()
}

/// Compares names with runs of digits as numbers: `release-9` before `release-10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let run = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
                let (left, right) = (&a[..run(a)], &b[..run(b)]);
                (a, b) = (&a[left.len()..], &b[right.len()..]);
                let strip = |s: &[u8]| {
                    s.iter()
                        .position(|c| *c != b'0')
                        .map_or_else(Vec::new, |at| s[at..].to_vec())
                };
                let (left, right) = (strip(left), strip(right));
                match left.len().cmp(&right.len()).then_with(|| left.cmp(&right)) {
                    Ordering::Equal => {}
                    other => return other,
                }
            }
            (Some(x), Some(y)) if x == y => (a, b) = (&a[1..], &b[1..]),
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

/// Whether a tag counts as one that must not move: `immutable_tags`, or by default a dotted number
/// or a 7–40 digit hexadecimal commit.
pub(crate) fn is_immutable(tag: &str, configured: Option<&str>) -> bool {
    if let Some(pattern) = configured {
        return Regex::new(pattern).is_ok_and(|p| p.is_match(tag));
    }
    let dotted = tag
        .as_bytes()
        .windows(3)
        .any(|w| w[0].is_ascii_digit() && w[1] == b'.' && w[2].is_ascii_digit());
    let commit = tag.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        (7..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    dotted || commit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn semver_takes_full_versions_newest_first() {
        let all = tags(&[
            "1.9.0",
            "v1.10.0",
            "1.10",
            "latest",
            "2.0.0-rc.1",
            "1.2.3.4",
            "sha256-00",
        ]);
        let rule = CandidateRule::Semver("*".into());
        assert_eq!(ordered_tags(&rule, &all), ["v1.10.0", "1.9.0"]);
        let rule = CandidateRule::Semver(">=2.0.0-0".into());
        assert_eq!(ordered_tags(&rule, &all), ["2.0.0-rc.1"]);
    }

    #[test]
    fn patterns_compare_digits_as_numbers() {
        let rule = CandidateRule::Pattern {
            pattern: "^release-".into(),
            order: PatternOrder::Name,
        };
        assert_eq!(
            ordered_tags(&rule, &tags(&["release-9", "release-10", "main"])),
            ["release-10", "release-9"]
        );
    }

    #[test]
    fn a_broken_image_is_passed_over_and_one_that_cannot_be_asked_for_is_not() {
        let at = |second| Ok(Timestamp::from_second(second).ok());
        let failed = |kind| Err(Failure::new(kind, "why"));
        let found = |newest: Created| {
            vec![
                ("r3".to_owned(), newest),
                ("r1".to_owned(), at(1)),
                ("r2".to_owned(), at(2)),
                ("r0".to_owned(), Ok(None)),
            ]
        };
        for broken in [
            FailureKind::Corrupt,
            FailureKind::Malformed,
            FailureKind::Unsupported,
            FailureKind::TooLarge,
            FailureKind::Absent,
        ] {
            let order = by_creation(found(failed(broken))).expect("an order");
            assert_eq!(order.tags, ["r2", "r1", "r0"], "{broken:?}");
            assert_eq!(order.skipped.len(), 1);
            assert_eq!(order.skipped[0].0, "r3");
        }
        for unknown in [
            FailureKind::Unreachable,
            FailureKind::Denied,
            FailureKind::NotChecked,
            FailureKind::Failed,
        ] {
            let failure = by_creation(found(failed(unknown))).expect_err("nobody knows the order");
            assert_eq!(failure.kind, unknown);
        }
        assert_eq!(
            by_creation(found(at(3))).expect("an order").tags,
            ["r3", "r2", "r1", "r0"]
        );
    }

    #[test]
    fn evidence_tags_are_no_releases() {
        let sig = format!("sha256-{}.sig", "a".repeat(64));
        let rule = CandidateRule::Pattern {
            pattern: ".".into(),
            order: PatternOrder::Name,
        };
        assert_eq!(ordered_tags(&rule, &tags(&[&sig, "x"])), ["x"]);
    }

    #[test]
    fn versions_and_commits_are_immutable_names_are_not() {
        for (tag, immutable) in [
            ("1.3.0", true),
            ("v2.4", true),
            ("release-2026.11", true),
            ("7f2c1d0", true),
            ("main-7f2c1d0a", true),
            ("main", false),
            ("stable", false),
            ("v2", false),
            ("latest", false),
            ("deadbee", true),
        ] {
            assert_eq!(is_immutable(tag, None), immutable, "{tag}");
        }
        assert!(is_immutable("v2", Some(r"^v\d")) && !is_immutable("1.3.0", Some(r"^v\d")));
    }
}
