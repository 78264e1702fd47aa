//! The `pindeck` binary: parse, run, exit code.

fn main() {}
