//! DSSE envelopes and bare statements.
#![cfg_attr(not(test), no_main)]

mod ask;

use std::collections::BTreeMap;

use pindeck::sources::evidence::Carrier;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ask::ask(
        "application/vnd.dsse.envelope.v1+json",
        Carrier::CosignAttTag,
        BTreeMap::new(),
        data,
    );
    ask::ask("application/vnd.in-toto+json", Carrier::Referrer, BTreeMap::new(), data);
});
