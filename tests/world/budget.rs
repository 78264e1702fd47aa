//! What a status costs, counted by the servers.

use std::collections::BTreeSet;

use super::served::{Served, pins};

#[test]
fn a_status_costs_what_it_must() {
    let Some(served) = Served::start() else { return };
    let (_, status) = served.status();
    let cold = served.requests();
    served.forget();
    let (_, again) = served.status();
    let warm = served.requests();
    let mut digests: BTreeSet<&str> = pins(&status).filter_map(|(_, pin)| pin["digest"].as_str()).collect();
    let services = status["services"].as_array().unwrap();
    digests.extend(services.iter().filter_map(|s| s["candidate"]["digest"].as_str()));
    println!("{cold} requests cold, {warm} warm, for {} digests", digests.len());
    assert_eq!(status["budget"]["requests"], cold, "what is shown is what was sent");
    assert_eq!(again["budget"]["requests"], warm);
    assert!(cold <= 16 * digests.len(), "{cold} cold");
    assert!(warm <= 6 * digests.len(), "{warm} warm");
    if std::env::var_os("PINDECK_WORLD").is_none() {
        assert_eq!((cold, warm), (COLD, WARM), "update these only with a reason");
    }
}

/// For the shared world, with an empty cache and with what that run left in it. Why each is needed, warm:
/// 8 tag lists, one a repository; 31 for tags, one a distinct tag that is pinned or offered, and one more where
/// there is no such tag, to hear it in the registry's own words; 25 HEADs for digests that no tag of this run
/// answered for: pinned ones, and every platform manifest of an index (what is cached proves nothing about what a
/// registry has); 29 listings of referrers and 18 evidence tags, one a subject, platform manifests too, and 3 more because each
/// repository says for itself that it has no listing; 2 for
/// content that could not be kept because it is corrupt; 9 evidence tags that no list names, each asked for by its
/// name before a verdict says that something is absent. Cold the contents are read on top: 115 manifests (whose
/// own registry's answer is its presence too; 16 of them by the evidence tag, which needs no HEAD then) and 97 blobs.
const COLD: usize = 318;
const WARM: usize = 125;

#[test]
#[ignore = "prints what is asked, to find what need not be"]
fn what_is_asked() {
    let Some(served) = Served::start() else { return };
    for run in ["cold", "warm"] {
        served.forget();
        served.status();
        for (host, registry) in &served.registries {
            for asked in registry.requests() {
                println!("{run} {host} {} {}", asked.method, asked.path);
            }
        }
    }
}
