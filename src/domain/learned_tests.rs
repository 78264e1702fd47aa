//! Who is proposed, and who is only told of.

use super::*;

const OWN: &str = "https://github.com/example/api/.github/workflows/release.yml@refs/heads/main";
const OTHER: &str = "https://github.com/stranger/tools/.github/workflows/x.yml@refs/heads/main";

fn certificate(san: &str) -> SeenSigner {
    SeenSigner::Certificate {
        root: "public-good".to_owned(),
        san: san.to_owned(),
        issuer: Some("https://token.actions.githubusercontent.com".to_owned()),
    }
}

fn statement(signer: &SeenSigner, kind: EvidenceKind, source: Option<&str>) -> SeenStatement {
    SeenStatement {
        signer: signer.clone(),
        kind,
        builder: source.map(|_| "https://builder.example".to_owned()),
        source: source.map(str::to_owned),
        result: None,
    }
}

fn digest(n: u8, statements: Vec<SeenStatement>) -> SeenDigest {
    SeenDigest {
        service: ServiceId::new("api"),
        digest: Digest::of(&[n]),
        statements,
        is_read: true,
    }
}

fn signed(n: u8, san: &str, source: &str) -> SeenDigest {
    let signer = certificate(san);
    let all = [
        (EvidenceKind::Signature, None),
        (EvidenceKind::Provenance, Some(source)),
    ];
    digest(n, all.map(|(kind, source)| statement(&signer, kind, source)).to_vec())
}

#[test]
fn an_identity_is_proposed_where_it_signs_most_and_its_repository_is_the_source() {
    let own = "git+https://github.com/example/api@refs/heads/main";
    let learned = learn(&[signed(1, OWN, own), signed(2, OWN, own), digest(3, Vec::new())]);
    let choice = &learned.signers[&ServiceId::new("api")];
    assert_eq!((choice.value.words().as_str(), choice.count, choice.of), (OWN, 2, 3));
    assert_eq!(
        learned.sources[&ServiceId::new("api")].value,
        "https://github.com/example/api"
    );
    let kinds: Vec<EvidenceKind> = learned.kinds.iter().map(|choice| choice.value).collect();
    assert_eq!(kinds, [EvidenceKind::Signature, EvidenceKind::Provenance]);
    assert!(learned.asks_source && learned.seen.is_empty(), "{learned:?}");
    assert_eq!(learned.builders.len(), 1);
}

#[test]
fn where_a_stranger_signed_most_nothing_is_proposed_and_it_is_said() {
    let own = "https://github.com/example/api";
    let ci = certificate(OWN);
    // The stranger signs all three beside the provenance of CI, which signs one.
    let mut one = signed(1, OTHER, own);
    one.statements.push(statement(&ci, EvidenceKind::Provenance, Some(own)));
    let learned = learn(&[one, signed(2, OTHER, own), signed(3, OTHER, own)]);
    assert!(
        learned.signers.is_empty() && learned.kinds.is_empty() && learned.sources.is_empty(),
        "{learned:?}"
    );
    assert_eq!(learned.seen.len(), 2, "{learned:?}");
    assert!(
        learned
            .seen
            .iter()
            .any(|one| one.contains(OTHER) && one.contains("3 of 3") && one.contains("not its repository"))
    );
    assert!(
        learned
            .seen
            .iter()
            .any(|one| one.contains(OWN) && one.contains("1 of 3"))
    );
    // His own provenance does not help him where CI's names another source.
    let theirs = "https://github.com/stranger/tools";
    let mut one = signed(1, OTHER, theirs);
    one.statements.push(statement(&ci, EvidenceKind::Provenance, Some(own)));
    assert!(
        learn(&[one])
            .signers
            .get(&ServiceId::new("api"))
            .is_none_or(|choice| choice.value == ci)
    );
}

#[test]
fn a_signature_alone_half_of_them_and_a_name_without_a_repository_are_not_enough() {
    let alone = |n| digest(n, vec![statement(&certificate(OWN), EvidenceKind::Signature, None)]);
    assert!(learn(&[alone(1), alone(2)]).signers.is_empty());
    let own = "https://github.com/example/api";
    assert!(learn(&[signed(1, OWN, own), digest(2, Vec::new())]).signers.is_empty());
    assert!(learn(&[signed(1, "release@example.com", own)]).signers.is_empty());
    assert_eq!(
        learn(&[]),
        LearnedPolicy {
            asks_source: false,
            ..LearnedPolicy::default()
        }
    );
}

#[test]
fn a_key_counts_only_if_it_was_named() {
    let named = SeenSigner::Key("keys/release.pub".to_owned());
    let unknown = SeenSigner::Stranger("a key that was not named".to_owned());
    let by = |n, signer: &SeenSigner| digest(n, vec![statement(signer, EvidenceKind::Signature, None)]);
    let learned = learn(&[by(1, &named), by(2, &named), by(3, &unknown)]);
    assert_eq!(learned.signers[&ServiceId::new("api")].value, named);
    assert_eq!(learned.seen.len(), 1);
    let learned = learn(&[by(1, &unknown), by(2, &unknown), by(3, &named)]);
    assert!(learned.signers.is_empty(), "{learned:?}");
    assert_eq!(learned.seen.len(), 2);
}

#[test]
fn what_a_pull_request_brings_and_a_name_with_a_placeholder_are_not_proposed() {
    let own = "https://github.com/example/api";
    let request = "https://github.com/example/api/.github/workflows/ci.yml@refs/pull/7/merge";
    let learned = learn(&[signed(1, request, own)]);
    assert!(learned.signers.is_empty(), "{learned:?}");
    assert!(learned.seen[0].contains("pull request"), "{learned:?}");
    let signer = SeenSigner::Certificate {
        root: "root.json".to_owned(),
        san: OWN.to_owned(),
        issuer: Some("https://{service}.example".to_owned()),
    };
    let all = vec![statement(&signer, EvidenceKind::Provenance, Some(own))];
    assert!(learn(&[digest(1, all)]).signers.is_empty());
}

#[test]
fn a_fork_that_signs_most_is_not_proposed_where_another_provenance_of_the_service_names_another_source() {
    let fork = "https://github.com/stranger/tools";
    let own = "https://github.com/example/api";
    let learned = learn(&[signed(1, OWN, own), signed(2, OTHER, fork), signed(3, OTHER, fork)]);
    assert!(learned.signers.is_empty(), "{learned:?}");
}

#[test]
fn no_source_is_proposed_for_a_service_whose_own_signer_is_not() {
    let own = "https://github.com/example/api";
    let mut other = signed(2, OWN, "https://github.com/stranger/tools");
    other.service = ServiceId::new("web");
    let learned = learn(&[signed(1, OWN, own), other]);
    let with_source: Vec<&str> = learned.sources.keys().map(ServiceId::as_str).collect();
    assert_eq!(with_source, ["api"], "{learned:?}");
}

#[test]
fn what_could_not_be_read_is_not_counted_as_without_evidence() {
    let own = "https://github.com/example/api";
    let unread = |n| SeenDigest {
        is_read: false,
        ..digest(n, Vec::new())
    };
    // Two of two that were read: the count says so, and it is most of all three.
    let learned = learn(&[signed(1, OWN, own), signed(2, OWN, own), unread(3)]);
    let choice = &learned.signers[&ServiceId::new("api")];
    assert_eq!((choice.count, choice.of), (2, 2));
    assert!(learned.kinds.iter().all(|choice| choice.of == 2), "{learned:?}");
    assert_eq!(learned.digests, 2);
    // One of one is not most of three, and nobody says that it does not sign the others.
    let learned = learn(&[signed(1, OWN, own), unread(2), unread(3)]);
    assert!(learned.signers.is_empty());
    assert!(
        learned.seen.iter().all(|one| one.contains("could not be read")),
        "{learned:?}"
    );
}
