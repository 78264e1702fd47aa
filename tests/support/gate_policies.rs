//! The world's own policy as policies of clusters' gates: one for each kind of evidence, a key for most services and
//! certificates for payments.

use std::path::Path;

/// A name, cosign's name of the type (empty = a signature), and the predicate type.
pub type Kind = (&'static str, &'static str, &'static str);

/// What the world's policy requires.
pub const KINDS: [Kind; 4] = [
    ("signature", "", ""),
    ("provenance", "slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("sbom", "spdxjson", "https://spdx.dev/Document"),
    (
        "test-result",
        "https://in-toto.io/attestation/test-result/v0.1",
        "https://in-toto.io/attestation/test-result/v0.1",
    ),
];

const BY_KEY: [&str; 6] = ["checkout", "catalog", "ledger", "notifier", "search", "frontend"];
const SUBJECT: &str = "https://github.com/example/payments/.github/workflows/release.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn key(folder: &Path, indent: usize) -> String {
    let key = std::fs::read_to_string(folder.join("keys/release.pub")).expect("the world's key");
    key.lines()
        .map(|line| format!("{}{line}\n", " ".repeat(indent)))
        .collect()
}

/// As `ClusterImagePolicy` of policy-controller, which looks for cosign's tags. The root is the TrustRoot `world`.
pub fn controller(folder: &Path, (name, _, predicate): Kind) -> String {
    let asked = match predicate.is_empty() {
        true => String::new(),
        false => format!("    attestations:\n    - name: one\n      predicateType: {predicate}\n"),
    };
    let head = |who: &str, services: &[&str]| {
        let globs: String = services
            .iter()
            .map(|one| format!("  - glob: \"**/shop/{one}**\"\n"))
            .collect();
        format!(
            "---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}-{who}}}\nspec:\n  images:\n{globs}  authorities:\n"
        )
    };
    format!(
        "{}  - key:\n      data: |\n{}{asked}{}  - keyless:\n      trustRootRef: world\n      identities:\n      - subject: {SUBJECT}\n        issuer: {ISSUER}\n    ctlog: {{trustRootRef: world}}\n{asked}",
        head("key", &BY_KEY),
        key(folder, 8),
        head("payments", &["payments"]),
    )
}

/// As `ClusterPolicy` of Kyverno, which looks for Sigstore bundles. The root is that of an address.
pub fn kyverno(folder: &Path, (name, _, predicate): Kind) -> String {
    let attestors = |entry: &str| match predicate.is_empty() {
        true => format!("      attestors:\n      - entries:\n{entry}"),
        false => {
            let deeper: String = entry.lines().map(|line| format!("  {line}\n")).collect();
            format!("      attestations:\n      - type: {predicate}\n        attestors:\n        - entries:\n{deeper}")
        }
    };
    let rule = |who: &str, services: &[&str], entry: &str| {
        let globs: String = services
            .iter()
            .map(|one| format!("      - \"*/shop/{one}*\"\n"))
            .collect();
        format!(
            "  - name: {who}\n    match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}\n    verifyImages:\n    - type: SigstoreBundle\n      imageReferences:\n{globs}{}",
            attestors(entry)
        )
    };
    let by_key = format!(
        "        - keys:\n            publicKeys: |-\n{}            rekor: {{ignoreTlog: true}}\n",
        key(folder, 14)
    );
    let by_certificate = format!(
        "        - keyless:\n            subject: {SUBJECT}\n            issuer: {ISSUER}\n            rekor: {{url: \"https://rekor.example\"}}\n"
    );
    format!(
        "---\napiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: {name}}}\nspec:\n  validationFailureAction: Enforce\n  rules:\n{}{}",
        rule("key", &BY_KEY, &by_key),
        rule("payments", &["payments"], &by_certificate)
    )
}
