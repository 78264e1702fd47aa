//! Reading policies: hostile files, and what each gate's fields mean.

use super::*;
use crate::domain::admission::GateProgram;
use crate::domain::admission::{AuthoritySigner, UnreadEffect};
use crate::domain::policy::SignatureFormat;

const KEY: &str = "        -----BEGIN PUBLIC KEY-----\n        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZxAfzrQG1EbWyCI8LiSB7YgSFXoI\n        FNGTyQGKHFc6/H8TQumT9VLS78pUwtv3w7EfKoyFZoP32KrO7nzUy2q6Cw==\n        -----END PUBLIC KEY-----\n";

fn controller(authorities: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\nspec:\n  images: [{{glob: '**'}}]\n  authorities:\n{authorities}"
    )
}

fn by_key(more: &str) -> String {
    controller(&format!("  - key:\n      data: |\n{KEY}{more}"))
}

fn read_one(text: &str) -> AdmissionPolicy {
    let mut all = read("p.yaml", text.as_bytes()).expect("a policy");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refused(bytes: &[u8]) -> AdmissionError {
    let error = read("p.yaml", bytes).expect_err("refused");
    assert!(error.line >= 1 && error.file == "p.yaml", "{error}");
    assert!(
        error.to_string().starts_with(&format!("p.yaml:{}: ", error.line)),
        "{error}"
    );
    error
}

#[test]
fn hostile_files_end_in_an_error_with_a_line() {
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for n in 1..60 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    assert_eq!(refused(bomb.as_bytes()).line, 2);
    let aliased = by_key("    name: &n x\n    ctlog: *n\n");
    assert!(refused(aliased.as_bytes()).what.contains("alias"));
    assert!(
        refused(by_key("    <<: {name: x}\n").as_bytes())
            .what
            .contains("merge key")
    );
    assert!(
        refused(by_key("    name: x\n    name: y\n").as_bytes())
            .what
            .contains("twice")
    );
    assert_eq!(refused(b"kind: x\nname: \xff\n").line, 2);
    assert!(refused(&vec![b'#'; 2 << 20]).what.contains("more than"));
    assert!(refused("a: [".repeat(400).as_bytes()).what.contains("no YAML"));
    let deep = format!("{}x{}", "[".repeat(60), "]".repeat(60));
    assert!(
        refused(by_key(&format!("    extra: {deep}\n")).as_bytes())
            .what
            .contains("nested")
    );
    assert!(refused(b"").what.contains("no policy"));
    assert!(refused(b"kind: Pod\napiVersion: v1\n").what.contains("a Pod of"));
    assert!(refused(b"? [a]\n: b\n").what.contains("a key is no text"));
    assert!(refused(&[0xff, 0xfe, 0, 0]).what.contains("UTF-16"));
    let many = "---\n".to_owned() + &format!("{}---\n", by_key("")).repeat(MAX_POLICIES + 1);
    assert!(refused(many.as_bytes()).what.contains("more than"));
    let terminal = by_key("").replace("metadata: {name: p}", "metadata: {name: \"\\e[2J\"}");
    assert!(!read_one(&terminal).name.contains('\u{1b}'));
}

#[test]
fn the_same_kind_of_two_projects_is_told_apart() {
    let sigstore = read_one(&by_key(""));
    assert_eq!(sigstore.gate, GateProgram::PolicyController);
    let openshift = read_one(
        "apiVersion: config.openshift.io/v1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec:\n  scopes: [example.com]\n  policy:\n    rootOfTrust:\n      policyType: PublicKey\n      publicKey: {keyData: LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFcFFMeTN6VC92WG0yQlZpaFNicmtCWWxXWXJjMwovT1RYYlFkMTIzRFNJdGNBSWFRQlB3dGhqSkNEK01sNzJaTFhIdWZGUnlmek9kRjM3Q3k5OERHV3hRPT0KLS0tLS1FTkQgUFVCTElDIEtFWS0tLS0tCg==}\n",
    );
    assert_eq!(openshift.gate, GateProgram::Openshift);
    assert!(matches!(openshift.demands[0].of[0].signer, AuthoritySigner::Key(_)));
    assert!(
        refused(b"apiVersion: x.example/v1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n")
            .what
            .contains("API group")
    );
}

#[test]
fn what_is_not_known_is_kept_and_never_dropped() {
    let policy = read_one(&by_key("    somethingNew: {a: b}\n"));
    let part = &policy.demands[0].of[0].unread[0];
    assert_eq!(
        (part.what.as_str(), part.effect),
        ("authorities[0].somethingNew", UnreadEffect::Either)
    );
    assert!(part.text.contains("a: b"), "{part:?}");
    let policy = read_one(&by_key(
        "    attestations:\n    - name: a\n      predicateType: slsaprovenance\n      policy: {type: cue, data: \"predicate: x: 1\"}\n",
    ));
    let statement = &policy.demands[0].of[0].statements[0];
    assert_eq!(statement.predicate.as_deref(), Some("https://slsa.dev/provenance/v0.2"));
    assert_eq!(statement.conditions[0].effect, UnreadEffect::Tightens);
    assert_eq!(statement.conditions[0].text, "predicate: x: 1");
}

#[test]
fn defaults_are_those_of_the_gates() {
    let policy = read_one(&by_key(""));
    let authority = &policy.demands[0].of[0];
    assert_eq!(
        (policy.enforces, authority.stored),
        (true, Some(SignatureFormat::Legacy))
    );
    assert!(authority.log.is_none() && authority.statements[0].predicate.is_none());
    assert!(read_one(&by_key("    ctlog: {}\n")).demands[0].of[0].log.is_none());
    assert!(read_one(&by_key("    ctlog: {url: 'https://rekor.sigstore.dev'}\n")).demands[0].of[0].demands_log());
    let kyverno = format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  rules:\n  - name: r\n    match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}\n    verifyImages:\n    - imageReferences: ['*']\n      attestors:\n      - entries:\n        - keys:\n            publicKeys: |-\n{0}{0}",
        KEY.replace("        ", "              ")
    );
    let policy = read_one(&kyverno);
    // Without a count all of them must have signed, and several keys in one text are several of them.
    assert_eq!(
        (policy.demands[0].at_least, policy.demands[0].of.len(), policy.enforces),
        (2, 2, false)
    );
    assert!(policy.demands[0].of[0].demands_log());
}

#[test]
fn a_private_key_in_a_policy_is_an_error() {
    let text = by_key("").replace("PUBLIC KEY", "PRIVATE KEY");
    assert!(refused(text.as_bytes()).what.contains("private key"));
}

fn kyverno(spec: &str, entry: &str) -> AdmissionPolicy {
    let head = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec:\n";
    let rule = "  rules:\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n";
    let images = "    verifyImages:\n    - imageReferences: ['*']\n";
    read_one(&format!("{head}{spec}{rule}{images}{entry}"))
}

#[test]
fn what_kyverno_takes_differently_is_not_taken_for_granted() {
    let open = |policy: &AdmissionPolicy| {
        let all = policy.all_unread();
        all.iter().any(|part| part.effect == UnreadEffect::Either)
    };
    // Of bundles it compares the subject as a text.
    let wildcard = "      attestors: [{entries: [{keyless: {subject: 'https://github.com/a/*', issuer: x}}]}]\n";
    assert!(!open(&kyverno("", wildcard)));
    assert!(open(&kyverno("", &format!("      type: SigstoreBundle\n{wildcard}"))));
    // It knows no short names of types.
    let attestation = |name: &str| {
        let attestors = "attestors: [{entries: [{keyless: {subject: s, issuer: x}}]}]";
        format!("      attestations: [{{type: '{name}', {attestors}}}]\n")
    };
    assert!(!open(&kyverno("", &attestation("https://slsa.dev/provenance/v1"))));
    assert!(open(&kyverno("", &attestation("slsaprovenance1"))));
    // Where it only audits, an override may still refuse.
    let overrides = "  validationFailureAction: Audit\n  validationFailureActionOverrides: [{action: Enforce, namespaces: [prod]}]\n";
    assert!(open(&kyverno(overrides, wildcard)));
}

#[test]
fn what_says_which_workloads_are_looked_at_is_told() {
    let entry = "      attestors: [{entries: [{keyless: {subject: s, issuer: x}}]}]\n";
    let narrows = |policy: &AdmissionPolicy| {
        let mut all = policy.unread.iter();
        all.any(|part| part.effect == UnreadEffect::Narrows)
    };
    assert!(!narrows(&kyverno(
        "  webhookConfiguration: {timeoutSeconds: 3}\n  admission: true\n",
        entry
    )));
    assert!(narrows(&kyverno(
        "  webhookConfiguration: {matchConditions: [{name: x}]}\n",
        entry
    )));
    assert!(narrows(&kyverno("  admission: false\n", entry)));
    let of_namespace = "apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  rules:\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n    verifyImages:\n    - imageReferences: ['*']\n";
    assert!(narrows(&read_one(of_namespace)));
}

#[test]
fn a_log_and_timestamps_of_two_roots_are_not_taken_for_one() {
    let open = |more: &str| {
        let all = read_one(&by_key(more));
        let mut unread = all.authorities().flat_map(|one| one.unread.clone());
        unread.any(|part| part.effect == UnreadEffect::Either)
    };
    let stamps = "    rfc3161timestamp: {trustRootRef: mine}\n";
    let log = "    ctlog: {url: 'https://rekor.sigstore.dev'}\n";
    assert!(open(&format!("{stamps}{log}")) && open(&format!("{log}{stamps}")));
    assert!(!open(stamps) && !open(&format!("{stamps}    ctlog: {{trustRootRef: mine}}\n")));
}
