//! SBOMs: every format, plain and compressed, and the list of packages.
#![cfg_attr(not(test), no_main)]

use pindeck::sources::evidence::predicate::{bare, list};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = bare(data);
    let _ = list(data);
});
