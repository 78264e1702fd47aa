//! The `pindeck` binary: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pindeck::cli::run(std::env::args_os()))
}
