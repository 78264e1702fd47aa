//! `pindeck drift`: once, or as it appears.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::cli::exit::Exit;
use crate::domain::drift::{self as domain, Event};
use crate::domain::failure::Failure;
use crate::domain::text::Clean;
use crate::engine::watch::{DriftEvent, WatchNotice};

use super::args::DriftArgs;
use super::command_context::CommandContext;
use super::output::{say, say_on, warn};
use super::{json, status};

/// How often to look, if nobody says.
const INTERVAL: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize)]
struct DriftDoc<'a> {
    drift: &'a [domain::Drift],
}

/// One line of `--watch --json`.
#[derive(Debug, Serialize)]
struct EventDoc<'a> {
    schema: &'static str,
    generated_at: Timestamp,
    at: Timestamp,
    evidence_as_of: Option<Timestamp>,
    event: Event,
    drift: &'a domain::Drift,
}

/// Runs `pindeck drift`.
///
/// # Errors
/// If repository or configuration cannot be read.
pub(crate) async fn run(context: &CommandContext, args: &DriftArgs) -> Result<Exit, Failure> {
    if args.watch {
        return watch(context, args).await;
    }
    let engine = context.engine()?;
    let board = engine.board().await?;
    for notice in &board.notices {
        warn(notice.clean().as_str());
    }
    context.tell_of_roots(&engine);
    let unreachable = board.unreachable();
    if let Some(what) = &unreachable {
        warn(&format!("not everything could be asked: {what}"));
    }
    if args.json {
        json::print("drift", DriftDoc { drift: &board.drift })?;
    } else {
        for line in status::drift(&board.drift, unreachable.is_none()) {
            say(&line)?;
        }
    }
    Ok(Exit::heaviest([
        if unreachable.is_some() {
            Exit::Unknown
        } else {
            Exit::Done
        },
        if args.exit_code && !board.drift.is_empty() {
            Exit::Found
        } else {
            Exit::Done
        },
    ]))
}

async fn watch(context: &CommandContext, args: &DriftArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let interval = args.interval.unwrap_or(INTERVAL);
    let (to, mut from) = mpsc::channel(64);
    let passes = tokio::spawn(async move {
        let tell = |notice: WatchNotice| match notice {
            WatchNotice::Failed(failure) => {
                let what = failure.sentence();
                warn(&format!("this pass failed and will be tried again: {}", what.clean()));
            }
            WatchNotice::Incomplete(what) => warn(&format!("not everything could be asked: {what}")),
            WatchNotice::Whole => warn("everything could be asked again"),
        };
        engine.watch(interval, to, tell).await
    });
    while let Some(event) = from.recv().await {
        let line = if args.json {
            json::line(&EventDoc {
                schema: "pindeck/drift-event/v1",
                generated_at: event.at,
                at: event.at,
                evidence_as_of: event.evidence_as_of,
                event: event.event,
                drift: &event.drift,
            })?
        } else {
            line(&event)
        };
        if !say_on(&line)? {
            // Nobody reads any more. Closing the channel ends the passes.
            break;
        }
    }
    drop(from);
    passes.await.map_err(|_| Failure::bug("a pass stopped"))??;
    Ok(Exit::Done)
}

fn line(event: &DriftEvent) -> String {
    let drift = &event.drift;
    let place = drift
        .environment
        .as_ref()
        .map_or_else(String::new, |env| format!(" in {env}"));
    let text = format!(
        "{}  {}  {}: {}{place}: {}",
        event.at.strftime("%H:%M:%S"),
        super::text::serde_word(&event.event),
        drift.kind.words(),
        drift.service,
        drift.detail.raw()
    );
    Clean::from_untrusted(&text).into_string()
}
