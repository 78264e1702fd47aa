//! `pindeck running`: what the clusters run, beside what is pinned.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::running::blocked::Blocked;
use crate::domain::running::comparison::ImageComparison;
use crate::domain::running::observation::{NamespaceRunning, RunningDigest, RunningState};
use crate::domain::running::pods::Counting;
use crate::domain::running::reconciler::Reconciler;
use crate::domain::running::report::RunningReport;
use crate::domain::text::Untrusted;
use crate::engine::Engine;
use crate::engine::running::watch::RunningChange;
use crate::engine::running::{PinRunning, RunningAnswer, RunningFilter};

use super::args::RunningArgs;
use super::command_context::CommandContext;
use super::json::{self, running::running};
use super::output::{say, say_on, warn};
use super::text::Table;

/// How often to look where no cluster says that something changed, if nobody says.
const INTERVAL: Duration = Duration::from_secs(30);

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
    if args.watch {
        return watch(engine, filter, args).await;
    }
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

/// One line of `--watch --json`.
#[derive(Debug, Serialize)]
struct RunningEventDoc<'a> {
    schema: &'static str,
    generated_at: Timestamp,
    at: Timestamp,
    service: &'a str,
    environment: &'a str,
    component: Option<&'a str>,
    digest: Option<Digest>,
    running: Value,
}

async fn watch(engine: Engine, filter: RunningFilter, args: &RunningArgs) -> Result<Exit, Failure> {
    let interval = args.interval.unwrap_or(INTERVAL);
    let (to, mut from) = mpsc::channel(64);
    let looks = tokio::spawn(async move {
        let trouble = |failure: Failure| {
            let what = failure.sentence();
            warn(&format!("this look failed and will be tried again: {}", what.clean()));
        };
        engine.watch_running(&filter, interval, to, trouble).await
    });
    while let Some(change) = from.recv().await {
        let (pin, at) = (&change.now.pin, change.at);
        let Some(state) = change.now.state else { continue };
        let goes_on = if args.json {
            let line = json::line(&RunningEventDoc {
                schema: "pindeck/running-event/v1",
                generated_at: at,
                at,
                service: pin.target.service.as_str(),
                environment: pin.target.environment.as_str(),
                component: pin.component.as_deref(),
                digest: pin.digest,
                running: running(state, Some(at), &change.now.namespaces),
            })?;
            say_on(&line)?
        } else {
            let mut goes_on = true;
            for line in change_lines(&change, state) {
                goes_on = goes_on && say_on(&line)?;
            }
            goes_on
        };
        if !goes_on {
            // Nobody reads any more. Closing the channel ends the looks.
            break;
        }
    }
    drop(from);
    looks.await.map_err(|_| Failure::bug("a look stopped"))??;
    Ok(Exit::Done)
}

/// A change for people: the word, then who is in the way and what is not known.
fn change_lines(change: &RunningChange, state: RunningState) -> Vec<String> {
    let report = RunningReport {
        state,
        since: change.at,
        namespaces: change.now.namespaces.clone(),
    };
    let target = change.now.pin.target.to_string();
    let head = format!("{}  {target}: {}", change.at.strftime("%H:%M:%S"), report.brief());
    let below = report.namespaces.iter().flat_map(|place| {
        let words = remarks(place).into_iter();
        words.map(|words| format!("{target}, {}: {words}", place_of(place)))
    });
    std::iter::once(head)
        .chain(below.map(|line| format!("          {line}")))
        .collect()
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
            // Nothing that was seen is not "none of none".
            let ready = match counted.is_empty() {
                true => "-".to_owned(),
                false => format!("{}/{}", sum(|row| row.ready), sum(|row| row.pods)),
            };
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
            below.extend(
                remarks(place)
                    .into_iter()
                    .map(|words| (target.to_string(), place_of(place), words)),
            );
        }
    }
    if table.is_empty() {
        return vec!["no pin is in an environment that says where it runs".to_owned()];
    }
    let mut lines = table.lines();
    if !below.is_empty() {
        lines.push(String::new());
        lines.extend(each_once(&below));
    }
    lines
}

/// What is said of several pins of one namespace in the same words is said once, with all of them.
fn each_once(remarks: &[(String, String, String)]) -> Vec<String> {
    let mut said: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for (target, place, words) in remarks {
        match said.iter_mut().find(|(at, what, _)| at == place && what == words) {
            Some((.., targets)) => targets.push(target),
            None => said.push((place, words, vec![target])),
        }
    }
    let line = |(place, words, targets): (&str, &str, Vec<&str>)| match targets.as_slice() {
        [one] => format!("{one}, {place}: {words}"),
        all => format!("{place}: {words} ({} pins: {})", all.len(), all.join("; ")),
    };
    said.into_iter().map(line).collect()
}

fn place_of(place: &NamespaceRunning) -> String {
    format!("{}/{}", place.cluster, place.namespace)
}

/// What stands below the table about one pin in one namespace: who is in the way, and what is not known.
fn remarks(place: &NamespaceRunning) -> Vec<String> {
    let mut lines: Vec<String> = in_the_way(place).collect();
    lines.extend(place.reconciler.as_ref().map(reconciled));
    let doubts = place.digests.iter().filter(|row| row.counting == Counting::Runs);
    let mut said: Vec<String> = doubts
        .filter_map(|row| match row.comparison {
            ImageComparison::Unknown(doubt) => Some(doubt.to_string()),
            _ => None,
        })
        .collect();
    said.dedup();
    lines.extend(said);
    let missing = place.missing.iter().map(Untrusted::clean);
    lines.extend(missing.map(|what| what.into_string()));
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
    let at = format!("{target}, {}", place_of(place));
    in_the_way(place).map(|words| format!("{at}: {words}")).collect()
}

fn in_the_way(place: &NamespaceRunning) -> impl Iterator<Item = String> {
    let line = |one: &Blocked| {
        let by = (one.by.as_ref())
            .map(|by| format!(" by {}", by.quoted()))
            .unwrap_or_default();
        let digest = one.digest.map(|digest| digest.short());
        let digest = digest.unwrap_or_else(|| "a digest that is not named".to_owned());
        let what = one.what.as_str().replace('-', " ");
        format!("{digest}: {what}{by}: {}", one.message.quoted())
    };
    place.blocked.iter().map(line)
}
