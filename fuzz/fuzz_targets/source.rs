//! Source URLs: a repository that can be read is itself, and one that cannot is equal to nothing.
#![no_main]

use pindeck::domain::source::SourceRepository;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str)| {
    let (a, b) = texts;
    assert_eq!(SourceRepository::same(a, a), SourceRepository::parse(a).is_ok());
    assert_eq!(SourceRepository::same(a, b), SourceRepository::same(b, a));
    if a.split('#').next().is_some_and(|address| address.contains("/../")) {
        assert!(SourceRepository::parse(a).is_err());
    }
});
