//! Images of the demo: an index of two platforms with layers, labels and the evidence attached to it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::DemoError;
use super::oci::{IMAGE, INDEX, RegistryContent};
use super::registry::DemoRegistry;
use super::signing::{DemoSigner, SigningSubject, descriptor};
use crate::domain::id::Digest;

/// What is true of one build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Build {
    pub service: &'static str,
    pub version: &'static str,
    /// Distinguishes builds of one version.
    pub take: u32,
    pub at: Timestamp,
}

/// How the evidence of a build turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Signature, provenance, SBOM and a test result.
    Whole(&'static str),
    /// Signature and SBOM only: built again by hand.
    Rebuilt,
    /// Nothing at all.
    None,
    /// All of it, by a key that nobody trusts.
    Stranger,
    /// All of it, about the digest of another build.
    Elsewhere(Digest),
}

/// A build with everything attached to it.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub digest: Digest,
    pub version: String,
    puts: Vec<RegistryContent>,
}

impl Release {
    /// Puts all of it into a repository. The tag is hung on last.
    pub(crate) fn publish(&self, registry: &DemoRegistry, repository: &str, tag: bool) {
        for put in &self.puts {
            match put {
                RegistryContent::Blob(bytes) => drop(registry.put_blob(repository, bytes.clone())),
                RegistryContent::Manifest(media_type, bytes, name) => {
                    let digest = registry.put_manifest(repository, media_type, bytes.clone());
                    if let Some(name) = name {
                        registry.tag(repository, name, digest);
                    }
                }
            }
        }
        if tag {
            registry.tag(repository, &self.version, self.digest);
        }
    }
}

/// The keys of the demo's CI, and of somebody else.
pub(super) struct DemoKeys {
    pub ci: DemoSigner,
    pub stranger: DemoSigner,
}

impl DemoKeys {
    pub(crate) fn new() -> Result<Self, DemoError> {
        Ok(Self {
            ci: DemoSigner::new()?,
            stranger: DemoSigner::new()?,
        })
    }

    /// Builds an image and signs what is to be said about it.
    pub(crate) fn build(&self, build: Build, proof: Proof, legacy: bool) -> Result<Release, DemoError> {
        let (index, mut puts) = image(&build);
        let digest = Digest::of(&index);
        let name = format!("shop/{}", build.service);
        let about = match proof {
            Proof::Elsewhere(other) => other,
            _ => digest,
        };
        let subject = SigningSubject {
            name: &name,
            about,
            attached_to: digest,
            media_type: INDEX,
            size: index.len(),
        };
        puts.push(RegistryContent::Manifest(INDEX, index.clone(), None));
        let said = statements(&build, proof);
        let signer = if proof == Proof::Stranger {
            &self.stranger
        } else {
            &self.ci
        };
        if proof != Proof::None {
            puts.extend(if legacy {
                signer.legacy(&subject, &said)?
            } else {
                signer.bundles(&subject, &said)?
            });
        }
        Ok(Release {
            digest,
            version: build.version.to_owned(),
            puts,
        })
    }
}

/// Hexadecimal text that stays the same for the same build.
fn commit_of(build: &Build) -> String {
    let seed = format!("{} {} {}", build.service, build.version, build.take);
    Digest::of(seed.as_bytes()).hex()[..40].to_owned()
}

fn image(build: &Build) -> (Vec<u8>, Vec<RegistryContent>) {
    let revision = commit_of(build);
    let labels = json!({
        "org.opencontainers.image.version": build.version,
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.source": source_of(build.service),
        "org.opencontainers.image.created": build.at.to_string(),
    });
    let mut puts = Vec::new();
    let mut children = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let base = format!("base image for {architecture}, 2026-10\n");
        let application = format!(
            "{} {} for {architecture}, take {}\n",
            build.service, build.version, build.take
        );
        let config = json!({
            "architecture": architecture, "os": "linux", "created": build.at.to_string(),
            "config": {"Labels": labels, "Entrypoint": [format!("/bin/{}", build.service)], "User": "65532"},
            "rootfs": {"type": "layers", "diff_ids": [Digest::of(base.as_bytes()), Digest::of(application.as_bytes())]},
        })
        .to_string();
        const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": [descriptor(LAYER, base.as_bytes()), descriptor(LAYER, application.as_bytes())],
        })
        .to_string();
        let mut child = descriptor(IMAGE, manifest.as_bytes());
        child["platform"] = json!({"os": "linux", "architecture": architecture});
        children.push(child);
        puts.extend([base, application, config].map(|text| RegistryContent::Blob(text.into_bytes())));
        puts.push(RegistryContent::Manifest(IMAGE, manifest.into_bytes(), None));
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children, "annotations": labels});
    (index.to_string().into_bytes(), puts)
}

pub(super) fn source_of(service: &str) -> String {
    format!("https://git.shop.example/{service}")
}

fn statements(build: &Build, proof: Proof) -> Vec<(&'static str, Value)> {
    let sbom = ("https://spdx.dev/Document/v2.3", sbom(build));
    if proof == Proof::Rebuilt {
        return vec![sbom];
    }
    let result = match proof {
        Proof::Whole(result) => result,
        _ => "PASSED",
    };
    vec![
        ("https://slsa.dev/provenance/v1", provenance(build)),
        sbom,
        (
            "https://in-toto.io/attestation/test-result/v0.1",
            test_result(build, result),
        ),
    ]
}

fn provenance(build: &Build) -> Value {
    let source = source_of(build.service);
    let began = build.at - jiff::SignedDuration::from_secs(240);
    json!({
        "buildDefinition": {
            "buildType": "https://ci.shop.example/build/v1",
            "externalParameters": {"workflow": {
                "ref": "refs/heads/main", "repository": source, "path": ".ci/release.yml"}},
            "resolvedDependencies": [{
                "uri": format!("git+{source}@refs/heads/main"), "digest": {"gitCommit": commit_of(build)}}],
        },
        "runDetails": {
            "builder": {"id": "https://ci.shop.example/runners/hosted"},
            "metadata": {"invocationId": format!("https://ci.shop.example/{}/{}", build.service, build.version),
                "startedOn": began.to_string(), "finishedOn": build.at.to_string()},
        },
    })
}

fn sbom(build: &Build) -> Value {
    let dependency = |name: &str, version: &str| {
        json!({"SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                "referenceLocator": format!("pkg:generic/{name}@{version}")}]})
    };
    // A build taken again resolves its dependencies again: that is the story of this product.
    let tls = if build.take > 0 { "3.0.17" } else { "3.0.14" };
    json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{}-{}", build.service, build.version),
        "documentNamespace": format!("https://ci.shop.example/sbom/{}", commit_of(build)),
        "creationInfo": {"created": build.at.to_string(), "creators": ["Tool: shop-ci"]},
        "packages": [dependency(build.service, build.version), dependency("openssl", tls), dependency("zlib", "1.3.1"),
            dependency("libpq", "16.4")],
    })
}

fn test_result(build: &Build, result: &str) -> Value {
    let names = |prefix: &str, count: usize| -> Vec<String> { (1..=count).map(|n| format!("{prefix}-{n}")).collect() };
    let (warned, failed) = match result {
        "WARNED" => (2, 0),
        "FAILED" => (0, 3),
        _ => (0, 0),
    };
    json!({
        "result": result,
        "configuration": [{"name": "acceptance", "digest": {"gitCommit": commit_of(build)}}],
        "url": format!("https://ci.shop.example/{}/{}/tests", build.service, build.version),
        "passedTests": names("acceptance", 41), "warnedTests": names("slow", warned), "failedTests": names("checkout", failed),
    })
}
