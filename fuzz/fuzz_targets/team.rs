//! `pindeck.toml`: any text is a policy or an error with a line that exists.
#![cfg_attr(not(test), no_main)]

use pindeck::config::team;
use pindeck::domain::policy::PolicySource;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let none = |path: &str| Err(std::io::Error::new(std::io::ErrorKind::NotFound, path.to_owned()));
    if let Err(error) = team::load(text, "pindeck.toml", &none, PolicySource::None) {
        assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1);
    }
});
