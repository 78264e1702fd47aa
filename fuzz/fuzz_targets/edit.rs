//! Edits: whatever the file, one that is allowed changes one reference and no other.
#![cfg_attr(not(test), no_main)]

use pindeck::domain::id::Digest;
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::scan;

const PATHS: [&str; 4] = ["values.yaml", "kustomization.yaml", "compose.yaml", "helmfile.yaml"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let before = scan(path, bytes);
    let pin = NewPin {
        digest: Digest::of(b"new"),
        tag: TagChange::Keep,
    };
    for found in before.found.iter().filter(|found| found.read_only.is_none()) {
        let Ok(edited) = plan_edit(path, bytes, &[found], &pin) else {
            continue;
        };
        let after = scan(path, &edited.bytes);
        assert_eq!(after.found.len(), before.found.len());
        let changed = before
            .found
            .iter()
            .zip(&after.found)
            .filter(|(a, b)| a.digest != b.digest);
        assert_eq!(changed.count(), usize::from(found.digest != Some(pin.digest)));
    }
});
