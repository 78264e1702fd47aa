//! What a test had to leave out, told at the end of `tests/run` even where the runner shows nothing of a test that
//! passed: each line also goes to the file that `PINDECK_SKIPS` names.

use std::io::Write as _;

/// What was missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// Test data. The repository's own are whole: only another corpus can lack a part.
    Data,
    /// A program, or a version of it.
    Program,
}

/// Says that a test, or a part of it, is left out, and why.
pub fn skipped(want: Want, why: &str) {
    let line = match want {
        Want::Data => format!("SKIPPED for want of data: {why}\n"),
        Want::Program => format!("SKIPPED: {why}\n"),
    };
    eprint!("{line}");
    let Some(file) = std::env::var_os("PINDECK_SKIPS") else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .expect("the file that PINDECK_SKIPS names");
    // One write: lines of tests that run side by side are never mixed.
    file.write_all(line.as_bytes()).expect("written");
}
