//! Time and instructions of a frame and of an update, on a board of 500 services × 4 environments.
//!
//! `cargo bench --bench frame --features measure`. Instructions are counted by valgrind's callgrind where it is
//! installed: the bench runs itself under it, once with few rounds and once with many, and prints the difference of one.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use pindeck::headless::Headless;

const SERVICES: usize = 500;
/// Columns and rows.
const SIZES: [(u16, u16); 3] = [(80, 24), (140, 40), (200, 60)];
/// A whole frame takes less than this.
const FRAME: Duration = Duration::from_millis(2);
/// An update takes less than this.
const UPDATE: Duration = Duration::from_micros(200);
/// Rounds under callgrind: what the start costs goes away in the difference.
const ROUNDS: (u32, u32) = (2, 12);

/// What is measured: its name, its limit, and one round of it.
struct Case {
    name: String,
    limit: Option<Duration>,
    prepare: Box<dyn Fn() -> Headless>,
    round: fn(&mut Headless, u32),
}

fn cases() -> Vec<Case> {
    let complete = |size| move || Headless::complete(SERVICES, size).expect("a theme");
    let mut cases: Vec<Case> = SIZES
        .into_iter()
        .map(|size| Case {
            name: format!("full draw {}x{}", size.0, size.1),
            limit: Some(FRAME),
            prepare: Box::new(complete(size)),
            round: |cockpit, _| {
                black_box(cockpit.draw_whole());
            },
        })
        .collect();
    let mut case = |name: &str, limit, round| {
        cases.push(Case {
            name: name.to_owned(),
            limit,
            prepare: Box::new(complete((140, 40))),
            round,
        });
    };
    case("draw while a pass is running 140x40", Some(FRAME), |cockpit, n| {
        if n == 0 {
            cockpit.press("R");
            cockpit.open();
        }
        black_box(cockpit.draw_whole());
    });
    case("draw under a filter 140x40", Some(FRAME), |cockpit, n| {
        if n == 0 {
            cockpit.press("/user env:production behind:>1<enter>");
        }
        black_box(cockpit.draw_whole());
    });
    case("key: a row down", Some(UPDATE), |cockpit, n| {
        cockpit.press(if n % 2 == 0 { "j" } else { "k" });
    });
    case("key: a page down", Some(UPDATE), |cockpit, n| {
        cockpit.press(if n % 2 == 0 { "<pagedown>" } else { "<pageup>" });
    });
    case("key and frame: a row down", Some(FRAME), |cockpit, n| {
        cockpit.press(if n % 2 == 0 { "j" } else { "k" });
        black_box(cockpit.draw());
    });
    case(
        "all that is found about one service (11 updates)",
        None,
        |cockpit, n| {
            let service = usize::try_from(n).expect("small") * 37 % SERVICES;
            for found in cockpit.findings(service) {
                cockpit.take(found);
            }
        },
    );
    case("a second passes", Some(UPDATE), |cockpit, _| cockpit.tick());
    case("key: one more letter of a filter", Some(FRAME), |cockpit, n| {
        if n == 0 {
            cockpit.press("/user");
        }
        cockpit.press(if n % 2 == 0 { "-" } else { "<backspace>" });
    });
    case("the repository is read again (once a pass)", None, |cockpit, _| {
        cockpit.open()
    });
    cases
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, place, rounds] = arguments.as_slice()
        && flag == "--rounds"
    {
        run(place.parse().expect("a number"), rounds.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let counts = has_callgrind();
    if !counts {
        println!("SKIPPED the instruction counts: valgrind is not installed");
    }
    println!("{SERVICES} services x 4 environments, one core, the median of many rounds");
    let mut is_within = true;
    for (place, case) in cases().iter().enumerate() {
        let time = median(case);
        let instructions = if counts { instructions(place) } else { None };
        let instructions = instructions.map_or_else(String::new, |n| format!("{n:>14} instructions"));
        let limit = case.limit.map_or_else(String::new, |limit| {
            is_within &= time < limit;
            let verdict = if time < limit { "within" } else { "OVER" };
            format!("   {verdict} {:.1} ms", limit.as_secs_f64() * 1e3)
        });
        println!(
            "{:<52}{:>9.3} ms {instructions}{limit}",
            case.name,
            time.as_secs_f64() * 1e3
        );
    }
    if is_within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn median(case: &Case) -> Duration {
    let mut cockpit = (case.prepare)();
    (case.round)(&mut cockpit, 0);
    let mut times: Vec<Duration> = (1..201)
        .map(|n| {
            let begin = Instant::now();
            (case.round)(&mut cockpit, n);
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn run(place: usize, rounds: u32) {
    let cases = cases();
    let case = &cases[place];
    let mut cockpit = (case.prepare)();
    for n in 0..rounds {
        (case.round)(&mut cockpit, n);
    }
}

fn has_callgrind() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
}

/// Instructions of one round; `None` if callgrind does not say.
fn instructions(place: usize) -> Option<u64> {
    let (few, many) = ROUNDS;
    let difference = collected(place, many)?.checked_sub(collected(place, few)?)?;
    Some(difference / u64::from(many - few))
}

/// All instructions of a run of so many rounds.
fn collected(place: usize, rounds: u32) -> Option<u64> {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--rounds", &place.to_string(), &rounds.to_string()])
        .output()
        .ok()?;
    // `==123== Collected : 4567`
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}
