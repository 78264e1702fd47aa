//! `pindeck running`: what the clusters run, beside what is pinned.

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::running::blocked::Blocked;
use crate::domain::running::comparison::ImageComparison;
use crate::domain::running::observation::{NamespaceRunning, RunningDigest, RunningState};
use crate::domain::running::pods::Counting;
use crate::domain::running::reconciler::Reconciler;
use crate::domain::text::Untrusted;
use crate::engine::running::{PinRunning, RunningAnswer, RunningFilter};

use super::args::RunningArgs;
use super::command_context::CommandContext;
use super::json::{self, running::running};
use super::output::say;
use super::text::Table;

/// Runs `pindeck running`.
///
/// # Errors
/// If git or the configuration cannot be read, or no environment says where it runs.
pub(crate) async fn run(context: &CommandContext, args: &RunningArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let filter = RunningFilter {
        services: args.services.clone(),
        environments: args.environments.clone(),
    };
    let answer = engine.running(&filter).await?;
    if args.json {
        json::print("running", document(&answer))?;
    } else {
        for line in lines(&answer) {
            say(&line)?;
        }
    }
    let is_unknown = |one: &PinRunning| one.state == Some(RunningState::Unknown);
    let exit = match !context.global.offline && answer.pins.iter().any(is_unknown) {
        true => Exit::Unknown,
        false => Exit::Done,
    };
    Ok(context.with_freshness(&engine, exit))
}

fn document(answer: &RunningAnswer) -> Value {
    let mut services: Vec<(&str, Vec<Value>)> = Vec::new();
    for one in &answer.pins {
        let pin = &one.pin;
        let entry = json!({
            "environment": pin.target.environment, "component": pin.component, "digest": pin.digest, "tag": pin.tag,
            "running": one.state.map(|state| running(state, Some(answer.observed_at), &one.namespaces)),
        });
        let name = pin.target.service.as_str();
        match services.last_mut() {
            Some((last, pins)) if *last == name => pins.push(entry),
            _ => services.push((name, vec![entry])),
        }
    }
    let service = |(name, pins): (&str, Vec<Value>)| json!({ "service": name, "pins": pins });
    json!({ "services": services.into_iter().map(service).collect::<Vec<_>>() })
}

fn lines(answer: &RunningAnswer) -> Vec<String> {
    let mut table = Table::new(&[
        "SERVICE",
        "ENVIRONMENT",
        "PINNED",
        "CLUSTER",
        "NAMESPACE",
        "STATE",
        "RUNS",
        "READY",
    ]);
    let mut below = Vec::new();
    for one in &answer.pins {
        let target = &one.pin.target;
        let pinned = match (&one.pin.digest, &one.pin.tag) {
            (Some(digest), _) => digest.short(),
            (None, Some(tag)) => format!("tag {tag}"),
            (None, None) => "-".to_owned(),
        };
        let head = [target.service.to_string(), target.environment.to_string(), pinned];
        if one.state.is_none() {
            let reason = if one.pin.digest.is_none() {
                "pinned by tag"
            } else {
                "no cluster"
            };
            table.row(
                head.clone()
                    .into_iter()
                    .chain(["-".to_owned(), "-".to_owned(), reason.to_owned()]),
            );
        }
        for place in &one.namespaces {
            let counted: Vec<&RunningDigest> = place
                .digests
                .iter()
                .filter(|row| row.counting == Counting::Runs)
                .collect();
            let short = |row: &&RunningDigest| row.digest.map_or_else(|| "?".to_owned(), |digest| digest.short());
            let mut runs: Vec<String> = counted.iter().map(short).collect();
            runs.dedup();
            let sum = |of: fn(&RunningDigest) -> u32| counted.iter().map(|row| of(row)).sum::<u32>();
            let ready = format!("{}/{}", sum(|row| row.ready), sum(|row| row.pods));
            table.row(head.clone().into_iter().chain([
                place.cluster.clone(),
                place.namespace.clone(),
                place.state.as_str().to_owned(),
                if runs.is_empty() {
                    "-".to_owned()
                } else {
                    runs.join(" ")
                },
                ready,
            ]));
            below.extend(remarks(&target.to_string(), place));
        }
    }
    if table.is_empty() {
        return vec!["no pin is in an environment that says where it runs".to_owned()];
    }
    let mut lines = table.lines();
    if !below.is_empty() {
        lines.push(String::new());
        lines.extend(below);
    }
    lines
}

/// What stands below the table about one pin in one namespace: who is in the way, and what is not known.
fn remarks(target: &str, place: &NamespaceRunning) -> Vec<String> {
    let at = format!("{target}, {}/{}", place.cluster, place.namespace);
    let mut lines = obstacles(target, place);
    lines.extend(
        place
            .reconciler
            .as_ref()
            .map(|one| format!("{at}: {}", reconciled(one))),
    );
    let doubts = place.digests.iter().filter(|row| row.counting == Counting::Runs);
    let mut said: Vec<String> = doubts
        .filter_map(|row| match row.comparison {
            ImageComparison::Unknown(doubt) => Some(format!("{at}: {doubt}")),
            _ => None,
        })
        .collect();
    said.dedup();
    lines.extend(said);
    let missing = place.missing.iter().map(Untrusted::clean);
    lines.extend(missing.map(|what| format!("{at}: {what}")));
    lines
}

/// How far whoever reconciles is, in one line.
fn reconciled(one: &Reconciler) -> String {
    let revision: Option<String> =
        (one.revision.as_ref()).map(|revision| revision.clean().as_str().chars().take(60).collect());
    let at = revision.map(|revision| format!(" at {revision}")).unwrap_or_default();
    let message = match one.message.is_empty() {
        true => String::new(),
        false => format!(": {}", one.message.quoted()),
    };
    format!("{} {}{at}{message}", one.name.clean(), one.state.as_str())
}

/// Who is in the way of a pin in one namespace, a line each.
pub(super) fn obstacles(target: &str, place: &NamespaceRunning) -> Vec<String> {
    let at = format!("{target}, {}/{}", place.cluster, place.namespace);
    let line = |one: &Blocked| {
        let by = (one.by.as_ref())
            .map(|by| format!(" by {}", by.quoted()))
            .unwrap_or_default();
        let digest = one.digest.map(|digest| digest.short());
        let digest = digest.unwrap_or_else(|| "a digest that is not named".to_owned());
        let what = one.what.as_str().replace('-', " ");
        format!("{at}: {digest}: {what}{by}: {}", one.message.quoted())
    };
    place.blocked.iter().map(line).collect()
}
