//! What child processes cost: CPU seconds by the kernel's own account, which hold on a busy machine too.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

/// The same with the exit status, whatever that is.
///
/// # Panics
/// Where the command cannot be started, and where there is no `/proc`.
pub fn spent(command: &mut Command) -> (f64, Option<i32>) {
    let before = of_children();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.expect("the command starts");
    (of_children() - before, status.code())
}

/// What one run of a command cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU seconds, with all that it starts and waits for.
    pub cpu: f64,
    /// Seconds from its start to its end.
    pub wall: f64,
    /// The most memory that it had itself, in bytes.
    pub peak: u64,
}

/// Runs a command to its end; its output is thrown away.
///
/// # Panics
/// As [`cpu_seconds`].
pub fn cost(command: &mut Command) -> Cost {
    let (before, begun) = (of_children(), Instant::now());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The kernel keeps the peak, so that the last look has it, but for what comes within a moment of the end.
    let status = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let kib = text.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
        });
        peak = kib.map_or(peak, |kib| kib << 10);
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(matches!(status.code(), Some(0 | 6)), "{command:?}: {status}");
    Cost {
        cpu: of_children() - before,
        wall: begun.elapsed().as_secs_f64(),
        peak,
    }
}

/// CPU seconds of all children that were waited for so far (`proc_pid_stat(5)`, fields 16 and 17).
pub fn of_children() -> f64 {
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
