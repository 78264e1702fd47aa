//! Trusted roots.
#![cfg_attr(not(test), no_main)]

#[allow(dead_code)]
mod ask;

use std::collections::BTreeMap;

use pindeck::domain::policy::TrustRoot;
use pindeck::sources::evidence::Trust;

libfuzzer_sys::fuzz_target!(|data: &str| {
    let root = TrustRoot::File {
        name: "root".to_owned(),
        json: data.to_owned(),
    };
    let _ = Trust::new(&BTreeMap::from([("fuzz".to_owned(), ask::profile(false, root))]));
});
