//! Whether statements that verified satisfy a policy: their content, their age, and what counts where two
//! of them disagree.

use jiff::Timestamp;

use super::evidence::{Evidence, EvidenceKind, Summary};
use super::policy::Policy;
use super::source::SourceRepository;

/// How far a signer's clock may be ahead of ours, in seconds. A time further in the future is nobody's
/// time: it would be the newest for ever.
const CLOCK_AHEAD: i64 = 600;

/// How a result was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// The policy accepts it.
    Yes,
    /// The policy lets a person acknowledge it.
    Acknowledge,
}

/// Whether statements of this kind have a result, so that two of them can contradict each other.
pub(super) const fn has_result(kind: EvidenceKind) -> bool {
    matches!(kind, EvidenceKind::TestResult | EvidenceKind::VerificationSummary)
}

/// The time that a statement's signed content has, if it is believable.
fn content_time(item: &Evidence, now: Timestamp) -> Option<Timestamp> {
    let at = item.content_time?;
    (at.as_second() <= now.as_second().saturating_add(CLOCK_AHEAD)).then_some(at)
}

/// Whether a verified statement's content is accepted by the policy. `source` is the repository that
/// provenance must name.
pub(super) fn accepts(policy: &Policy, source: Option<&str>, item: &Evidence, now: Timestamp) -> Result<(), String> {
    fresh_enough(policy, item, now)?;
    let Summary::Provenance(said) = &item.summary else {
        return Ok(());
    };
    if !policy.builder.is_empty() {
        let Some(builder) = said.builder.as_ref() else {
            return Err("the provenance does not name its builder".to_owned());
        };
        if !policy.builder.iter().any(|accepted| accepted == builder.raw()) {
            return Err(format!(
                "builder {:?} is not one of {:?}",
                builder.raw(),
                policy.builder
            ));
        }
    }
    if policy.source {
        let Some(wanted) = source else {
            return Err("the policy asks for the service's source, but the service names none".to_owned());
        };
        let Some(named) = said.source.as_ref() else {
            return Err("the provenance does not name its source".to_owned());
        };
        if !SourceRepository::same(named.raw(), wanted) {
            let why = SourceRepository::parse(named.raw()).err();
            let why = why.map_or_else(String::new, |error| format!(" ({error})"));
            return Err(format!("built from {:?}, not from {wanted:?}{why}", named.raw()));
        }
    }
    Ok(())
}

/// Whether a statement is young enough. Only the signed content's own time counts: a timestamp or a log
/// entry can be added to an old statement by anybody.
fn fresh_enough(policy: &Policy, item: &Evidence, now: Timestamp) -> Result<(), String> {
    let Some(&limit) = policy.max_age.get(&item.kind) else {
        return Ok(());
    };
    match content_time(item, now) {
        None => Err(format!(
            "the policy limits the age of a {}, and the signed content of this one has no time of its own",
            item.kind
        )),
        Some(at) if now.as_second().saturating_sub(at.as_second()) > limit => {
            Err(format!("the {} of {at} is older than the policy allows", item.kind))
        }
        Some(_) => Ok(()),
    }
}

/// What a statement with a result says, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ResultLevel {
    Passed,
    Warned,
    Failed,
}

impl ResultLevel {
    fn of(item: &Evidence) -> Self {
        let word = match &item.summary {
            Summary::TestResult(said) => Some(said.result.as_str()),
            Summary::VerificationSummary(said) => said.result.as_ref().map(|result| result.raw()),
            _ => None,
        };
        match word {
            Some("PASSED") => Self::Passed,
            Some("WARNED") => Self::Warned,
            _ => Self::Failed,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Failed => "FAILED",
        }
    }
}

/// Decides among verified statements of a kind that has a result; `None` if there is none.
///
/// A statement counts unless another one is younger by the time of its signed content. Where either of
/// two has no such time, both count. Of those that count the worst decides.
pub(super) fn decide_result(
    policy: &Policy,
    verified: &[&Evidence],
    now: Timestamp,
) -> Option<Result<Accepted, String>> {
    let newest = verified.iter().filter_map(|item| content_time(item, now)).max();
    let counts = |item: &&&Evidence| content_time(item, now).is_none_or(|at| Some(at) == newest);
    let worst = verified.iter().filter(counts).map(|item| ResultLevel::of(item)).max()?;
    let of_the_worst = verified
        .iter()
        .filter(counts)
        .filter(|item| ResultLevel::of(item) == worst);
    let mut stale = None;
    for item in of_the_worst {
        match fresh_enough(policy, item, now) {
            Ok(()) => return Some(accepted(policy, item, worst)),
            Err(why) => stale = Some(why),
        }
    }
    Some(Err(stale?))
}

fn accepted(policy: &Policy, item: &Evidence, said: ResultLevel) -> Result<Accepted, String> {
    let result = said.as_str();
    let rule = &policy.test_result;
    if item.kind != EvidenceKind::TestResult {
        return match said {
            ResultLevel::Passed => Ok(Accepted::Yes),
            ResultLevel::Warned | ResultLevel::Failed => Err(format!("the {} says {result}", item.kind)),
        };
    }
    if rule.accept.iter().any(|accepted| accepted == result) {
        Ok(Accepted::Yes)
    } else if rule.acknowledge.iter().any(|accepted| accepted == result) {
        Ok(Accepted::Acknowledge)
    } else {
        Err(format!("the test result is {result}"))
    }
}
