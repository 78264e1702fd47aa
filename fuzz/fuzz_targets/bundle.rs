//! Sigstore bundles.
#![cfg_attr(not(test), no_main)]

mod ask;

use std::collections::BTreeMap;

use pindeck::sources::evidence::Carrier;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ask::ask(
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        Carrier::Referrer,
        BTreeMap::new(),
        data,
    );
});
