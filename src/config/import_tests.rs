//! What is made of a gate's policies: pieces that parse, comments for everything else, and never a policy that verifies
//! what the gate's policy refuses.

use proptest::prelude::*;

use super::*;
use crate::config::team;
use crate::domain::admission::decide::{AuthorityFindings, of_policy};
use crate::domain::admission::globs::PatternMatch;
use crate::domain::admission::{AdmissionAnswer, AuthorityIdentity, AuthorityMatch, AuthorityRoot, DemandedStatement};
use crate::domain::evidence::{Evidence, EvidenceState, Format};
use crate::domain::id::Digest;
use crate::domain::pattern::anchored;
use crate::domain::policy::{PolicySource, TeamPolicy};
use crate::domain::verdict::{Facts, Outcome, Presence, judge};

const SLSA: &str = "https://slsa.dev/provenance/v1";
const SLSA_OLD: &str = "https://slsa.dev/provenance/v0.2";
const SPDX: &str = "https://spdx.dev/Document";
const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

fn pem(n: u8) -> String {
    format!("-----BEGIN PUBLIC KEY-----\nkey {n}\n-----END PUBLIC KEY-----\n")
}

fn workflow(n: u8) -> String {
    format!("https://github.com/example/shop/.github/workflows/{n}.yml@refs/heads/main")
}

const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn authority(signer: AuthoritySigner, statements: &[Option<&str>]) -> Authority {
    Authority {
        name: "a".to_owned(),
        line: 7,
        signer,
        statements: statements
            .iter()
            .map(|predicate| DemandedStatement {
                predicate: predicate.map(str::to_owned),
                conditions: Vec::new(),
            })
            .collect(),
        stored: Some(SignatureFormat::Legacy),
        log: None,
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    }
}

fn keyless(n: u8) -> AuthoritySigner {
    AuthoritySigner::Keyless {
        identities: vec![AuthorityIdentity {
            subject: Some(AuthorityMatch::Exact(workflow(n))),
            issuer: Some(AuthorityMatch::Exact(ISSUER.to_owned())),
        }],
        root: AuthorityRoot::PublicGood,
    }
}

fn policy(name: &str, demands: Vec<AdmissionDemand>) -> AdmissionPolicy {
    AdmissionPolicy {
        file: "gate.yaml".to_owned(),
        line: 1,
        gate: GateProgram::PolicyController,
        kind: "ClusterImagePolicy policy.sigstore.dev/v1beta1".to_owned(),
        name: name.to_owned(),
        enforces: true,
        images: vec!["**".to_owned()],
        left_out: Vec::new(),
        demands,
        unread: Vec::new(),
    }
}

fn any_of(of: Vec<Authority>) -> Vec<AdmissionDemand> {
    vec![AdmissionDemand { at_least: 1, of }]
}

fn imported(policies: &[AdmissionPolicy]) -> (ImportedPolicy, TeamPolicy) {
    let made = render(policies, &NamedRoots::default(), &BTreeSet::new());
    let text = format!("version = 1\n{}", made.text);
    let read = |name: &str| match made.keys.get(name) {
        Some(key) => Ok(key.clone().into_bytes()),
        None => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let team = team::load(&text, "pindeck.toml", &read, PolicySource::None).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(
        team.policies.keys().cloned().collect::<BTreeSet<_>>(),
        made.policies.iter().cloned().collect()
    );
    (made, team)
}

#[test]
fn a_policy_for_each_kind_becomes_one_policy() {
    let key = || AuthoritySigner::Key(pem(1));
    let (made, team) = imported(&[
        policy("Signed Image", any_of(vec![authority(key(), &[None])])),
        policy("provenance", any_of(vec![authority(key(), &[Some(SLSA)])])),
        policy("sbom", any_of(vec![authority(key(), &[Some(SPDX)])])),
        policy(
            "another signature",
            any_of(vec![authority(AuthoritySigner::Key(pem(2)), &[None])]),
        ),
    ]);
    let (first, second) = (&team.policies["signed-image"], &team.policies["another-signature"]);
    let names: Vec<&str> = first.require.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names, ["signature", "provenance", "sbom"]);
    assert_eq!(second.require, [EvidenceKind::Signature]);
    assert_eq!(team.trust.len(), 4);
    assert_eq!(made.left, Vec::<String>::new());
}

#[test]
fn alternatives_become_one_profile_and_several_kinds_one_signer() {
    let keys = |kinds: &[Option<&str>]| {
        any_of(vec![
            authority(AuthoritySigner::Key(pem(1)), kinds),
            authority(AuthoritySigner::Key(pem(2)), kinds),
        ])
    };
    let (_, team) = imported(&[policy("one", keys(&[None]))]);
    assert_eq!(team.trust["one"].keys.len(), 2);
    // Two signers could share the work: one of them alone is safe.
    let (made, team) = imported(&[policy("one", keys(&[Some(SLSA), Some(SPDX)]))]);
    assert_eq!(team.trust["one"].keys.len(), 1);
    assert!(made.text.contains("# Not taken: a (line 7)"), "{}", made.text);
}

#[test]
fn what_cannot_be_said_stands_there_as_a_comment() {
    let elsewhere = || AuthoritySigner::Elsewhere("its key lies in a secret".to_owned());
    let mut unread = authority(AuthoritySigner::Key(pem(1)), &[None]);
    unread.unread.push(UnreadField {
        line: 9,
        what: "authorities[0].source".to_owned(),
        text: "- oci: \"x\"\n\u{1b}[2J".to_owned(),
        why: "it looks for signatures elsewhere".to_owned(),
        effect: UnreadEffect::Either,
    });
    let mut anybody = keyless(1);
    if let AuthoritySigner::Keyless { identities, .. } = &mut anybody {
        identities[0].subject = None;
    }
    for (name, demands, said) in [
        (
            "secret",
            any_of(vec![authority(elsewhere(), &[None])]),
            "its key lies in a secret",
        ),
        (
            "pass",
            any_of(vec![authority(AuthoritySigner::Static(true), &[])]),
            "everything passes there",
        ),
        (
            "fail",
            any_of(vec![authority(AuthoritySigner::Static(false), &[])]),
            "everything is refused there",
        ),
        ("nobody", Vec::new(), "it names nobody"),
        (
            "custom",
            any_of(vec![authority(AuthoritySigner::Key(pem(1)), &[Some(CUSTOM)])]),
            "cannot be required here",
        ),
        (
            "twice",
            any_of(vec![authority(
                AuthoritySigner::Key(pem(1)),
                &[Some(SLSA), Some(SLSA_OLD)],
            )]),
            "two types of",
        ),
        ("source", any_of(vec![unread]), "line 9"),
        (
            "anybody",
            any_of(vec![authority(anybody, &[None])]),
            "certificates of anybody",
        ),
        (
            "both",
            vec![AdmissionDemand {
                at_least: 2,
                of: vec![
                    authority(AuthoritySigner::Key(pem(1)), &[None]),
                    authority(AuthoritySigner::Key(pem(2)), &[None]),
                ],
            }],
            "2 signers of 2 must have signed",
        ),
    ] {
        let (made, team) = imported(&[policy(name, demands)]);
        assert!(
            team.policies.is_empty() && team.trust.is_empty(),
            "{name}: {}",
            made.text
        );
        assert!(made.text.contains(said), "{name}: {}", made.text);
        assert!(!made.left.is_empty() && !made.text.contains('\u{1b}'), "{name}");
        assert!(
            made.text.lines().all(|line| line.is_empty() || line.starts_with('#')),
            "{name}"
        );
    }
}

#[test]
fn certificates_keep_their_identities() {
    let mut signer = keyless(1);
    if let AuthoritySigner::Keyless { identities, .. } = &mut signer {
        identities[0].subject = Some(AuthorityMatch::GoRegexp(
            "^https://github.com/example/[^/]+$".to_owned(),
        ));
    }
    let (_, team) = imported(&[policy("ci", any_of(vec![authority(signer, &[None])]))]);
    let profile = &team.trust["ci"];
    assert_eq!(profile.root, Some(TrustRoot::PublicGood));
    assert_eq!(
        profile.identities[0].san,
        Match::Regex("https://github.com/example/[^/]+".to_owned())
    );
    assert_eq!(profile.signature_format, Some(SignatureFormat::Legacy));
}

/// A statement as somebody signed it.
#[derive(Debug, Clone)]
struct Signed {
    key: bool,
    by: u8,
    predicate: Option<&'static str>,
    format: Format,
}

fn signer_strategy() -> impl Strategy<Value = AuthoritySigner> {
    prop_oneof![
        6 => (0u8..3).prop_map(|n| AuthoritySigner::Key(pem(n))),
        4 => (0u8..3).prop_map(keyless),
        1 => any::<bool>().prop_map(AuthoritySigner::Static),
        1 => Just(AuthoritySigner::Elsewhere("a secret".to_owned())),
    ]
}

fn predicates() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        Just(None),
        Just(Some(SLSA)),
        Just(Some(SLSA_OLD)),
        Just(Some(SPDX)),
        Just(Some(CUSTOM))
    ]
}

fn authority_strategy() -> impl Strategy<Value = Authority> {
    let stored = prop_oneof![
        Just(None),
        Just(Some(SignatureFormat::Legacy)),
        Just(Some(SignatureFormat::Bundle))
    ];
    let conditions = proptest::option::weighted(0.1, Just(()));
    (
        signer_strategy(),
        proptest::collection::vec(predicates(), 1..3),
        stored,
        conditions,
    )
        .prop_map(|(signer, statements, stored, condition)| {
            let mut made = authority(signer, &statements);
            made.stored = stored;
            if condition.is_some() {
                made.statements[0].conditions.push(UnreadField {
                    line: 3,
                    what: "policy".to_owned(),
                    text: String::new(),
                    why: "CUE".to_owned(),
                    effect: UnreadEffect::Tightens,
                });
            }
            made
        })
}

fn policy_strategy() -> impl Strategy<Value = AdmissionPolicy> {
    let demand =
        (1usize..3, proptest::collection::vec(authority_strategy(), 1..4)).prop_map(|(n, of)| AdmissionDemand {
            at_least: n.min(of.len()),
            of,
        });
    let gate = prop_oneof![Just(GateProgram::PolicyController), Just(GateProgram::KyvernoRule)];
    (proptest::collection::vec(demand, 1..3), gate).prop_map(|(demands, gate)| AdmissionPolicy {
        gate,
        ..policy("p", demands)
    })
}

fn signed_strategy() -> impl Strategy<Value = Signed> {
    let format = prop_oneof![Just(true), Just(false)];
    (any::<bool>(), 0u8..3, predicates(), format).prop_map(|(key, by, predicate, bundle)| Signed {
        key,
        by,
        predicate,
        format: match (bundle, predicate) {
            (true, _) => Format::SigstoreBundle,
            (false, None) => Format::CosignSignature,
            (false, Some(_)) => Format::CosignAttestation,
        },
    })
}

/// The evidence as verification finds it under a profile: who signed, how it is stored, of which type it is.
fn verified_under(profile: &TrustProfile, all: &[Signed], digest: Digest) -> Vec<Evidence> {
    let each = all.iter().map(|one| {
        let known = match one.key {
            true => profile.keys.iter().any(|key| key.pem.trim() == pem(one.by).trim()),
            false => {
                profile.root.is_some()
                    && profile.identities.iter().any(|identity| match &identity.san {
                        Match::Exact(san) => *san == workflow(one.by),
                        Match::Regex(pattern) => anchored(pattern, None)
                            .ok()
                            .flatten()
                            .is_some_and(|regex| regex.is_match(&workflow(one.by))),
                    })
            }
        };
        let stored = profile.signature_format.is_none() || profile.signature_format == SignatureFormat::of(one.format);
        let typed = one.predicate.is_none_or(|predicate| {
            profile.predicate_types.is_empty() || profile.predicate_types.iter().any(|one| one == predicate)
        });
        let kind = one
            .predicate
            .map_or(EvidenceKind::Signature, EvidenceKind::of_predicate);
        let mut found = Evidence::new(kind, one.format, Digest::of(format!("{one:?}").as_bytes()), digest);
        found.predicate_type = one.predicate.map(Into::into);
        found.state = match known && stored && typed {
            true => EvidenceState::Verified,
            false => EvidenceState::Failed,
        };
        found
    });
    each.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_an_imported_policy_verifies_the_gates_policy_does_not_refuse(
        there in policy_strategy(),
        signed in proptest::collection::vec(signed_strategy(), 0..6),
    ) {
        let digest = Digest::of(b"image");
        let (_, team) = imported(std::slice::from_ref(&there));
        let Some(here) = team.policies.values().next() else { return Ok(()) };
        let mut evidence = Vec::new();
        for kind in &here.require {
            let name = here.signer.for_kind(*kind, None).expect("a signer");
            let all = verified_under(&team.trust[name], &signed, digest);
            evidence.extend(all.into_iter().filter(|one| one.kind == *kind));
        }
        let facts = Facts { digest, presence: &Presence::Present, evidence: &evidence, incomplete: &[], source: None };
        let ours = judge(here, facts, jiff::Timestamp::UNIX_EPOCH).result;
        let findings: Vec<AuthorityFindings> = there
            .authorities()
            .map(|one| AuthorityFindings {
                evidence: one
                    .as_profile("x", &NamedRoots::default())
                    .map(|profile| verified_under(&profile, &signed, digest)),
                incomplete: None,
            })
            .collect();
        let theirs = of_policy(&there, PatternMatch::Yes, digest, &findings).expect("it is about it").answer;
        prop_assert!(
            ours != Outcome::Verified || theirs != AdmissionAnswer::Refuse,
            "{here:#?}\n{there:#?}\n{signed:#?}"
        );
    }
}

#[test]
fn no_policy_is_made_where_a_part_that_is_not_read_may_refuse_more_or_less() {
    let mut odd = policy("odd", any_of(vec![authority(AuthoritySigner::Key(pem(1)), &[None])]));
    odd.unread.push(UnreadField {
        line: 9,
        what: "verifyImages.repository".to_owned(),
        text: "x".to_owned(),
        why: "it looks for signatures elsewhere".to_owned(),
        effect: UnreadEffect::Either,
    });
    let (made, team) = imported(&[odd]);
    assert!(team.policies.is_empty() && team.trust.is_empty(), "{}", made.text);
    let why = "# No policy is made of it: verifyImages.repository";
    assert!(made.text.contains(why), "{}", made.text);
}

#[test]
fn two_roots_go_to_two_files() {
    let of = |root: &str| {
        let mut one = authority(keyless(1), &[None]);
        if let AuthoritySigner::Keyless { root: own, .. } = &mut one.signer {
            *own = AuthorityRoot::Named(root.to_owned());
        }
        policy(root, any_of(vec![one]))
    };
    let file = |name: &str| {
        let root = TrustRoot::File {
            name: format!("../elsewhere/{name}.json"),
            json: format!("root {name}"),
        };
        (name.to_owned(), root)
    };
    let roots = NamedRoots::new([file("a"), file("b")]);
    let made = render(&[of("a"), of("b")], &roots, &BTreeSet::new());
    let all: BTreeSet<&str> = made.keys.values().map(|json| json.trim_end()).collect();
    assert_eq!(all, BTreeSet::from(["root a", "root b"]), "{}", made.text);
    for path in made.keys.keys() {
        assert!(made.text.contains(&format!("root = \"{path}\"")), "{}", made.text);
    }
}

#[test]
fn no_text_of_a_policy_gets_out_of_its_line() {
    let evil = "x\n[policies.evil]\nrequire = []\n\"\"\"\n'''\r\u{1b}[2J\u{202e}\\";
    let mut hostile = authority(keyless(1), &[Some(SLSA)]);
    hostile.name = evil.to_owned();
    if let AuthoritySigner::Keyless { identities, .. } = &mut hostile.signer {
        identities[0].subject = Some(AuthorityMatch::Exact(evil.to_owned()));
    }
    let elsewhere = authority(AuthoritySigner::Elsewhere(evil.to_owned()), &[None]);
    let mut there = policy(evil, any_of(vec![hostile, elsewhere]));
    there.file = evil.to_owned();
    there.kind = evil.to_owned();
    there.images = vec![evil.to_owned()];
    there.unread.push(UnreadField {
        line: 9,
        what: evil.to_owned(),
        text: evil.to_owned(),
        why: evil.to_owned(),
        effect: UnreadEffect::Tightens,
    });
    let (made, team) = imported(&[there]);
    assert_eq!(made.policies.len(), 1);
    assert!(!made.text.contains("\n[policies.evil]"), "{}", made.text);
    assert!(!made.text.contains(['\r', '\u{1b}', '\u{202e}']), "{:?}", made.text);
    let san = &team.trust.values().next().expect("a profile").identities[0].san;
    assert_eq!(*san, Match::Exact(evil.to_owned()));
}
