//! The gates of a write: what must be open before anything is written, and what opens it
//! (docs/reference/contract.md, "Gates").

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::board::Hold;
use super::evidence::{CauseKind, Evidence};
use super::failure::shell_word;
use super::id::{EnvId, ServiceId};
use super::policy::{Freeze, Policy, Waivable};
use super::text::Untrusted;
use super::verdict::{CheckOf, Outcome, Verdict};

/// The gates a write passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateName {
    /// The image is there, all of it: what a node needs to pull it.
    Presence,
    /// The verdict of the digest.
    Verdict,
    /// A test result that a person must acknowledge.
    Acknowledge,
    /// Holds, here and in earlier environments.
    Hold,
    /// Pinned in every `after` environment now.
    After,
    /// Long enough in every `after` environment.
    Soak,
    /// The freeze window.
    Freeze,
    /// Read-only environment or run.
    ReadOnly,
    /// The place cannot be edited without changing something else; only there when it is closed.
    Edit,
}

impl GateName {
    /// Its name, as JSON and screens have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Verdict => "verdict",
            Self::Acknowledge => "acknowledge",
            Self::Hold => "hold",
            Self::After => "after",
            Self::Soak => "soak",
            Self::Freeze => "freeze",
            Self::ReadOnly => "read-only",
            Self::Edit => "edit",
        }
    }
}

/// Whether a gate lets the write through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// Nothing stands in the way.
    Open,
    /// Closed; the detail says what would open it.
    Closed,
    /// A person took a WARNED result upon themselves.
    Acknowledged,
    /// Break-glass, with a reason on record.
    Waived,
}

/// One gate of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Which of them.
    pub gate: GateName,
    /// Open or not.
    pub state: GateState,
    /// Why.
    pub detail: Untrusted,
    /// What a person can do to open it, where that is one thing with a name. The command line says it as a
    /// command, the cockpit as a key.
    pub opener: Option<Opener>,
    /// Closed, and the policy lets a typed reason waive it.
    pub waivable: bool,
}

/// What opens a closed gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opener {
    /// A person takes the WARNED test result upon themselves.
    Acknowledge,
    /// The revert also releases the hold of its own environment.
    ReleaseWithIt,
    /// The hold of this service in this environment is released first.
    ReleaseHold(ServiceId, EnvId),
}

impl Opener {
    /// What opens it, as the command line says it.
    fn command_words(&self) -> String {
        match self {
            Self::Acknowledge => "read it, then acknowledge it (--acknowledge-warned)".to_owned(),
            Self::ReleaseWithIt => "--release-hold reverts to it and releases this hold".to_owned(),
            Self::ReleaseHold(service, environment) => {
                let (service, environment) = (shell_word(service.as_str()), shell_word(environment.as_str()));
                format!("`pindeck hold release {service} --env {environment}` lifts it")
            }
        }
    }
}

impl Gate {
    /// Why it is as it is and, where something opens it, what to type: the words for the command line.
    pub fn in_full(&self) -> Untrusted {
        match &self.opener {
            Some(opener) => format!("{}; {}", self.detail.raw(), opener.command_words()).into(),
            None => self.detail.clone(),
        }
    }
}

/// Everything the gates of a promote look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PromoteFacts<'a> {
    /// The destination's policy.
    pub policy: &'a Policy,
    /// The verdict under it.
    pub verdict: &'a Verdict,
    /// Whether WARNED was acknowledged.
    pub acknowledged: bool,
    /// The hold that closes the destination for this digest; `Err` = the holds could not be read.
    pub hold: Result<Option<&'a Hold>, &'a Untrusted>,
    /// Per `after` environment: since when it pins this very digest, if it does.
    pub after: &'a [(EnvId, Option<Timestamp>)],
    /// Why nothing may be written at all, if so.
    pub read_only: Option<&'a str>,
    /// The time at which the plan is made: soak and freeze are counted from it.
    pub now: Timestamp,
}

/// The gates of a promote, in a fixed order (docs/reference/contract.md, "Gates").
pub(crate) fn promote_gates(facts: PromoteFacts<'_>) -> Vec<Gate> {
    let mut gates = verdict_gates(facts.verdict, facts.acknowledged);
    gates.push(match facts.hold {
        Ok(None) => open(GateName::Hold, "no hold on this digest"),
        Ok(Some(hold)) => closed_by(hold),
        Err(problem) => closed(GateName::Hold, problem.clean().into_string()),
    });
    let missing: Vec<&str> = facts
        .after
        .iter()
        .filter(|(_, since)| since.is_none())
        .map(|(env, _)| env.as_str())
        .collect();
    gates.push(if missing.is_empty() {
        let names: Vec<&str> = facts.after.iter().map(|(env, _)| env.as_str()).collect();
        open(
            GateName::After,
            if names.is_empty() {
                "the first environment".to_owned()
            } else {
                format!("pinned in {}", names.join(", "))
            },
        )
    } else {
        let names = missing.join(", ");
        closed(
            GateName::After,
            format!("not pinned in {names} now; promote it there first"),
        )
    });
    gates.push(soak_gate(&facts));
    gates.push(freeze_gate(&facts.policy.freeze, facts.now));
    gates.push(read_only_gate(facts.read_only));
    gates
}

/// Everything the gates of a revert look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RevertFacts<'a> {
    /// The verdict of the target under today's policy.
    pub verdict: &'a Verdict,
    /// Whether a WARNED test result was acknowledged; `None` if nobody has to, because a person named the
    /// target. The default target waits for it.
    pub acknowledged: Option<bool>,
    /// Name of the environment, as configured or inferred.
    pub environment: &'a EnvId,
    /// The holds that close the environment for the target; `Err` = the holds could not be read.
    pub holds: Result<&'a [&'a Hold], &'a Untrusted>,
    /// Whether the hold of this environment ends with the same commit (`--release-hold`).
    pub release_hold: bool,
    /// Why nothing may be written at all, if so.
    pub read_only: Option<&'a str>,
}

/// The gates of a revert (docs/reference/contract.md, "Gates"): the verdict, the hold of a target that is on hold
/// itself, and
/// read-only. Order, time and freeze never stop a revert.
pub(crate) fn revert_gates(facts: RevertFacts<'_>) -> Vec<Gate> {
    let mut gates = verdict_gates(facts.verdict, facts.acknowledged.unwrap_or(false));
    if facts.acknowledged.is_none() {
        gates.retain(|gate| gate.gate != GateName::Acknowledge);
    }
    gates.extend(revert_hold_gate(&facts));
    gates.push(read_only_gate(facts.read_only));
    gates
}

/// The gate of the target's own holds; there is none if nothing holds it.
fn revert_hold_gate(facts: &RevertFacts<'_>) -> Option<Gate> {
    let holds = match facts.holds {
        Ok(holds) => holds,
        Err(problem) => return Some(closed(GateName::Hold, problem.clean().into_string())),
    };
    let stays = |hold: &&&Hold| !facts.release_hold || hold.environment != *facts.environment;
    match holds.iter().find(stays) {
        Some(hold) if hold.environment == *facts.environment => Some(Gate {
            opener: Some(Opener::ReleaseWithIt),
            ..closed(GateName::Hold, hold_words(hold))
        }),
        Some(hold) => Some(closed_by(hold)),
        None => holds.first().map(|hold| {
            let what = format!("{}; the same commit releases this hold", hold_words(hold));
            open(GateName::Hold, what)
        }),
    }
}

fn hold_words(hold: &Hold) -> String {
    format!(
        "this digest is on hold in {}: {}",
        hold.environment,
        hold.reason.quoted()
    )
}

/// The hold gate of a digest that must be released first.
fn closed_by(hold: &Hold) -> Gate {
    Gate {
        opener: Some(Opener::ReleaseHold(hold.service.clone(), hold.environment.clone())),
        ..closed(GateName::Hold, hold_words(hold))
    }
}

/// The gates of a pin by tag that gets its digest: the verdict (a WARNED one acknowledged) and
/// read-only.
pub(crate) fn pin_gates(verdict: &Verdict, acknowledged: bool, read_only: Option<&str>) -> Vec<Gate> {
    let mut gates = verdict_gates(verdict, acknowledged);
    gates.push(read_only_gate(read_only));
    gates
}

/// The gate of a write that judges no digest (holds).
pub(crate) fn read_only_gate(reason: Option<&str>) -> Gate {
    match reason {
        None => open(GateName::ReadOnly, "may be written"),
        Some(reason) => closed(GateName::ReadOnly, reason),
    }
}

/// The closed gate of a place that cannot be edited.
pub(crate) fn edit_gate(why: &str) -> Gate {
    closed(GateName::Edit, why)
}

/// Whether the image is there, as the verdict's check of the digest found it.
fn presence_gate(verdict: &Verdict) -> Gate {
    let missing = verdict
        .causes
        .iter()
        .find(|cause| cause.check == CheckOf::Digest && cause.cause != CauseKind::PolicyFailed);
    match missing {
        None => open(
            GateName::Presence,
            "the image is there, with its platform manifests, configurations and layers",
        ),
        Some(cause) => closed(
            GateName::Presence,
            format!("{}: {}", cause.cause.as_str(), cause.detail.clean()),
        ),
    }
}

fn verdict_gates(verdict: &Verdict, acknowledged: bool) -> Vec<Gate> {
    let mut gates = vec![presence_gate(verdict)];
    gates.extend(judgement_gates(verdict, acknowledged));
    gates
}

fn judgement_gates(verdict: &Verdict, acknowledged: bool) -> Vec<Gate> {
    let causes = || {
        let list: Vec<String> = verdict
            .causes
            .iter()
            .map(|c| format!("{} {} ({})", c.check.as_str(), c.cause.as_str(), c.detail.clean()))
            .collect();
        list.join("; ")
    };
    match verdict.result {
        Outcome::Verified => vec![open(
            GateName::Verdict,
            format!("verified under policy {}", verdict.policy),
        )],
        Outcome::Warned => {
            let state = if acknowledged {
                GateState::Acknowledged
            } else {
                GateState::Closed
            };
            let detail = if acknowledged {
                "the WARNED test result was acknowledged".to_owned()
            } else {
                "a test result WARNED".to_owned()
            };
            vec![
                open(
                    GateName::Verdict,
                    format!("all holds under policy {} but a WARNED test result", verdict.policy),
                ),
                Gate {
                    gate: GateName::Acknowledge,
                    state,
                    detail: detail.into(),
                    opener: (!acknowledged).then_some(Opener::Acknowledge),
                    waivable: false,
                },
            ]
        }
        Outcome::Rejected => vec![closed(
            GateName::Verdict,
            format!("rejected under policy {}: {}", verdict.policy, causes()),
        )],
        Outcome::Unknown => {
            vec![closed(
                GateName::Verdict,
                format!("could not be verified: {}; try again when it can be reached", causes()),
            )]
        }
    }
}

fn soak_gate(facts: &PromoteFacts<'_>) -> Gate {
    let Some(soak) = facts.policy.soak else {
        return open(GateName::Soak, "no soak time asked");
    };
    let since = facts.after.iter().map(|(_, since)| *since).collect::<Option<Vec<_>>>();
    let Some(since) = since else {
        return closed(GateName::Soak, "it has no time in the environment before");
    };
    let Some(youngest) = since.into_iter().max() else {
        return open(GateName::Soak, "the first environment");
    };
    let left = soak - (facts.now.as_second() - youngest.as_second());
    if left <= 0 {
        open(GateName::Soak, format!("pinned there since {youngest}"))
    } else {
        let opens = Timestamp::from_second(youngest.as_second().saturating_add(soak)).unwrap_or(Timestamp::MAX);
        closed(
            GateName::Soak,
            format!("pinned there since {youngest}; opens at {opens}"),
        )
    }
}

fn freeze_gate(windows: &[Freeze], now: Timestamp) -> Gate {
    for window in windows {
        match window.contains(now) {
            Ok(false) => {}
            Ok(true) => {
                let ends = format!("{:?} {} ({})", window.to.0, window.to.1, window.zone);
                return closed(GateName::Freeze, format!("frozen until {ends}"));
            }
            Err(error) => return closed(GateName::Freeze, format!("the freeze window cannot be judged: {error}")),
        }
    }
    open(
        GateName::Freeze,
        if windows.is_empty() {
            "no freeze window"
        } else {
            "outside every freeze window"
        },
    )
}

fn open(gate: GateName, detail: impl Into<String>) -> Gate {
    Gate {
        gate,
        state: GateState::Open,
        detail: detail.into().into(),
        opener: None,
        waivable: false,
    }
}

fn closed(gate: GateName, detail: impl Into<String>) -> Gate {
    Gate {
        gate,
        state: GateState::Closed,
        detail: detail.into().into(),
        opener: None,
        waivable: false,
    }
}

/// Marks the closed gates that the policy lets a typed reason waive. Corrupt, bad-signature and missing
/// content never (docs/reference/contract.md, "Gates"), whatever else is wrong beside it: `evidence` is everything that
/// was found about the digest.
pub(crate) fn mark_waivable(
    gates: &mut [Gate],
    allowed: &BTreeSet<Waivable>,
    verdict: &Verdict,
    evidence: &[Evidence],
) {
    let broken = is_broken(verdict, evidence);
    for gate in gates.iter_mut() {
        let needs = match gate.gate {
            GateName::Soak => Some(Waivable::Soak),
            GateName::Freeze => Some(Waivable::Freeze),
            GateName::After => Some(Waivable::Order),
            GateName::Verdict => match verdict.result {
                Outcome::Unknown if !broken => Some(Waivable::Unknown),
                Outcome::Rejected if !broken => Some(Waivable::Evidence),
                _ => None,
            },
            GateName::Presence | GateName::Acknowledge | GateName::Hold | GateName::ReadOnly | GateName::Edit => None,
        };
        gate.waivable = gate.state == GateState::Closed && needs.is_some_and(|what| allowed.contains(&what));
    }
}

/// Waives what the policy allows to be waived with a typed reason; the rest stays closed.
pub(crate) fn waive(gates: &mut [Gate], allowed: &BTreeSet<Waivable>, verdict: &Verdict, evidence: &[Evidence]) {
    mark_waivable(gates, allowed, verdict, evidence);
    for gate in gates.iter_mut().filter(|gate| gate.waivable) {
        gate.state = GateState::Waived;
        gate.waivable = false;
    }
}

/// Whether the content was not seen whole, or something unsatisfied has a broken item, even one that
/// another item's cause hides.
fn is_broken(verdict: &Verdict, evidence: &[Evidence]) -> bool {
    let bad = |cause| matches!(cause, CauseKind::Corrupt | CauseKind::BadSignature);
    verdict.causes.iter().any(|cause| match cause.check {
        CheckOf::Digest => true,
        CheckOf::Evidence(kind) => {
            bad(cause.cause) || evidence.iter().any(|e| e.kind == kind && e.cause.is_some_and(bad))
        }
    })
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
