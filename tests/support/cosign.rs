//! Signing and asking with real `cosign`: keys without a transparency log, never the network.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::peer::{Answer, run};

/// Predicate type of in-toto test results.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The statements that the policy of these tests asks for: cosign's name of the type, and ours.
pub const STATEMENTS: [(&str, &str); 3] = [
    ("slsaprovenance1", "provenance"),
    ("spdxjson", "sbom"),
    (TEST_RESULT, "test-result"),
];

/// The two ways in which cosign stores what it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// cosign 2: `.sig` and `.att` tags.
    Legacy,
    /// cosign 3: Sigstore bundles as referrers.
    Bundle,
}

/// One generation of cosign.
#[derive(Debug, Clone)]
pub struct Cosign {
    /// The program.
    pub program: PathBuf,
    /// What it writes.
    pub layout: Layout,
}

impl Cosign {
    /// Makes a key pair `NAME.key`, `NAME.pub` in `home`.
    pub fn make_keys(&self, home: &Path, name: &str) {
        let prefix = format!("--output-key-prefix={name}");
        run(&self.program, home, ["generate-key-pair", &prefix]).expect("cosign generate-key-pair");
    }

    fn signing(&self, verb: &str, home: &Path, key: &str, more: &[&str], reference: &str) {
        let key = format!("--key={}", home.join(key).display());
        let mut args = vec![verb, "--yes", &key, "--tlog-upload=false", "--allow-insecure-registry"];
        if self.layout == Layout::Bundle {
            args.push("--use-signing-config=false");
        }
        args.extend(more);
        args.push(reference);
        run(&self.program, home, args).expect(verb);
    }

    /// Signs a reference.
    pub fn sign(&self, home: &Path, key: &str, reference: &str) {
        self.signing("sign", home, key, &[], reference);
    }

    /// Signs a statement about a reference.
    pub fn attest(&self, home: &Path, key: &str, kind: &str, predicate: &Value, reference: &str) {
        let file = tempfile::NamedTempFile::new_in(home).unwrap();
        fs::write(file.path(), predicate.to_string()).unwrap();
        let path = format!("--predicate={}", file.path().display());
        self.signing("attest", home, key, &[&path, &format!("--type={kind}")], reference);
    }

    /// Signature, provenance, SBOM and a test result, all by one key.
    pub fn release(&self, home: &Path, key: &str, reference: &str, result: &str) {
        self.sign(home, key, reference);
        for (kind, ours) in STATEMENTS {
            self.attest(home, key, kind, &predicate(ours, result), reference);
        }
    }

    /// `cosign verify`, or `verify-attestation` for a type; `trust` says by whom.
    pub fn ask(&self, home: &Path, kind: Option<&str>, trust: &[String], reference: &str) -> Answer {
        let kind = kind.map(|kind| format!("--type={kind}"));
        let verb = if kind.is_some() { "verify-attestation" } else { "verify" };
        let mut args = vec![verb, "--allow-insecure-registry"];
        args.extend(kind.as_deref());
        args.extend(trust.iter().map(String::as_str));
        args.push(reference);
        run(&self.program, home, args)
    }
}

/// Trust in one key without a log.
pub fn by_key(file: &Path) -> Vec<String> {
    vec![
        format!("--key={}", file.display()),
        "--insecure-ignore-tlog=true".to_owned(),
    ]
}

fn predicate(kind: &str, result: &str) -> Value {
    match kind {
        "provenance" => json!({
            "buildDefinition": {
                "buildType": "https://example.com/build/v1",
                "externalParameters": {"ref": "refs/heads/main"},
                "resolvedDependencies": [
                    {"uri": "git+https://example.com/shop.git", "digest": {"gitCommit": "0123456789abcdef0123456789abcdef01234567"}}
                ]
            },
            "runDetails": {"builder": {"id": "https://ci.example.com/runner"}}
        }),
        "sbom" => json!({
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "shop",
            "documentNamespace": "https://example.com/sbom/shop",
            "creationInfo": {"created": "2026-01-02T03:04:05Z", "creators": ["Tool: example"]},
            "packages": [
                {"name": "zlib", "SPDXID": "SPDXRef-zlib", "versionInfo": "1.3", "downloadLocation": "NOASSERTION"}
            ]
        }),
        _ => json!({
            "result": result,
            "configuration": [{"uri": "https://example.com/shop/ci.yml", "digest": {"sha256": "00".repeat(32)}}],
            "passedTests": ["starts"]
        }),
    }
}

/// The policy's trust profile for a service, in cosign's words.
pub fn trust(policy: &toml::Table, service: &str, folder: &Path) -> Vec<String> {
    let of_service = policy["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"].as_str() == Some(service));
    let of_policy = policy["policies"]
        .as_table()
        .unwrap()
        .values()
        .next()
        .and_then(|p| p.get("signer"));
    let name = of_service
        .and_then(|s| s.get("signer"))
        .or(of_policy)
        .and_then(toml::Value::as_str)
        .expect("a signer");
    let profile = &policy["trust"][name];
    if let Some(key) = profile.get("keys").and_then(|k| k.get(0)).and_then(toml::Value::as_str) {
        return by_key(&folder.join(key));
    }
    let text = |value: &toml::Value, key: &str| value[key].as_str().expect("text").replace("{service}", service);
    vec![
        format!("--trusted-root={}", folder.join(text(profile, "root")).display()),
        format!("--certificate-identity={}", text(&profile["identities"][0], "san")),
        format!(
            "--certificate-oidc-issuer={}",
            text(&profile["identities"][0], "issuer")
        ),
        "--use-signed-timestamps".to_owned(),
    ]
}
