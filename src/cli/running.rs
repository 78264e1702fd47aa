//! `pindeck running`: what the clusters run, beside what is pinned.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::running::blocked::Blocked;
use crate::domain::running::comparison::ImageComparison;
use crate::domain::running::observation::{NamespaceRunning, RunningDigest, RunningState};
use crate::domain::running::pods::Counting;
use crate::domain::text::Untrusted;
use crate::engine::cluster_access::ClusterAccesses;
use crate::engine::running::{PinRunning, RunningAnswer, RunningFilter};

use super::args::RunningArgs;
use super::command_context::CommandContext;
use super::json;
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
    let known = context.user.clusters.iter();
    let accesses: ClusterAccesses = known
        .map(|(name, access)| (name.get_ref().clone(), access.clone()))
        .collect();
    let answer = engine.running(&filter, &accesses).await?;
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
            "running": running(one, answer.observed_at),
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

/// The object `running` of a pin; `null` where nothing is asked about it.
fn running(one: &PinRunning, observed_at: Timestamp) -> Value {
    let Some(state) = one.state else { return Value::Null };
    json!({
        "state": state.as_str(), "observed_at": observed_at,
        "clusters": one.namespaces.iter().map(namespace).collect::<Vec<_>>(),
    })
}

fn namespace(one: &NamespaceRunning) -> Value {
    json!({
        "cluster": one.cluster, "namespace": one.namespace, "state": one.state.as_str(), "past": one.is_past,
        "digests": one.digests.iter().map(digest).collect::<Vec<_>>(),
        "reconciler": Value::Null,
        "blocked": one.blocked.iter().map(blocked).collect::<Vec<_>>(),
        "missing": one.missing,
    })
}

fn digest(row: &RunningDigest) -> Value {
    let (matched, doubt) = match row.comparison {
        ImageComparison::Same(how) => (Some(how.as_str()), None),
        ImageComparison::Differs => (Some("none"), None),
        ImageComparison::Unknown(doubt) => (None, Some(doubt.to_string())),
    };
    json!({
        "digest": row.digest, "match": matched, "doubt": doubt, "named": row.named, "asked": row.asked,
        "pods": row.pods, "ready": row.ready, "since": row.since, "job": row.is_job,
        "counts": match row.counting {
            Counting::Runs => "runs",
            Counting::ShouldRun => "should-run",
            Counting::Lost => "lost",
            Counting::Leaving => "leaving",
            Counting::Aside => "aside",
        },
    })
}

fn blocked(one: &Blocked) -> Value {
    json!({
        "what": one.what.as_str(), "by": one.by, "digest": one.digest, "message": one.message, "since": one.since,
    })
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
    let mut lines = Vec::new();
    for one in &place.blocked {
        let by = one
            .by
            .as_ref()
            .map(|by| format!(" by {}", by.quoted()))
            .unwrap_or_default();
        let digest = one
            .digest
            .map_or_else(|| "a digest that is not named".to_owned(), |digest| digest.short());
        let what = one.what.as_str().replace('-', " ");
        lines.push(format!("{at}: {digest}: {what}{by}: {}", one.message.quoted()));
    }
    let doubts = place.digests.iter().filter(|row| row.counting == Counting::Runs);
    let mut said: Vec<String> = doubts
        .filter_map(|row| match row.comparison {
            ImageComparison::Unknown(doubt) => Some(format!("{at}: {doubt}")),
            _ => None,
        })
        .collect();
    said.dedup();
    lines.extend(said);
    lines.extend(
        place
            .missing
            .iter()
            .map(Untrusted::clean)
            .map(|what| format!("{at}: {what}")),
    );
    lines
}
