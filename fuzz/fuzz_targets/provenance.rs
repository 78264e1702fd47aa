//! One predicate parser.
#![cfg_attr(not(test), no_main)]

use pindeck::domain::evidence::EvidenceKind;
use pindeck::sources::evidence::predicate::summary;

libfuzzer_sys::fuzz_target!(|data: &str| {
    let _ = summary(EvidenceKind::Provenance, data);
});
