//! Where *same* would be wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::admission::profile::NamedRoots;
use crate::domain::admission::{AdmissionDemand, AuthorityIdentity, AuthorityMatch, AuthorityRoot};
use crate::domain::id::Digest;
use crate::domain::policy::{
    Demands, Identity, Match, SignatureFormat, SignerRule, TestResultRule, TrustedKey, Validity,
};

const SLSA: &str = "https://slsa.dev/provenance/v1";
const SLSA_OLD: &str = "https://slsa.dev/provenance/v0.2";

fn pem(n: u8) -> String {
    format!("-----BEGIN PUBLIC KEY-----\nkey{n}\n-----END PUBLIC KEY-----\n")
}

fn by(signer: AuthoritySigner, predicates: &[Option<&str>]) -> Authority {
    let statement = |predicate: &Option<&str>| DemandedStatement {
        predicate: predicate.map(str::to_owned),
        conditions: Vec::new(),
    };
    Authority {
        name: "a".to_owned(),
        line: 1,
        signer,
        statements: predicates.iter().map(statement).collect(),
        stored: None,
        log: None,
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    }
}

fn key(n: u8, predicates: &[Option<&str>]) -> Authority {
    by(AuthoritySigner::Key(pem(n)), predicates)
}

fn profile(keys: &[u8], types: &[&str]) -> TrustProfile {
    let key = |n: &u8| TrustedKey {
        name: format!("{n}.pub"),
        pem: pem(*n),
        validity: Validity::default(),
    };
    TrustProfile {
        name: "ci".to_owned(),
        keys: keys.iter().map(key).collect(),
        root: None,
        identities: Vec::new(),
        transparency_log: LogRule::NotRequired,
        sct: true,
        timestamp: TimeRule::Any,
        demands: Demands::default(),
        signature_format: None::<SignatureFormat>,
        predicate_types: types.iter().map(|one| (*one).to_owned()).collect(),
    }
}

/// The rows of a comparison, each as `rule answer`.
fn rows(demands: Vec<AdmissionDemand>, kind: EvidenceKind, profile: TrustProfile) -> BTreeSet<String> {
    let this = AdmissionPolicy {
        file: "p.yaml".to_owned(),
        line: 1,
        gate: GateProgram::KyvernoRule,
        kind: "X".to_owned(),
        name: "gate".to_owned(),
        enforces: true,
        images: vec!["*".to_owned()],
        left_out: Vec::new(),
        demands,
        unread: Vec::new(),
    };
    let policy = Policy {
        name: "release".to_owned(),
        require: vec![kind],
        signer: SignerRule {
            default: Some("ci".to_owned()),
            per_kind: BTreeMap::new(),
        },
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: BTreeMap::new(),
        soak: None,
        freeze: Vec::new(),
        break_glass: BTreeSet::new(),
        digest: Digest::of(b"x"),
    };
    let there = Together {
        this: &this,
        others: &[],
        roots: &NamedRoots::default(),
    };
    let here = HerePolicy {
        policy: &policy,
        service_signer: None,
        services: &["api", "web"].map(str::to_owned).into(),
        profiles: &[("ci".to_owned(), profile)].into(),
    };
    let all = with_policy(&there, here);
    all.iter()
        .map(|row| format!("{} {}", row.rule, row.answer.words()))
        .collect()
}

fn demand(of: Vec<Authority>) -> AdmissionDemand {
    AdmissionDemand { at_least: 1, of }
}

#[test]
fn keys_that_must_all_have_signed_there_are_not_the_same_as_keys_of_which_one_is_enough() {
    let one = |n| demand(vec![key(n, &[None])]);
    let said = rows(vec![one(1), one(2)], EvidenceKind::Signature, profile(&[1, 2], &[]));
    assert!(said.contains("signers stricter there"), "{said:?}");
    assert!(!said.contains("keys same"), "{said:?}");
    let either = demand(vec![key(1, &[None]), key(2, &[None])]);
    let said = rows(vec![either], EvidenceKind::Signature, profile(&[1, 2], &[]));
    assert!(said.contains("keys same"), "{said:?}");
}

#[test]
fn a_key_that_is_trusted_for_some_time_only_is_not_the_same() {
    let mut limited = profile(&[1], &[]);
    limited.keys[0].validity.until = Some(jiff::Timestamp::UNIX_EPOCH);
    let said = rows(vec![demand(vec![key(1, &[None])])], EvidenceKind::Signature, limited);
    assert!(
        said.contains("keys stricter here") && !said.contains("keys same"),
        "{said:?}"
    );
}

#[test]
fn types_of_a_kind_are_the_same_only_where_the_same_are_enough() {
    let provenance = EvidenceKind::Provenance;
    let asked = "require provenance";
    let both = || vec![demand(vec![key(1, &[Some(SLSA), Some(SLSA_OLD)])])];
    for (demands, types, answer) in [
        (vec![demand(vec![key(1, &[Some(SLSA)])])], &[SLSA][..], "same"),
        // Another kind's types in the profile have nothing to do with it.
        (
            vec![demand(vec![key(1, &[Some(SLSA)])])],
            &[SLSA, "https://spdx.dev/Document"],
            "same",
        ),
        (
            vec![demand(vec![key(1, &[Some(SLSA)]), key(1, &[Some(SLSA_OLD)])])],
            &[SLSA],
            "stricter here",
        ),
        (both(), &[SLSA], "stricter there"),
        (both(), &[SLSA, SLSA_OLD], "stricter there"),
        (
            vec![
                demand(vec![key(1, &[Some(SLSA)])]),
                demand(vec![key(1, &[Some(SLSA_OLD)])]),
            ],
            &[SLSA, SLSA_OLD],
            "stricter there",
        ),
    ] {
        let shown = format!("{demands:?} {types:?}");
        let said = rows(demands, provenance, profile(&[1], types));
        let own: Vec<&String> = said.iter().filter(|row| row.starts_with(asked)).collect();
        assert_eq!(own, [&format!("{asked} {answer}")], "{shown}");
    }
}

#[test]
fn identities_of_each_service_are_not_the_same_as_all_of_them_for_every_service() {
    let san = |service: &str| format!("https://github.com/example/{service}/.github/workflows/r.yml@refs/heads/main");
    let one = |service: &str| AuthorityIdentity {
        subject: Some(AuthorityMatch::Exact(san(service))),
        issuer: Some(AuthorityMatch::Exact("https://issuer.example".to_owned())),
    };
    let keyless = by(
        AuthoritySigner::Keyless {
            identities: vec![one("api"), one("web")],
            root: AuthorityRoot::PublicGood,
        },
        &[None],
    );
    let mut here = profile(&[], &[]);
    here.root = Some(TrustRoot::PublicGood);
    here.identities.push(Identity {
        san: Match::Exact(san("{service}")),
        issuer: Some(Match::Exact("https://issuer.example".to_owned())),
        claims: BTreeMap::new(),
    });
    let said = rows(vec![demand(vec![keyless])], EvidenceKind::Signature, here);
    assert!(
        said.contains("identities stricter here") && !said.contains("identities same"),
        "{said:?}"
    );
}

#[test]
fn entries_of_two_logs_are_not_the_same() {
    let mut logged = key(1, &[None]);
    logged.log = Some(AuthorityRoot::Address("https://rekor.example.com".to_owned()));
    let mut here = profile(&[1], &[]);
    here.transparency_log = LogRule::Required;
    here.root = Some(TrustRoot::PublicGood);
    let said = rows(vec![demand(vec![logged])], EvidenceKind::Signature, here);
    assert!(said.contains("root cannot be said there"), "{said:?}");
}
