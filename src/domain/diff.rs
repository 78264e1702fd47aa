//! What differs between two digests: platforms, configuration, layers, packages, source and tests.
//! What could not be compared is named, never left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::evidence::{ProvenanceSummary, TestResultSummary};
use super::id::Digest;
use super::reference::Repository;
use super::source::SourceRepository;
use super::text::Untrusted;
use super::verdict::CheckOf;

/// Everything known about one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    /// Where it lives.
    pub image: Repository,
    /// Digest of the manifest or index of this side.
    pub digest: Digest,
    /// Platform manifests by `os/arch[/variant]`; one entry for a plain manifest.
    pub platforms: BTreeMap<String, Digest>,
    /// The platform whose configuration and layers are compared.
    pub compared: Option<String>,
    /// Configuration, field by field (`entrypoint`, `env.PATH`, `label.x`).
    pub config: BTreeMap<String, Untrusted>,
    /// Layers in order.
    pub layers: Vec<Layer>,
    /// Packages of a verified SBOM; `None` = there is none.
    pub packages: Option<Vec<Package>>,
    /// Verified provenance; `None` = there is none.
    pub provenance: Option<ProvenanceSummary>,
    /// Verified test result; `None` = there is none.
    pub tests: Option<TestResultSummary>,
    /// What could not be read, each a short sentence.
    pub unread: Vec<Untrusted>,
}

/// A layer of an image, by the digest of its compressed bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Layer {
    /// Digest of the layer as it is pulled, that is compressed.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// One package of an SBOM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Package {
    /// Package URL without its version, or the bare name where the SBOM has no purl.
    pub purl: Untrusted,
    /// Its version, as the SBOM spells it.
    pub version: Untrusted,
}

/// The difference of two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DigestDiff {
    /// Platforms on one side only, or with another digest.
    pub platforms: PlatformDiff,
    /// Configuration fields that differ.
    pub config: Vec<FieldChange>,
    /// Layers that both sides share, and those that only one has.
    pub layers: LayerDiff,
    /// Packages that were added, removed or changed, by the SBOMs of both sides.
    pub packages: PackageDiff,
    /// Source and build.
    pub provenance: ProvenanceDiff,
    /// Test results.
    pub tests: TestDiff,
    /// What is missing for a whole comparison: "sbom of a".
    pub missing: Vec<String>,
}

/// Platforms that both sides have, and those that only one has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct PlatformDiff {
    /// The platform whose configuration and layers were compared.
    pub compared: Option<String>,
    /// The same manifest on both sides.
    pub same: Vec<String>,
    /// On both sides with different content.
    pub changed: Vec<String>,
    /// In b only.
    pub added: Vec<String>,
    /// In a only.
    pub removed: Vec<String>,
}

/// One configuration field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldChange {
    /// Its name.
    pub field: String,
    /// Before; `None` = not there.
    pub a: Option<Untrusted>,
    /// After; `None` = not there.
    pub b: Option<Untrusted>,
}

/// Layers that both sides share, and those that only one has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct LayerDiff {
    /// How many are the same.
    pub shared: usize,
    /// In b only.
    pub added: Vec<Layer>,
    /// In a only.
    pub removed: Vec<Layer>,
}

/// Packages. Empty lists with an entry in `missing` mean "not compared".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct PackageDiff {
    /// In b only.
    pub added: Vec<Package>,
    /// In a only.
    pub removed: Vec<Package>,
    /// On both sides with other versions.
    pub changed: Vec<PackageChange>,
}

/// One package with another version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct PackageChange {
    /// Which.
    pub purl: Untrusted,
    /// Version(s) in a.
    pub from: Untrusted,
    /// Version(s) in b.
    pub to: Untrusted,
}

/// Source and build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct ProvenanceDiff {
    /// What a's provenance says.
    pub a: Option<ProvenanceSummary>,
    /// What b's provenance says.
    pub b: Option<ProvenanceSummary>,
    /// `commit-a..commit-b`, where both name a commit of the same source.
    pub commits: Option<Untrusted>,
}

/// Test results.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct TestDiff {
    /// What a's says.
    pub a: Option<TestResultSummary>,
    /// What b's says.
    pub b: Option<TestResultSummary>,
}

/// Compares two sides. Pure.
pub(crate) fn diff(a: &Side, b: &Side) -> DigestDiff {
    DigestDiff {
        platforms: platforms(a, b),
        config: config(a, b),
        layers: layers(a, b),
        packages: packages(a.packages.as_deref(), b.packages.as_deref()),
        provenance: ProvenanceDiff {
            a: a.provenance.clone(),
            b: b.provenance.clone(),
            commits: commits(a, b),
        },
        tests: TestDiff {
            a: a.tests.clone(),
            b: b.tests.clone(),
        },
        missing: missing(a, b),
    }
}

fn platforms(a: &Side, b: &Side) -> PlatformDiff {
    let mut out = PlatformDiff {
        compared: b.compared.clone(),
        ..PlatformDiff::default()
    };
    for (name, digest) in &a.platforms {
        match b.platforms.get(name) {
            None => out.removed.push(name.clone()),
            Some(other) if other == digest => out.same.push(name.clone()),
            Some(_) => out.changed.push(name.clone()),
        }
    }
    out.added = b
        .platforms
        .keys()
        .filter(|name| !a.platforms.contains_key(*name))
        .cloned()
        .collect();
    out
}

fn config(a: &Side, b: &Side) -> Vec<FieldChange> {
    let fields: BTreeSet<&String> = a.config.keys().chain(b.config.keys()).collect();
    fields
        .into_iter()
        .map(|field| FieldChange {
            field: field.clone(),
            a: a.config.get(field).cloned(),
            b: b.config.get(field).cloned(),
        })
        .filter(|change| change.a != change.b)
        .collect()
}

fn layers(a: &Side, b: &Side) -> LayerDiff {
    let digests = |side: &Side| side.layers.iter().map(|l| l.digest).collect::<BTreeSet<_>>();
    let (in_a, in_b) = (digests(a), digests(b));
    let only = |side: &Side, other: &BTreeSet<Digest>| {
        side.layers
            .iter()
            .filter(|l| !other.contains(&l.digest))
            .cloned()
            .collect()
    };
    LayerDiff {
        shared: in_a.intersection(&in_b).count(),
        added: only(b, &in_a),
        removed: only(a, &in_b),
    }
}

/// Packages by name; several versions of one name on a side are compared as a set.
fn packages(a: Option<&[Package]>, b: Option<&[Package]>) -> PackageDiff {
    let (Some(a), Some(b)) = (a, b) else {
        return PackageDiff::default();
    };
    fn by_name(side: &[Package]) -> BTreeMap<&Untrusted, BTreeSet<&str>> {
        let mut out: BTreeMap<&Untrusted, BTreeSet<&str>> = BTreeMap::new();
        for package in side {
            out.entry(&package.purl).or_default().insert(package.version.raw());
        }
        out
    }
    let (old, new) = (by_name(a), by_name(b));
    let join = |versions: &BTreeSet<&str>| Untrusted::new(versions.iter().copied().collect::<Vec<_>>().join(", "));
    let mut out = PackageDiff::default();
    for (name, versions) in &old {
        match new.get(name) {
            None => out.removed.push(Package {
                purl: (*name).clone(),
                version: join(versions),
            }),
            Some(other) if other != versions => {
                let change = PackageChange {
                    purl: (*name).clone(),
                    from: join(versions),
                    to: join(other),
                };
                out.changed.push(change);
            }
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    out.added = added
        .map(|(name, versions)| Package {
            purl: (*name).clone(),
            version: join(versions),
        })
        .collect();
    out
}

fn commits(a: &Side, b: &Side) -> Option<Untrusted> {
    let (a, b) = (a.provenance.as_ref()?, b.provenance.as_ref()?);
    if !SourceRepository::same(a.source.as_ref()?.raw(), b.source.as_ref()?.raw()) {
        return None;
    }
    Some(format!("{}..{}", a.commit.as_ref()?.raw(), b.commit.as_ref()?.raw()).into())
}

fn missing(a: &Side, b: &Side) -> Vec<String> {
    use super::evidence::EvidenceKind as Kind;
    let mut out = Vec::new();
    for (name, side) in [("a", a), ("b", b)] {
        for (kind, there) in [
            (Kind::Sbom, side.packages.is_some()),
            (Kind::Provenance, side.provenance.is_some()),
            (Kind::TestResult, side.tests.is_some()),
        ] {
            if !there {
                out.push(format!("{} of {name}", CheckOf::Evidence(kind).as_str()));
            }
        }
        out.extend(side.unread.iter().map(|what| format!("{} of {name}", what.clean())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(n: u8) -> Side {
        Side {
            image: Repository::parse("r.example/app").expect("valid"),
            digest: Digest::from_bytes([n; 32]),
            platforms: [("linux/amd64".to_owned(), Digest::from_bytes([n; 32]))].into(),
            compared: Some("linux/amd64".to_owned()),
            config: [
                ("entrypoint".to_owned(), "/app".into()),
                ("env.N".to_owned(), n.to_string().into()),
            ]
            .into(),
            layers: vec![
                Layer {
                    digest: Digest::from_bytes([100; 32]),
                    size: 1,
                },
                Layer {
                    digest: Digest::from_bytes([n; 32]),
                    size: 2,
                },
            ],
            packages: Some(vec![
                package("pkg:cargo/same", "1"),
                package("pkg:cargo/serde", &n.to_string()),
            ]),
            provenance: Some(ProvenanceSummary {
                source: Some("https://example.com/app".into()),
                commit: Some(format!("c{n}").into()),
                ..Default::default()
            }),
            tests: None,
            unread: Vec::new(),
        }
    }

    fn package(purl: &str, version: &str) -> Package {
        Package {
            purl: purl.into(),
            version: version.into(),
        }
    }

    #[test]
    fn the_same_digest_differs_in_nothing() {
        let d = diff(&side(1), &side(1));
        assert!(d.config.is_empty() && d.layers.added.is_empty() && d.packages == PackageDiff::default());
        assert_eq!(d.platforms.same, ["linux/amd64"]);
    }

    #[test]
    fn says_what_changed_and_what_is_missing() {
        let mut b = side(2);
        b.packages.as_mut().expect("set").push(package("pkg:cargo/new", "0.1"));
        b.platforms.insert("linux/arm64".into(), Digest::from_bytes([9; 32]));
        let d = diff(&side(1), &b);
        assert_eq!(
            (d.layers.shared, d.layers.added.len(), d.layers.removed.len()),
            (1, 1, 1)
        );
        assert_eq!(d.config.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), ["env.N"]);
        assert_eq!(d.packages.added, [package("pkg:cargo/new", "0.1")]);
        assert_eq!(
            (d.packages.changed[0].from.raw(), d.packages.changed[0].to.raw()),
            ("1", "2")
        );
        assert_eq!(d.provenance.commits.as_ref().map(|c| c.raw()), Some("c1..c2"));
        assert_eq!(
            (d.platforms.added.as_slice(), d.platforms.changed.as_slice()),
            (&["linux/arm64".to_owned()][..], &["linux/amd64".to_owned()][..])
        );
        assert_eq!(d.missing, ["test-result of a", "test-result of b"]);
    }

    #[test]
    fn packages_are_not_compared_without_both_sboms() {
        let mut b = side(2);
        b.packages = None;
        let d = diff(&side(1), &b);
        assert_eq!(d.packages, PackageDiff::default());
        assert!(d.missing.contains(&"sbom of b".to_owned()));
    }
}
