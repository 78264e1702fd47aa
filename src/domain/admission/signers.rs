//! Who may sign: keys and identities of both sides as sets.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{HerePolicy, Rows, RuleAnswer, Together};
use super::{AdmissionDemand, Authority, AuthoritySigner};
use crate::domain::pattern::anchored;
use crate::domain::policy::{Identity, Match, TrustProfile, Validity};

/// Compares the signers of one kind.
pub(super) fn compare(
    rows: &mut Rows,
    (there, who): (&Together<'_>, &[&Authority]),
    (here, profile): (HerePolicy<'_>, &TrustProfile),
) {
    let is_asking = |demand: &&AdmissionDemand| {
        demand
            .of
            .iter()
            .any(|one| who.iter().any(|other| std::ptr::eq(*other, one)))
    };
    let asking: Vec<&AdmissionDemand> = there.this.demands.iter().filter(is_asking).collect();
    if asking.len() > 1 {
        let detail = format!(
            "{} attestors must each have signed there, here one is enough",
            asking.len()
        );
        rows.add("signers", RuleAnswer::StricterThere, detail);
    }
    // Where several must have signed, the same names on both sides are still not the same rule.
    let one_is_enough = asking.len() < 2 && asking.iter().all(|demand| demand.at_least < 2);
    for demand in asking {
        if demand.at_least > 1 {
            let detail = format!(
                "{} of {} must have signed there, here one is enough",
                demand.at_least,
                demand.of.len()
            );
            rows.add("signers", RuleAnswer::StricterThere, detail);
        }
    }
    for authority in who {
        if let AuthoritySigner::Elsewhere(what) = &authority.signer {
            rows.add("keys", RuleAnswer::CannotSay, format!("{}: {what}", authority.name));
        }
    }
    keys(rows, who, profile, one_is_enough);
    identities(rows, who, (here, profile), one_is_enough);
}

/// The key itself, without the layout of its PEM.
fn bare(pem: &str) -> BTreeSet<String> {
    let blocks = pem.split("-----BEGIN ").skip(1);
    let body = blocks.filter_map(|block| block.split_once("-----")?.1.split("-----END").next());
    body.map(|body| body.split_whitespace().collect()).collect()
}

fn keys(rows: &mut Rows, who: &[&Authority], profile: &TrustProfile, one_is_enough: bool) {
    let theirs: BTreeSet<String> = who
        .iter()
        .filter_map(|one| match &one.signer {
            AuthoritySigner::Key(pem) => Some(bare(pem)),
            _ => None,
        })
        .flatten()
        .collect();
    let ours: BTreeSet<String> = profile.keys.iter().flat_map(|key| bare(&key.pem)).collect();
    if theirs.is_empty() && ours.is_empty() {
        return;
    }
    let named = |pem: &str| {
        let of_ours = profile.keys.iter().find(|key| bare(&key.pem).contains(pem));
        of_ours.map_or_else(|| "a key".to_owned(), |key| key.name.clone())
    };
    let is_limited = profile.keys.iter().any(|key| key.validity != Validity::default());
    if is_limited {
        let detail = format!("keys of trust profile {} are trusted for some time only", profile.name);
        rows.add("keys", RuleAnswer::StricterHere, detail);
    }
    if theirs == ours && one_is_enough && !is_limited {
        let several = if ours.len() > 1 {
            ", each of which is enough"
        } else {
            ""
        };
        rows.add(
            "keys",
            RuleAnswer::Same,
            format!("the same {}{several}", count(ours.len(), "key")),
        );
    }
    for only_here in ours.difference(&theirs) {
        let detail = format!(
            "{} of trust profile {} is not trusted there",
            named(only_here),
            profile.name
        );
        rows.add("keys", RuleAnswer::StricterThere, detail);
    }
    for only_there in theirs.difference(&ours) {
        let by = who
            .iter()
            .find(|one| matches!(&one.signer, AuthoritySigner::Key(pem) if bare(pem).contains(only_there)));
        let by = by.map_or("an authority", |one| one.name.as_str());
        let detail = format!("the key of {by} is not trusted by trust profile {}", profile.name);
        rows.add("keys", RuleAnswer::StricterHere, detail);
    }
}

fn count(n: usize, what: &str) -> String {
    match n {
        1 => what.to_owned(),
        n => format!("{n} {what}s"),
    }
}

fn identities(
    rows: &mut Rows,
    who: &[&Authority],
    (here, profile): (HerePolicy<'_>, &TrustProfile),
    one_is_enough: bool,
) {
    let mut theirs: Vec<(Identity, String)> = Vec::new();
    for authority in who {
        let AuthoritySigner::Keyless { identities, .. } = &authority.signer else {
            continue;
        };
        for identity in identities {
            match identity.as_identity() {
                Ok(said) => theirs.push((said, identity.words())),
                Err(why) => rows.add(
                    "identities",
                    RuleAnswer::CannotSay,
                    format!("{}: {why}", authority.name),
                ),
            }
        }
    }
    if theirs.is_empty() && profile.identities.is_empty() {
        return;
    }
    if profile.identities.iter().any(|identity| !identity.claims.is_empty()) {
        rows.add(
            "claims",
            RuleAnswer::StricterHere,
            "claims of certificates cannot be asked for there",
        );
    }
    let missing = |from: &[(Identity, String)], in_: &[(Identity, String)]| -> Vec<(String, Option<bool>)> {
        let each = from.iter().map(|(one, words)| {
            let covered: Vec<Option<bool>> = in_.iter().map(|(other, _)| covers(other, one)).collect();
            let best = match covered.contains(&Some(true)) {
                true => Some(true),
                false if covered.contains(&None) => None,
                false => Some(false),
            };
            (words.clone(), best)
        });
        each.filter(|(_, covered)| *covered != Some(true)).collect()
    };
    // Service by service: there each identity counts for every image that the policy is about.
    let mut open: BTreeMap<(TrustingSide, String, Option<bool>), BTreeSet<&str>> = BTreeMap::new();
    for service in here.services {
        let ours = of_service(profile, service);
        for (side, list) in [
            (TrustingSide::Here, missing(&ours, &theirs)),
            (TrustingSide::There, missing(&theirs, &ours)),
        ] {
            for (words, covered) in list {
                open.entry((side, words, covered)).or_default().insert(service);
            }
        }
    }
    if open.is_empty() && one_is_enough {
        rows.add("identities", RuleAnswer::Same, "the same identities");
    }
    for ((side, words, covered), of) in open {
        let whose = match of.len() == here.services.len() {
            true => String::new(),
            false => format!(" for {}", of.into_iter().collect::<Vec<_>>().join(", ")),
        };
        let (answer, detail) = match (covered, side) {
            (None, _) => (RuleAnswer::CannotSay, format!("{words}: two patterns are not compared")),
            (Some(_), TrustingSide::Here) => (
                RuleAnswer::StricterThere,
                format!("{words} is not trusted there{whose}"),
            ),
            (Some(_), TrustingSide::There) => (RuleAnswer::StricterHere, format!("{words} is not trusted here{whose}")),
        };
        rows.add("identities", answer, detail);
    }
}

/// Who is trusted by one side only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TrustingSide {
    Here,
    There,
}

/// The identities of a profile for one service, with how they are shown.
fn of_service(profile: &TrustProfile, service: &str) -> Vec<(Identity, String)> {
    let expand = |text: &Match| match text {
        Match::Exact(text) => Match::Exact(text.replace("{service}", service)),
        Match::Regex(text) => Match::Regex(text.replace("{service}", &regex::escape(service))),
    };
    let each = profile.identities.iter().map(|identity| Identity {
        san: expand(&identity.san),
        issuer: identity.issuer.as_ref().map(expand),
        claims: identity.claims.clone(),
    });
    each.map(|said| {
        let words = shown(&said);
        (said, words)
    })
    .collect()
}

fn shown(identity: &Identity) -> String {
    let one = |rule: &Match| match rule {
        Match::Exact(text) => text.clone(),
        Match::Regex(text) => format!("/{text}/"),
    };
    let issuer = identity.issuer.as_ref().map_or_else(|| "no issuer".to_owned(), one);
    format!("{} ({issuer})", one(&identity.san))
}

/// Whether everything that `narrow` accepts is accepted by `wide`; `None` if that cannot be told. Claims are told apart.
fn covers(wide: &Identity, narrow: &Identity) -> Option<bool> {
    let san = fits(&wide.san, &narrow.san);
    let issuer = match (&wide.issuer, &narrow.issuer) {
        (Some(wide), Some(narrow)) => fits(wide, narrow),
        (None, None) => Some(true),
        _ => Some(false),
    };
    match (san, issuer) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn fits(wide: &Match, narrow: &Match) -> Option<bool> {
    match (wide, narrow) {
        (wide, narrow) if wide == narrow => Some(true),
        (Match::Regex(pattern), _) if pattern == "(?s:.*)" => Some(true),
        (Match::Exact(_), Match::Exact(_)) => Some(false),
        (Match::Regex(pattern), Match::Exact(text)) => Some(anchored(pattern, None).ok()??.is_match(text)),
        // A pattern accepts more than one text, unless it is written without need.
        (Match::Exact(_), Match::Regex(_)) => Some(false),
        (Match::Regex(_), Match::Regex(_)) => None,
    }
}
