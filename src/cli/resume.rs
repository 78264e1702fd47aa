//! `pindeck resume`: what a crash left in the journal is finished or dropped.

use std::io::IsTerminal as _;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::EnvId;
use crate::domain::recovery::Fact;
use crate::domain::text::Clean;
use crate::domain::write::WriteFailure;
use crate::engine::Engine;
use crate::engine::release::UnfinishedWrite;

use super::args::ResumeArgs;
use super::command_context::CommandContext;
use super::output::{say, warn};
use super::signals::Interrupts;
use super::{json, write};

/// Runs `pindeck resume`.
///
/// # Errors
/// If there is no usable repository, or its journal cannot be read.
pub(crate) async fn run(context: &CommandContext, args: &ResumeArgs) -> Result<Exit, Failure> {
    // Not `context.engine()`: what that says about the journal is what this command is about.
    let engine = Engine::open(context.options())?;
    let interrupts = Interrupts::listen();
    let left = match interrupts.or(engine.left_behind()).await {
        Ok(left) => left?,
        Err(status) => return Ok(status),
    };
    let (mut entries, mut statuses) = (Vec::new(), Vec::new());
    if left.is_empty() && !args.json {
        say("Nothing was left behind.")?;
    }
    for one in &left {
        if !args.json {
            for line in describe(one) {
                say(&line)?;
            }
        }
        let (status, ended) = match act(&engine, args, one, &interrupts).await {
            Ok(ended) => (Exit::Done, ended),
            Err(StopReason::Asked) => (Exit::Done, json!({"action": "left"})),
            Err(StopReason::Failed(failure)) => {
                let message = failure.what().clean();
                if !args.json {
                    warn(message.as_str());
                }
                let status = interrupts.status().unwrap_or(Exit::of(failure.kind()));
                (
                    status,
                    json!({
                        "action": "failed",
                        "code": status.code(),
                        "message": message,
                        "next": failure.next(),
                    }),
                )
            }
        };
        if !args.json {
            for line in outcome(&ended) {
                say(&line)?;
            }
        }
        statuses.push(status);
        entries.push(document(one, ended));
    }
    if args.json {
        json::print("resume", json!({"entries": entries}))?;
    }
    Ok(Exit::heaviest(statuses))
}

/// Why an unfinished write was left as it is.
enum StopReason {
    /// The person said so, or another process is at it.
    Asked,
    Failed(WriteFailure),
}

async fn act(
    engine: &Engine,
    args: &ResumeArgs,
    one: &UnfinishedWrite,
    interrupts: &Interrupts,
) -> Result<Value, StopReason> {
    let under_way = one.status.is_none() && one.entry.is_some();
    if under_way {
        return Err(StopReason::Asked);
    }
    if args.drop {
        let question = "Forget it? Nothing that it has done is undone. y to forget it: ";
        agreed(args, question, None).await?;
        engine
            .forget_left(&one.id)
            .map_err(|failure| StopReason::Failed(failure.into()))?;
        return Ok(json!({"action": "dropped"}));
    }
    if one.entry.is_none() {
        return Err(StopReason::Failed(Failure::failed(one.says.clone()).into()));
    }
    if let Some(why) = &one.barred {
        return Err(StopReason::Failed(why.clone().into()));
    }
    let name = one.seen().type_name;
    agreed(args, "Finish it? y to finish it: ", name.as_ref().map(EnvId::as_str)).await?;
    let (tx, mut rx) = mpsc::channel(32);
    let listening = tokio::spawn(async move { while rx.recv().await.is_some() {} });
    let done = engine.resume(&one.id, tx, interrupts.cancel()).await;
    let _ = listening.await;
    let receipt = done.map_err(StopReason::Failed)?;
    Ok(json!({
        "action": "finished",
        "state": receipt.state,
        "commits": receipt.commits,
        "pushed": receipt.pushed,
        "proposal_url": receipt.proposal_url,
        "notes": receipt.notes.iter().map(|note| note.clean().into_string()).collect::<Vec<_>>(),
        "copied": receipt.copied,
        "missing_at_destination": receipt.missing_at_destination,
    }))
}

/// Confirmed as every write is: beforehand, or by a person at a terminal; never by nobody.
async fn agreed(args: &ResumeArgs, question: &str, name: Option<&str>) -> Result<(), StopReason> {
    let usage = |words: String| Err(StopReason::Failed(Failure::usage(words).into()));
    let terminal = !args.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    match (name, &args.confirm) {
        (Some(name), Some(typed)) if name == typed => return Ok(()),
        (Some(name), Some(typed)) => return usage(format!("--confirm {typed} is not what this writes to: {name}")),
        (Some(name), None) if !terminal => {
            return usage(format!(
                "{name} is confirmed by its name: add --confirm {name} (--yes is not enough there)"
            ));
        }
        (None, _) if args.yes => return Ok(()),
        (None, _) if !terminal => return usage("there is no terminal to confirm on: add --yes".to_owned()),
        _ => {}
    }
    let (question, wanted) = match name {
        Some(name) => (
            format!("Type the environment's name ({name}) to finish it, anything else to leave it: "),
            vec![name],
        ),
        None => (question.to_owned(), vec!["y", "yes"]),
    };
    let answer = write::answer(&question).await;
    match answer.is_some_and(|answer| wanted.contains(&answer.as_str())) {
        true => Ok(()),
        false => Err(StopReason::Asked),
    }
}

fn describe(one: &UnfinishedWrite) -> Vec<String> {
    let clean = |text: String| Clean::from_untrusted(&text).into_string();
    let left = one.seen();
    let begun = left.started.map_or_else(String::new, |at| format!(", begun {at}"));
    let pins = left.writes.iter();
    let mut out: Vec<String> = pins
        .map(|pin| clean(format!("{} to {}{begun}", pin.what, pin.to)))
        .collect();
    if out.is_empty() {
        out.push(clean(left.id));
    }
    out.push(clean(format!("  {}", left.says)));
    out
}

fn outcome(ended: &Value) -> Vec<String> {
    let text = |key: &str| ended[key].as_str().unwrap_or_default().to_owned();
    let mut out = vec![match text("action").as_str() {
        "finished" => match text("state").as_str() {
            "already" => "  finished: everything was already so".to_owned(),
            state => format!("  finished: {state} ({})", text("pushed")),
        },
        "dropped" => "  dropped; nothing that it had done was undone".to_owned(),
        "left" => "  left as it stands".to_owned(),
        _ => {
            "  not finished; it stays in the journal until it is finished or dropped (pindeck resume --drop)".to_owned()
        }
    }];
    for commit in ended["commits"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        out.push(format!("  commit {commit}"));
    }
    out
}

fn document(one: &UnfinishedWrite, ended: Value) -> Value {
    let known = |fact: Fact| match fact {
        Fact::Yes => Value::Bool(true),
        Fact::No => Value::Bool(false),
        Fact::Unknown => Value::Null,
    };
    let mut out = json!({
        "id": one.id,
        "says": one.says,
        "copied": one.status.and_then(|s| s.copied).map_or(Value::Null, known),
        "committed": one.status.map(|s| s.committed),
        "pushed": one.status.map_or(Value::Null, |s| known(s.pushed)),
        "begun_at": one.entry.as_ref().map(|e| e.started.to_string()),
        "writes": one.entry.as_ref().map(|e| &e.writes),
    });
    if let (Some(out), Value::Object(more)) = (out.as_object_mut(), ended) {
        out.extend(more.into_iter().map(|(key, value)| {
            // What stood before finishing keeps its name.
            let key = match key.as_str() {
                "copied" => "copied_now".to_owned(),
                "pushed" => "pushed_to".to_owned(),
                _ => key,
            };
            (key, value)
        }));
    }
    out
}
