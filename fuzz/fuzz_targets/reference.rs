//! References: what parses is written back as something that parses to the same.
#![cfg_attr(not(test), no_main)]

use pindeck::domain::reference::{ImageRef, Repository};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(repository) = Repository::parse(text) {
        assert_eq!(Repository::parse(&repository.to_string()).as_ref(), Ok(&repository));
    }
    if let Ok(image) = ImageRef::parse(text) {
        assert_eq!(ImageRef::parse(&image.to_string()).as_ref(), Ok(&image));
    }
});
