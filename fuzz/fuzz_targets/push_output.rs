//! Whatever git, a hook or a remote prints, standard output and standard error with a zero byte between: a push that
//! landed is never made up, and no word is printable raw.

#![cfg_attr(not(test), no_main)]

use libfuzzer_sys::fuzz_target;
use pindeck::sources::git::write::{PushOutput, PushReport};

const MAIN: &str = "refs/heads/main";

fuzz_target!(|input: &[u8]| {
    let Some((first, texts)) = input.split_first() else {
        return;
    };
    // The status that git ended with, if it ended by itself, and whether a hook is there.
    let (status, has_hook) = ((first & 2 == 0).then_some(i32::from(first >> 2)), first & 1 == 1);
    let texts = String::from_utf8_lossy(texts);
    let (stdout, stderr) = texts.split_once('\0').unwrap_or((&texts, ""));
    let said = PushOutput::read(status, stdout, stderr, &[MAIN], has_hook);
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
