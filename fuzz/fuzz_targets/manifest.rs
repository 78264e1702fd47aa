//! The manifest reader: it ends, and every span it gives is a digest of the text.
#![cfg_attr(not(test), no_main)]

use pindeck::sources::git::manifest::scan;

const PATHS: [&str; 6] = [
    "values.yaml",
    "kustomization.yaml",
    "compose.yaml",
    "helmfile.yaml.gotmpl",
    "Chart.yaml",
    "x.json",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let scan = scan(PATHS[usize::from(*first) % PATHS.len()], bytes);
    for found in &scan.found {
        if let (Some(span), Some(digest)) = (found.digest_span.clone(), found.digest) {
            assert_eq!(&bytes[span], digest.to_string().as_bytes());
        }
    }
});
