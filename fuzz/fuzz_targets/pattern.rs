//! Patterns, each with a service's name on the line after it: one that is accepted compiles on its own, and matches no
//! text with more around it than it says.
#![cfg_attr(not(test), no_main)]

use pindeck::domain::pattern::anchored;

libfuzzer_sys::fuzz_target!(|texts: &str| {
    let (pattern, service) = texts.split_once('\n').unwrap_or((texts, "shop"));
    if let Ok(Some(regex)) = anchored(pattern, Some(service)) {
        assert!(regex.as_str().starts_with(r"\A(?:"));
        if let Some(found) = regex.find(service) {
            assert_eq!((found.start(), found.end()), (0, service.len()));
        }
    }
});
