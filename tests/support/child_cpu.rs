//! What child processes cost: CPU seconds by the kernel's own account, which hold on a busy machine too.

use std::process::{Command, Stdio};

/// CPU seconds of a command, user and system, with all that it starts and waits for. Its output is thrown away.
///
/// # Panics
/// Where the command cannot be started or fails, and where there is no `/proc`.
pub fn cpu_seconds(command: &mut Command) -> f64 {
    let before = of_children();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.expect("the command starts");
    // 6 = not everything could be asked.
    assert!(matches!(status.code(), Some(0 | 6)), "{command:?}: {status}");
    of_children() - before
}

/// CPU seconds of all children that were waited for so far (`proc_pid_stat(5)`, fields 16 and 17).
fn of_children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("linux");
    // The second field is a name in brackets, which may hold spaces.
    let (_, rest) = text.rsplit_once(')').expect("a name");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: f64 = fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<f64>().expect("a number"))
        .sum();
    ticks / TICKS_PER_SECOND
}

/// `USER_HZ`, which is 100 wherever Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The middle one.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// How a cost grows with a size: the slope between two points on a scale of powers.
pub fn exponent(small: (f64, f64), large: (f64, f64)) -> f64 {
    (large.1 / small.1).ln() / (large.0 / small.0).ln()
}
