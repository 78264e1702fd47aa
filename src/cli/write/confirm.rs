//! Confirming a write: beforehand on the command line, or by a person at a terminal. Never by a bare
//! Enter.

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};

use crate::domain::failure::{Failure, Hint};
use crate::domain::id::EnvId;
use crate::domain::policy::Confirm;
use crate::domain::write::Proposal;

use super::options::WriteOptions;

/// What the command line already settles; an error if it cannot be settled any more.
pub(super) fn beforehand(proposal: &Proposal, how: &WriteOptions, terminal: bool) -> Result<(), Failure> {
    let all: BTreeSet<&EnvId> = proposal.plans.iter().map(|plan| &plan.environment).collect();
    if let Some(typed) = &how.confirm
        && !all.iter().all(|env| env.as_str() == typed)
    {
        let names: Vec<&str> = all.iter().map(|env| env.as_str()).collect();
        return Err(Failure::usage(format!(
            "--confirm {typed} is not what this writes to: {}",
            names.join(", ")
        )));
    }
    if how.confirm.is_some() || terminal {
        return Ok(());
    }
    if let Some(env) = to_be_typed(proposal) {
        return Err(
            Failure::usage(format!("{env} is confirmed by its name")).hint(Hint::with(
                "add --confirm {} (--yes is not enough there)",
                &[env.into()],
            )),
        );
    }
    Ok(())
}

/// The first environment that wants its name typed.
fn to_be_typed(proposal: &Proposal) -> Option<&EnvId> {
    let wants = |p: &&crate::domain::plan::Plan| p.confirm == Confirm::TypeName;
    proposal.plans.iter().find(wants).map(|plan| &plan.environment)
}

/// Asks the person, unless the command line said it all.
pub(super) async fn ask(proposal: &Proposal, how: &WriteOptions) -> bool {
    if how.confirm.is_some() {
        return true;
    }
    let (question, wanted) = match to_be_typed(proposal) {
        Some(env) => (
            format!("Type the environment's name ({env}) to go on, anything else to stop: "),
            vec![env.to_string()],
        ),
        None if how.yes => return true,
        None => (
            "Carry this out? y to go on, anything else to stop: ".to_owned(),
            vec!["y".to_owned(), "yes".to_owned()],
        ),
    };
    answer(question).await.is_some_and(|answer| wanted.contains(&answer))
}

/// Asks at the terminal. On a thread of its own, so that a signal is heard while a person thinks.
pub(crate) async fn answer(question: String) -> Option<String> {
    tokio::task::spawn_blocking(move || read(&question))
        .await
        .ok()
        .flatten()
}

fn read(question: &str) -> Option<String> {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{question}");
    let _ = err.flush();
    drop(err);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    Some(line.trim().to_owned())
}
