//! The table: for each fault and each operation what comes out, written down before it is run.
//!
//! `0` it works, and a write lands exactly once; `6u` it could not be asked: unknown, with the cause unreachable;
//! `4c`, `0c` the content is corrupt, and that is said; other numbers are exit statuses. Whatever is not `0` writes
//! nothing. `-` says that the two have nothing to do with each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::faults::Fault::{self, Local, None as Nothing, Registry};
use super::faults::LocalFault as L;
use super::faults::RegistryFault as R;
use super::place::{Came, Place};
use super::scene::Scene;

const OPERATIONS: [&str; 12] = [
    "board", "verify", "diff", "drift", "watch", "init", "history", "check", "promote", "revert", "running", "cluster",
];

/// Words for the page, the fault, and what is expected of each operation.
const TABLE: &[(&str, Fault, [&str; 12])] = &[
    ("nothing", Nothing, WORKS),
    ("connection refused", Registry(R::Refused), UNREACHABLE),
    ("host name unknown", Registry(R::NoSuchHost), UNREACHABLE),
    ("TLS failure", Registry(R::NoTls), UNREACHABLE),
    ("connection reset", Registry(R::Reset), UNREACHABLE),
    ("cut off in the body", Registry(R::Truncated), UNREACHABLE),
    ("body that stalls", Registry(R::Stalled), UNREACHABLE),
    (
        "body without end",
        Registry(R::Endless),
        ["6", "4", "1", "6", "0u", "0", "0", "4", "4", "4", "6", "6"],
    ),
    ("401 again and again", Registry(R::Unauthorized), UNREACHABLE),
    ("403", Registry(R::Status(403)), UNREACHABLE),
    ("500", Registry(R::Status(500)), UNREACHABLE),
    ("503", Registry(R::Status(503)), UNREACHABLE),
    ("429", Registry(R::Limited(None)), UNREACHABLE),
    ("429 with Retry-After", Registry(R::Limited(Some(1))), UNREACHABLE),
    ("404 page of somebody else", Registry(R::StrangePage), UNREACHABLE),
    ("registry knows nothing", Registry(R::KnowsNothing), UNREACHABLE),
    ("redirect to no web address", Registry(R::RedirectedAway), UNREACHABLE),
    (
        "redirect to another host",
        Registry(R::RedirectedElsewhere),
        ["0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "6"],
    ),
    ("other bytes", Registry(R::OtherBytes), CORRUPT),
    ("a byte too few", Registry(R::ShortBytes), CORRUPT),
    (
        "disk full",
        Local(L::DiskFull),
        ["0", "0", "0", "0", "0", "0", "0", "0", "1", "1", "0", "-"],
    ),
    ("no room for a cache", Local(L::NoCache), WORKS),
    ("damaged cache", Local(L::DamagedCache), WORKS),
    ("clock 10 years ahead", Local(L::Clock(10)), WORKS),
    ("clock 10 years behind", Local(L::Clock(-10)), WORKS),
    ("index locked", Local(L::IndexLocked), WORKS),
    (
        "remote's branch locked",
        Local(L::BranchLocked),
        ["0", "0", "0", "0", "0", "0", "0", "0", "7", "7", "0", "-"],
    ),
    ("dirty working tree", Local(L::DirtyTree), WORKS),
    (
        "rewritten branch",
        Local(L::RewrittenBranch),
        ["0", "0", "0", "0", "0", "0", "0", "0", "0", "2", "0", "-"],
    ),
    (
        "deleted branch",
        Local(L::DeletedBranch),
        ["6", "6", "6", "6", "0u", "0", "6", "0", "6", "6", "6", "-"],
    ),
    (
        "remote gone",
        Local(L::NoRemote),
        ["6", "6", "6", "6", "0u", "0", "6", "0", "6", "6", "6", "-"],
    ),
    ("submodule", Local(L::Submodule), WORKS),
    ("reader that left", Local(L::ClosedPipe), WORKS),
];

/// Nothing of a cluster is another one where something is wrong with this machine or with git.
const WORKS: [&str; 12] = ["0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "-"];
/// Who cannot be asked is unknown; what needs no registry works.
const UNREACHABLE: [&str; 12] = ["6u", "6u", "6u", "6", "0u", "0", "0", "6u", "6u", "6u", "6", "6"];
/// Bytes that do not hash to their name reject; a comparison has nothing to compare, and what runs cannot be told. What a
/// cluster says has no digest.
const CORRUPT: [&str; 12] = ["0c", "4c", "1c", "0c", "0c", "0", "0", "4c", "4c", "4c", "6", "-"];

fn arguments(operation: &str, place: &Place) -> Vec<String> {
    let [_, two, three] = place.digests;
    let reference = |digest| format!("registry.shop.example/shop/api@{digest}");
    let line = match operation {
        "board" => "status --json".to_owned(),
        "verify" => format!("verify {} --env production --json", reference(three)),
        "diff" => format!("diff {} {} --json", reference(two), reference(three)),
        "drift" => "drift --json".to_owned(),
        "watch" => "drift --watch --interval 1s --json".to_owned(),
        "running" | "cluster" => "running --json".to_owned(),
        "init" => "init --print".to_owned(),
        "history" => "history api --env production --json".to_owned(),
        "check" => "check --base origin/main --head change --json".to_owned(),
        "promote" => "promote api --to production --from staging --yes --json".to_owned(),
        _ => "revert api --env production --yes --json".to_owned(),
    };
    line.split(' ').map(str::to_owned).collect()
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "promote" | "revert")
}

/// What must be said where this is expected; empty if nothing.
fn due(fault: Fault, operation: &str, expected: &str) -> &'static str {
    match (operation, expected) {
        // What runs there is another digest, which is a finding and no failure.
        ("running" | "cluster", "0") => "differs",
        ("running" | "cluster", "6") if matches!(fault, Registry(_)) => "unknown",
        ("watch", "0u") => "not everything could be asked",
        _ => match expected.trim_start_matches(|c: char| c.is_ascii_digit()) {
            "u" => "unreachable",
            "c" => "corrupt",
            _ => "",
        },
    }
}

/// What is not as it was written down, if anything.
fn complaint(fault: Fault, operation: &str, expected: &str, came: &Came) -> Option<String> {
    let code: String = expected.chars().take_while(char::is_ascii_digit).collect();
    let words = due(fault, operation, expected);
    let is_read = fault != Local(L::ClosedPipe);
    let said = format!("{}{}", came.out, came.err);
    if came.code.to_string() != code {
        return Some(format!("exit {}, expected {expected}: {said:.1500}", came.code));
    }
    let is_word_due = is_read && !words.is_empty() && !(operation == "diff" && words == "unreachable");
    if is_word_due && !said.contains(words) {
        return Some(format!("nothing says {words}: {said:.1500}"));
    }
    let wanted = usize::from(is_write(operation) && code == "0");
    if came.landed != wanted {
        return Some(format!(
            "{} commits landed, expected {wanted}: {said:.600}",
            came.landed
        ));
    }
    if said.contains("panicked") || came.code == 101 {
        return Some(format!("a panic: {said:.600}"));
    }
    None
}

async fn cell(fault: Fault, operation: &str, expected: &str) -> Option<String> {
    let place = Place::make(fault, Scene::of(operation)).await;
    let args = arguments(operation, &place);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let came = tokio::task::block_in_place(|| place.operate(&args, due(fault, operation, expected)));
    complaint(fault, operation, expected, &came)
}

fn page(wrong: &BTreeMap<(usize, usize), String>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "| fault | {} |", OPERATIONS.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(OPERATIONS.len()));
    for (row, (words, _, expected)) in TABLE.iter().enumerate() {
        let cells = expected
            .iter()
            .enumerate()
            .map(|(column, cell)| match wrong.get(&(row, column)) {
                None => (*cell).to_owned(),
                Some(_) => format!("**not {cell}**"),
            });
        let _ = writeln!(out, "| {words} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    out
}

#[test]
fn every_operation_under_every_fault() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(20)
        .enable_all()
        .build()
        .expect("a runtime");
    let cells: Vec<(usize, usize)> = (0..TABLE.len())
        .flat_map(|row| (0..OPERATIONS.len()).map(move |column| (row, column)))
        .filter(|(row, column)| TABLE[*row].2[*column] != "-")
        .collect();
    let wrong = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    // Many at once: most of them wait for something.
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(&(row, column)) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (_, fault, expected) = &TABLE[row];
                    let run = cell(*fault, OPERATIONS[column], expected[column]);
                    if let Some(complaint) = runtime.block_on(runtime.spawn(run)).expect("a cell") {
                        wrong.lock().expect("lock").insert((row, column), complaint);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("lock");
    let unexpected: Vec<String> = wrong
        .iter()
        .map(|((row, column), what)| format!("{} / {}: {what}", TABLE[*row].0, OPERATIONS[*column]))
        .collect();
    let all = TABLE.len() * OPERATIONS.len();
    println!("{} cells, {} unexpected", cells.len(), unexpected.len());
    assert!(
        (all - cells.len()) * 5 <= all,
        "more than a fifth is said to be not applicable"
    );
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RELIABILITY.md");
    let text = std::fs::read_to_string(&path).expect("docs/RELIABILITY.md");
    let table = page(&wrong);
    if std::env::var_os("PINDECK_RELIABILITY").is_some() {
        let (before, rest) = text.split_once("<!-- table -->\n").expect("where the table goes");
        let (_, after) = rest.split_once("<!-- end of table -->").expect("where the table ends");
        let new = format!("{before}<!-- table -->\n{table}<!-- end of table -->{after}");
        std::fs::write(&path, new).expect("written");
        return;
    }
    assert!(
        text.contains(&table),
        "docs/RELIABILITY.md has another table: run this test with PINDECK_RELIABILITY=write, and look at what changed"
    );
}
