//! Whatever git, a hook or a remote prints: a push that landed is never made up, and no word is printable raw.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pindeck::sources::git::write::{PushOutput, PushReport};

const MAIN: &str = "refs/heads/main";

fuzz_target!(|input: (Option<u8>, String, String, bool)| {
    let (status, stdout, stderr, has_hook) = input;
    let status = status.map(i32::from);
    let said = PushOutput::read(status, &stdout, &stderr, &[MAIN], has_hook);
    if said.report == PushReport::Landed {
        assert_eq!(status, Some(0));
        assert!(stdout.contains(MAIN));
    }
    assert!(said.words.len() <= 61);
    if let Some(url) = said.url {
        assert!(url.chars().all(|c| c.is_ascii_graphic()));
        assert!(url.starts_with("https://") || url.starts_with("http://"));
    }
});
