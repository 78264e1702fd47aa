//! Source URLs, two with a line feed between: a repository that can be read is itself, and one that cannot is equal to
//! nothing.
#![cfg_attr(not(test), no_main)]

use pindeck::domain::source::SourceRepository;

libfuzzer_sys::fuzz_target!(|texts: &str| {
    let (a, b) = texts.split_once('\n').unwrap_or((texts, texts));
    assert_eq!(SourceRepository::same(a, a), SourceRepository::parse(a).is_ok());
    assert_eq!(SourceRepository::same(a, b), SourceRepository::same(b, a));
    if a.split('#').next().is_some_and(|address| address.contains("/../")) {
        assert!(SourceRepository::parse(a).is_err());
    }
});
