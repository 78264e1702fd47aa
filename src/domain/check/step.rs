//! What is to be said of one digest that a change pins: the gates of a promotion, or of a revert where it brings back
//! what was good before.

use jiff::Timestamp;

use crate::domain::board::Hold;
use crate::domain::evidence::Evidence;
use crate::domain::failure::{Hint, Part};
use crate::domain::gate::{
    Gate, GateName, GateState, PromoteFacts, RevertFacts, mark_waivable, promote_gates, revert_gates,
};
use crate::domain::id::{Digest, EnvId};
use crate::domain::known_good;
use crate::domain::pin::PinnedBy;
use crate::domain::policy::Policy;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Outcome, Verdict};

use super::finding::{CheckFinding, FindingKind, FindingLevel, PinVersion};
use super::place::PinnedPlace;

/// Which way a digest moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction<'a> {
    /// Forward: every gate counts. For each `after` environment since when it pins this very digest, if it does.
    Forward(&'a [(EnvId, Option<Timestamp>)]),
    /// Back to what was good here before: only presence, verdict and holds count.
    Back,
}

/// Everything that is known of one digest at one place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepFacts<'a> {
    /// Where it would be pinned.
    pub place: &'a PinnedPlace,
    /// What is pinned there at the tip of the base.
    pub from: Option<&'a PinVersion>,
    /// The policy of the environment.
    pub policy: &'a Policy,
    /// The verdict of the digest under it.
    pub verdict: &'a Verdict,
    /// What the verdict was made of.
    pub evidence: &'a [Evidence],
    /// Whether the job takes WARNED test results upon itself.
    pub acknowledged: bool,
    /// The holds that close the environment for the digest; `Err` = they could not be read.
    pub holds: Result<&'a [&'a Hold], &'a Untrusted>,
    /// Which way it moves.
    pub direction: Direction<'a>,
    /// The newest revert that took it out here, if one did.
    pub reverted: Option<&'a PinnedBy>,
    /// The time of the check.
    pub now: Timestamp,
}

/// What is to be said of it.
pub(crate) fn findings(facts: &StepFacts<'_>) -> Vec<CheckFinding> {
    let mut gates = match facts.direction {
        Direction::Forward(after) => promote_gates(PromoteFacts {
            policy: facts.policy,
            verdict: facts.verdict,
            acknowledged: facts.acknowledged,
            hold: facts.holds.map(|holds| holds.first().copied()),
            after,
            read_only: None,
            now: facts.now,
        }),
        Direction::Back => revert_gates(RevertFacts {
            verdict: facts.verdict,
            acknowledged: Some(facts.acknowledged),
            environment: &facts.place.target.environment,
            holds: facts.holds,
            release_hold: false,
            read_only: None,
        }),
    };
    mark_waivable(&mut gates, &facts.policy.break_glass, facts.verdict, facts.evidence);
    let is_closed = |name: GateName| {
        gates
            .iter()
            .any(|gate| gate.gate == name && gate.state == GateState::Closed)
    };
    let is_skipped = is_closed(GateName::After);
    let mut out = Vec::new();
    for gate in gates.iter().filter(|gate| gate.state == GateState::Closed) {
        // What is not there at all has no time there either, and what the verdict says is said once.
        let is_said = gate.gate == GateName::Soak && is_skipped || gate.gate == GateName::Presence;
        if !is_said && let Some((kind, level)) = finding_of(gate.gate, facts.verdict) {
            out.push(about(facts, kind, level, gate));
        }
    }
    if let Some(by) = facts.reverted {
        let message = known_good::reverted_words(by);
        let next = "make sure that what was wrong with it is not wrong any more";
        out.push(CheckFinding {
            message,
            ..at(
                facts.place,
                facts.from,
                FindingKind::RevertedDigest,
                FindingLevel::Warning,
                next.into(),
            )
        });
    }
    for finding in &mut out {
        finding.verdict = Some(facts.verdict.clone());
    }
    out
}

fn finding_of(gate: GateName, verdict: &Verdict) -> Option<(FindingKind, FindingLevel)> {
    let kind = match gate {
        GateName::Verdict if verdict.result == Outcome::Unknown => {
            return Some((FindingKind::PinUnknown, FindingLevel::Unknown));
        }
        GateName::Verdict => FindingKind::PinRejected,
        GateName::Acknowledge => FindingKind::PinWarned,
        GateName::Hold => FindingKind::HoldViolated,
        GateName::After => FindingKind::OrderSkipped,
        GateName::Soak => FindingKind::Soak,
        GateName::Freeze => FindingKind::Freeze,
        GateName::Presence | GateName::ReadOnly | GateName::Edit => return None,
    };
    Some((kind, FindingLevel::Error))
}

fn about(facts: &StepFacts<'_>, kind: FindingKind, level: FindingLevel, gate: &Gate) -> CheckFinding {
    let place = facts.place;
    let (service, environment) = (&place.target.service, &place.target.environment);
    let next = match gate.gate {
        GateName::Verdict if level == FindingLevel::Unknown => {
            "run the check again when the registry can be reached".into()
        }
        GateName::Verdict => match place.digest {
            Some(digest) => Hint::with(
                "pin a digest that verifies; `pindeck verify {} --env {}` shows every check",
                &[reference(place, digest), environment.into()],
            ),
            None => "pin a digest that verifies".into(),
        },
        GateName::Acknowledge => {
            "read the test result; the job that runs the check takes it upon itself with --acknowledge-warned".into()
        }
        GateName::Hold => match facts.holds {
            Ok(holds) => match holds.first() {
                Some(hold) => Hint::with(
                    "pin another digest, or release the hold in a change of its own: `pindeck hold release {} --env {}`",
                    &[(&hold.service).into(), (&hold.environment).into()],
                ),
                None => "pin another digest".into(),
            },
            Err(_) => "repair pindeck-holds.toml on the base first".into(),
        },
        GateName::After => Hint::with(
            "merge it in the environment before first, then propose it for {}",
            &[environment.into()],
        ),
        GateName::Soak | GateName::Freeze => "wait until it opens, then run the check again".into(),
        GateName::Presence | GateName::ReadOnly | GateName::Edit => "see the gates of `pindeck promote`".into(),
    };
    let mut message = gate.detail.raw().to_owned();
    if gate.waivable {
        message.push_str(&format!(
            "; the policy lets a person waive it with a reason on record (pindeck promote {service} --to {environment} --break-glass), and not here"
        ));
    }
    CheckFinding {
        message: message.into(),
        ..at(place, facts.from, kind, level, next)
    }
}

fn reference(place: &PinnedPlace, digest: Digest) -> Part {
    Part::name(&format!("{}@{digest}", place.image))
}

/// A finding about a place of the head, without words yet.
pub(crate) fn at(
    place: &PinnedPlace,
    from: Option<&PinVersion>,
    kind: FindingKind,
    level: FindingLevel,
    next: Hint,
) -> CheckFinding {
    CheckFinding {
        service: Some(place.target.service.clone()),
        environment: Some(place.target.environment.clone()),
        component: place.component.clone(),
        from: from.cloned(),
        to: Some(place.version()),
        ..CheckFinding::new(kind, level, "", next).at(&place.file, Some(place.line))
    }
}

/// The finding of a pin without a digest.
pub(crate) fn by_tag(place: &PinnedPlace, from: Option<&PinVersion>) -> CheckFinding {
    let had_digest = from.is_some_and(|from| from.digest.is_some());
    let tag = place.tag.as_deref().map_or_else(
        || "no tag".to_owned(),
        |tag| format!("tag {}", crate::domain::quoted(tag)),
    );
    let message = match had_digest {
        true => format!("the digest became {tag}, which may name other bytes tomorrow"),
        false => format!("a new pin by {tag} only, which may name other bytes tomorrow"),
    };
    let next = Hint::with(
        "write the digest beside the tag ({}:TAG@sha256:…); `pindeck pin` does it for pins that are merged",
        &[(&place.image).into()],
    );
    CheckFinding {
        message: message.into(),
        ..at(place, from, FindingKind::PinByTag, FindingLevel::Error, next)
    }
}

/// The finding of a tag that names other bytes than the digest beside it.
pub(crate) fn mismatch(
    place: &PinnedPlace,
    from: Option<&PinVersion>,
    names: Digest,
    is_immutable: bool,
) -> CheckFinding {
    let tag = place.tag.as_deref().unwrap_or_default();
    let level = if is_immutable {
        FindingLevel::Error
    } else {
        FindingLevel::Warning
    };
    let tag = crate::domain::quoted(tag);
    let message = format!(
        "a person reads {tag} here and gets other bytes: the tag names {names} now, and what is deployed is the digest"
    );
    let next = Hint::with(
        "write the tag that names the digest, or the digest {}",
        &[(&names).into()],
    );
    CheckFinding {
        message: message.into(),
        ..at(place, from, FindingKind::TagDigestMismatch, level, next)
    }
}
