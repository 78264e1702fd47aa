//! Kubeconfigs: any text is one or an error, and no context of one panics.
#![cfg_attr(not(test), no_main)]

use std::path::PathBuf;
use std::sync::OnceLock;

use pindeck::sources::cluster::Kubeconfig;

libfuzzer_sys::fuzz_target!(|text: &str| {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file =
        FILE.get_or_init(|| std::env::temp_dir().join(format!("pindeck-fuzz-kubeconfig-{}", std::process::id())));
    if std::fs::write(file, text).is_err() {
        return;
    }
    if let Ok(config) = Kubeconfig::read(std::slice::from_ref(file)) {
        for context in ["x", "", "prod"] {
            if let Ok(account) = config.account(context) {
                // A secret has no form for people.
                let _ = format!("{account:?}");
            }
        }
    }
});
