//! Commit messages (docs/reference/contract.md, "Commits"): subject, body and trailers. Trailers are records, never
//! inputs of a gate.

use super::id::{Digest, EnvId, ServiceId};
use super::plan::{Gate, GateName, PolicyUsed, Verb};
use super::verdict::{Outcome, Verdict};

/// What a commit message says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageFacts<'a> {
    /// What the commit does.
    pub verb: Verb,
    /// Name of the service, as configured or inferred.
    pub service: &'a ServiceId,
    /// Name of the environment, as configured or inferred.
    pub environment: &'a EnvId,
    /// The digest before; `None` = pinned by tag, or nothing.
    pub from: Option<Digest>,
    /// The digest after; `None` for a hold that ends.
    pub to: Option<Digest>,
    /// The policy that judged it, where one did.
    pub policy: Option<&'a PolicyUsed>,
    /// The verdict, where there is one.
    pub verdict: Option<&'a Verdict>,
    /// The reason given.
    pub reason: Option<&'a str>,
    /// Gates that break-glass opened, with the typed reason.
    pub waived: Option<(&'a [Gate], &'a str)>,
    /// The commit that a revert undoes as a whole.
    pub reverts: Option<&'a str>,
}

/// The whole message, with a final line break.
pub(crate) fn compose(facts: &MessageFacts<'_>) -> String {
    let MessageFacts {
        service, environment, ..
    } = facts;
    let subject = match facts.verb {
        Verb::Promote => format!("Promote {service} to {environment}"),
        Verb::Revert => format!("Revert {service} in {environment}"),
        Verb::Pin => format!("Pin {service} in {environment}"),
        Verb::Hold => format!("Hold {service} in {environment}"),
        Verb::ReleaseHold => format!("Release hold of {service} in {environment}"),
    };
    let text = |d: Option<Digest>| d.map_or_else(|| "(none)".to_owned(), |d| d.to_string());
    let mut out = format!("{}\n\n", one_line(&subject));
    if facts.from != facts.to {
        out.push_str(&format!("{}\n-> {}\n", text(facts.from), text(facts.to)));
    } else if let Some(digest) = facts.to {
        out.push_str(&format!("{digest}\n"));
    }
    if let Some(reason) = facts.reason {
        out.push_str(&format!("\n{}\n", one_line(reason)));
    }
    if let Some(sha) = facts.reverts {
        out.push_str(&format!("\n{}\n", reverts(sha)));
    }
    out.push('\n');
    let mut trailer = |name: &str, value: &str| out.push_str(&format!("Pindeck-{name}: {}\n", one_line(value)));
    trailer("Action", action(facts.verb));
    trailer("Service", service.as_str());
    trailer("Environment", environment.as_str());
    if let Some(from) = facts.from {
        trailer("From", &from.to_string());
    }
    if let Some(to) = facts.to {
        trailer("To", &to.to_string());
    }
    if let Some(policy) = facts.policy {
        trailer("Policy", &format!("{} {}", policy.name, policy.digest));
        trailer("Policy-Source", &policy.source);
    }
    if let Some(verdict) = facts.verdict {
        trailer("Verdict", verdict.result.as_str());
    }
    if let Some(reason) = facts.reason {
        trailer("Reason", reason);
    }
    if let Some((gates, reason)) = facts.waived {
        for gate in gates {
            trailer("Waived", gate_word(gate.gate, facts.verdict));
        }
        trailer("Break-Glass", reason);
    }
    out
}

/// What a commit of pindeck's making says that it pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedPin {
    /// Name of the service.
    pub service: ServiceId,
    /// Name of the environment.
    pub environment: EnvId,
    /// The digest before, where there was one.
    pub from: Option<Digest>,
    /// The digest after.
    pub to: Digest,
}

/// Reads the trailers of a message; `None` = it pins nothing, or pindeck did not write it. Anybody can write them, so
/// they are records for people and nothing more.
pub(crate) fn recorded(message: &str) -> Option<RecordedPin> {
    // The last of a name: what a person typed stands before the trailers.
    let value = |name: &str| {
        let mut lines = message.lines().rev();
        lines.find_map(|line| {
            Some(
                line.strip_prefix("Pindeck-")?
                    .strip_prefix(name)?
                    .strip_prefix(": ")?
                    .trim(),
            )
        })
    };
    let pins = [Verb::Promote, Verb::Revert, Verb::Pin].map(action);
    let _ = value("Action").filter(|word| pins.contains(word))?;
    let named = |name: &str| value(name).filter(|text| !text.is_empty() && text.len() <= 200);
    Some(RecordedPin {
        service: ServiceId::new(named("Service")?),
        environment: EnvId::new(named("Environment")?),
        from: value("From").and_then(|text| text.parse().ok()),
        to: value("To")?.parse().ok()?,
    })
}

fn action(verb: Verb) -> &'static str {
    match verb {
        Verb::Promote => "promote",
        Verb::Revert => "revert",
        Verb::Pin => "pin",
        Verb::Hold => "hold",
        Verb::ReleaseHold => "release-hold",
    }
}

/// The word of `break_glass` for a gate.
fn gate_word(gate: GateName, verdict: Option<&Verdict>) -> &'static str {
    match gate {
        GateName::Presence => "presence",
        GateName::Verdict if verdict.is_some_and(|v| v.result == Outcome::Unknown) => "unknown",
        GateName::Soak => "soak",
        GateName::Freeze => "freeze",
        GateName::After => "order",
        GateName::Verdict => "evidence",
        GateName::Acknowledge => "acknowledge",
        GateName::Hold => "hold",
        GateName::ReadOnly => "read-only",
        GateName::Edit => "edit",
    }
}

/// Folds text to one line without control characters: nobody forges a trailer with a line break.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let folded = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    super::text::Clean::from_untrusted(&folded).into_string()
}

/// The line with which git says that a commit undoes another one whole.
pub(crate) fn reverts(sha: &str) -> String {
    format!("This reverts commit {sha}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::GateState;

    fn digest(n: u8) -> Digest {
        Digest::from_bytes([n; 32])
    }

    #[test]
    fn a_promote_says_all_the_contract_asks() {
        let policy = PolicyUsed {
            name: "release".into(),
            digest: digest(9),
            source: "pindeck.toml".into(),
        };
        let (service, environment) = (ServiceId::from("payments"), EnvId::from("production"));
        let gates = [Gate {
            gate: GateName::Soak,
            state: GateState::Waived,
            detail: "".into(),
            opener: None,
            waivable: false,
        }];
        let message = compose(&MessageFacts {
            verb: Verb::Promote,
            service: &service,
            environment: &environment,
            from: Some(digest(1)),
            to: Some(digest(2)),
            policy: Some(&policy),
            verdict: None,
            reason: Some("fixes\nPindeck-Verdict: verified\r\nthe leak"),
            waived: Some((&gates, "customers are down")),
            reverts: None,
        });
        assert!(message.starts_with("Promote payments to production\n\n"));
        let trailers: Vec<&str> = message.lines().filter(|l| l.starts_with("Pindeck-")).collect();
        assert_eq!(
            trailers,
            [
                "Pindeck-Action: promote",
                "Pindeck-Service: payments",
                "Pindeck-Environment: production",
                &format!("Pindeck-From: {}", digest(1)),
                &format!("Pindeck-To: {}", digest(2)),
                &format!("Pindeck-Policy: release {}", digest(9)),
                "Pindeck-Policy-Source: pindeck.toml",
                "Pindeck-Reason: fixes Pindeck-Verdict: verified the leak",
                "Pindeck-Waived: soak",
                "Pindeck-Break-Glass: customers are down",
            ]
        );
    }

    #[test]
    fn what_a_message_records_is_read_back() {
        let (service, environment) = (ServiceId::from("payments"), EnvId::from("production"));
        let facts = |verb| MessageFacts {
            verb,
            service: &service,
            environment: &environment,
            from: Some(digest(1)),
            to: Some(digest(2)),
            policy: None,
            verdict: None,
            reason: Some("Pindeck-Service: ledger"),
            waived: None,
            reverts: None,
        };
        let read = recorded(&compose(&facts(Verb::Promote))).expect("a pin");
        assert_eq!((&read.service, &read.environment), (&service, &environment));
        assert_eq!((read.from, read.to), (Some(digest(1)), digest(2)));
        assert_eq!(recorded(&compose(&facts(Verb::Hold))), None);
        assert_eq!(recorded("bump\n\nPindeck-Action: promote\n"), None);
        assert_eq!(recorded(""), None);
    }

    #[test]
    fn a_whole_revert_carries_gits_own_line() {
        let (service, environment) = (ServiceId::from("a"), EnvId::from("b"));
        let message = compose(&MessageFacts {
            verb: Verb::Revert,
            service: &service,
            environment: &environment,
            from: Some(digest(2)),
            to: Some(digest(1)),
            policy: None,
            verdict: None,
            reason: None,
            waived: None,
            reverts: Some("0123456789abcdef0123456789abcdef01234567"),
        });
        assert!(message.contains("\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.\n"));
    }
}
