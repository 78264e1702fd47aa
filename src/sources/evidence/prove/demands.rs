//! What a trust profile asks of log and time, looked at on what has been verified; and how it is shown.

use std::collections::BTreeSet;

use super::super::claim::{Claim, Times};
use super::super::report::{Refusal, Report};
use super::super::trust::Profile;
use crate::domain::evidence::{CauseKind, CheckName, LogEvidence, TimeSource};
use crate::domain::policy::{LogRule, TimeRule};

pub(super) fn log_check(profile: &Profile) -> CheckName {
    match profile.log {
        LogRule::InclusionProof => CheckName::InclusionProof,
        LogRule::Required | LogRule::NotRequired => CheckName::LogPromise,
    }
}

pub(super) fn no_log(profile: &Profile) -> Refusal {
    let detail = format!(
        "trust profile {} requires a transparency log entry, and there is none",
        profile.name
    );
    Refusal::new(log_check(profile), CauseKind::BadSignature, detail)
}

pub(super) fn log_passed(report: &mut Report, profile: &Profile, claim: &Claim<'_>, root: &str) {
    let entries = &claim.bundle.verification_material.tlog_entries;
    let promise = entries.iter().any(|e| e.inclusion_promise.is_some());
    let proof = entries.iter().any(|e| e.inclusion_proof.is_some());
    if promise {
        report.passed(CheckName::LogPromise, format!("signed by a log of root {root}"));
    } else {
        report.not_present(CheckName::LogPromise, "the entry has no signed entry timestamp");
    }
    if proof {
        report.passed(
            CheckName::InclusionProof,
            format!("proven under a checkpoint signed by a log of root {root}"),
        );
    } else {
        report.not_present(
            CheckName::InclusionProof,
            format!("no proof; trust profile {} does not insist", profile.name),
        );
    }
    report.evidence().log = match (proof, promise) {
        (true, _) => LogEvidence::InclusionProof,
        (false, true) => LogEvidence::Set,
        (false, false) => LogEvidence::None,
    };
}

pub(super) fn unasked(report: &mut Report, claim: &Claim<'_>, why: &str) {
    let entries = &claim.bundle.verification_material.tlog_entries;
    let there = [
        (
            CheckName::LogPromise,
            entries.iter().any(|e| e.inclusion_promise.is_some()),
        ),
        (
            CheckName::InclusionProof,
            entries.iter().any(|e| e.inclusion_proof.is_some()),
        ),
    ];
    for (check, there) in there {
        if there {
            report.not_checked(check, why);
        } else {
            report.not_present(check, why);
        }
    }
    report.not_checked(CheckName::Timestamp, why);
}

/// What the profile asks of the log, looked at on entries that have been verified. The media type is
/// not signed: a bundle rewritten to an older format, without its proof, is caught here.
pub(super) fn demand_log(profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    let entries = &claim.bundle.verification_material.tlog_entries;
    if profile.log == LogRule::InclusionProof && !entries.iter().any(|e| e.inclusion_proof.is_some()) {
        let detail = format!(
            "trust profile {} requires an inclusion proof; there is only the log's promise",
            profile.name
        );
        return Err(Refusal::new(CheckName::InclusionProof, CauseKind::BadSignature, detail));
    }
    let mut proven: Vec<(&[u8], &[u8], u64)> = entries
        .iter()
        .filter(|e| e.inclusion_proof.is_some() || e.inclusion_promise.is_some())
        .map(|e| {
            (
                e.canonicalized_body.as_bytes(),
                e.log_id.key_id.as_bytes(),
                e.log_index.get(),
            )
        })
        .collect();
    proven.sort_unstable();
    proven.dedup();
    let wanted = profile.demands.log_entries.max(1);
    if u32::try_from(proven.len()).unwrap_or(u32::MAX) < wanted {
        let detail = format!(
            "trust profile {} asks for {wanted} log entries; {} verified",
            profile.name,
            proven.len()
        );
        return Err(Refusal::new(log_check(profile), CauseKind::BadSignature, detail));
    }
    Ok(())
}

pub(super) fn take_times(
    report: &mut Report,
    profile: &Profile,
    times: &Times,
    certificate: bool,
) -> Result<(), Refusal> {
    let refuse = |detail: String| Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
    match profile.time {
        TimeRule::Rfc3161 if times.rfc3161.is_empty() => {
            return refuse(format!(
                "trust profile {} requires an RFC 3161 timestamp, and none verified",
                profile.name
            ));
        }
        TimeRule::Rekor if times.rekor.is_empty() => {
            return refuse(format!(
                "trust profile {} requires the log's time, and none verified",
                profile.name
            ));
        }
        TimeRule::Any if certificate && times.rfc3161.is_empty() && times.rekor.is_empty() => {
            return refuse("no trusted time at which the certificate was valid".to_owned());
        }
        _ => {}
    }
    // Authorities, not tokens: anybody can ask one authority as often as he likes.
    let authorities: BTreeSet<&str> = times.all().map(|time| time.authority.as_str()).collect();
    if u32::try_from(authorities.len()).unwrap_or(u32::MAX) < profile.demands.times {
        return refuse(format!(
            "trust profile {} asks for times by {} authorities; {} vouched for one",
            profile.name,
            profile.demands.times,
            authorities.len()
        ));
    }
    // The oldest: a bundle's timestamps are not signed into it, so a later one can be added by anybody.
    let stamped = times.rfc3161.iter().map(|time| (time.at, TimeSource::Rfc3161));
    let logged = times.rekor.iter().map(|time| (time.at, TimeSource::Rekor));
    let oldest = match profile.time {
        TimeRule::Rfc3161 => stamped.min_by_key(|(at, _)| *at),
        TimeRule::Rekor => logged.min_by_key(|(at, _)| *at),
        TimeRule::Any => stamped.chain(logged).min_by_key(|(at, _)| *at),
    };
    if let Some((at, source)) = oldest {
        let evidence = report.evidence();
        evidence.timestamp = source;
        evidence.signed_at = Some(at);
        let by = match source {
            TimeSource::Rfc3161 => "a timestamp authority of the root",
            TimeSource::Rekor | TimeSource::None => "the transparency log",
        };
        report.passed(CheckName::Timestamp, format!("signed at {at}, says {by}"));
    }
    Ok(())
}
