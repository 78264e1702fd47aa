//! Line mode: what the board says, one change a line, for screen readers and dumb terminals.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::channel;

use super::backend::Backend;
use super::clock;
use crate::app::cell_status::{self, CellStatus};
use crate::domain::board::{Board, Update};
use crate::domain::failure::Failure;
use crate::domain::text::Clean;

/// What has been said already, so that only changes are said again.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    board: Board,
    said: BTreeMap<String, String>,
}

impl Narrator {
    /// Folds an update in; answers the lines it is worth. Every line is clean.
    pub(crate) fn tell(&mut self, update: Update, now: Timestamp) -> Vec<String> {
        let settled = matches!(update, Update::Finished(_) | Update::Opened { .. });
        let notice = match &update {
            Update::Notice(text) => Some(text.clean().into_string()),
            _ => None,
        };
        self.board.apply(update);
        let mut lines = Vec::new();
        if let Some(notice) = notice {
            lines.push(format!("notice: {notice}"));
        }
        if let (true, Some(repository)) = (settled, &self.board.repository) {
            let commit: String = repository.commit.chars().take(7).collect();
            let text = format!("repository {}, {} at {commit}", repository.path, repository.branch);
            say(&mut self.said, &mut lines, "repository".to_owned(), text);
        }
        for row in &self.board.services {
            for cell in &row.cells {
                let current = cell_status::of_cell(cell, now).status;
                if matches!(current, CellStatus::Loading | CellStatus::NotChecked) {
                    continue;
                }
                let target = &cell.pin.target;
                let bytes = match cell.pin.digest {
                    Some(digest) => digest.short(),
                    None => format!("tag {}", cell.pin.tag.as_deref().unwrap_or("none")),
                };
                let causes: Vec<String> = cell
                    .verdict()
                    .iter()
                    .flat_map(|verdict| &verdict.causes)
                    .map(|cause| format!("{} {}", cause.check.as_str(), cause.cause.as_str()))
                    .collect();
                let why = if causes.is_empty() {
                    String::new()
                } else {
                    format!(": {}", causes.join(", "))
                };
                let text = format!(
                    "{}, {}: {bytes} {}{why}",
                    target.service,
                    target.environment,
                    current.word()
                );
                say(&mut self.said, &mut lines, format!("pin {:?}", cell.pin.key()), text);
            }
            if let Some(candidate) = row.candidate.value().and_then(Option::as_ref) {
                let text = format!(
                    "{}, CI offers {} ({})",
                    row.name,
                    candidate.digest.short(),
                    candidate.tag
                );
                say(&mut self.said, &mut lines, format!("candidate {}", row.name), text);
            }
        }
        if self.board.finished_at.is_some() {
            self.drift(&mut lines);
        }
        lines
    }

    fn drift(&mut self, lines: &mut Vec<String>) {
        let now: Vec<String> = self.board.drift.iter().map(|d| format!("drift {}", d.id)).collect();
        let gone: Vec<String> = self
            .said
            .keys()
            .filter(|key| key.starts_with("drift ") && !now.contains(key))
            .cloned()
            .collect();
        for key in gone {
            if let Some(text) = self.said.remove(&key) {
                lines.push(format!("cleared: {text}"));
            }
        }
        for drift in &self.board.drift {
            let place = drift
                .environment
                .as_ref()
                .map_or_else(String::new, |e| format!(", {e}"));
            let text = format!(
                "drift: {}{place}: {}, {}",
                drift.service,
                drift.kind.words(),
                drift.detail.clean()
            );
            say(&mut self.said, lines, format!("drift {}", drift.id), text);
        }
    }
}

fn say(said: &mut BTreeMap<String, String>, lines: &mut Vec<String>, key: String, text: String) {
    let text = Clean::from_untrusted(&text).into_string();
    if said.get(&key) != Some(&text) {
        said.insert(key, text.clone());
        lines.push(text);
    }
}

/// Prints the board as it becomes known. With `every`, goes on looking and prints what changes,
/// until interrupted; without, ends after one pass.
///
/// # Errors
/// If the lines cannot be written.
pub(crate) async fn run(
    backend: Arc<dyn Backend>,
    every: Option<Duration>,
    out: &mut (dyn Write + Send),
) -> io::Result<Result<(), Failure>> {
    let mut narrator = Narrator::default();
    loop {
        let (to, mut from) = channel(64);
        let mut job = tokio::spawn(backend.refresh(None, to));
        let result = loop {
            tokio::select! {
                biased;
                update = from.recv() => match update {
                    Some(update) => {
                        for line in narrator.tell(update, clock::now()) {
                            writeln!(out, "{line}")?;
                        }
                        out.flush()?;
                    }
                    None => break (&mut job).await,
                },
                _ = tokio::signal::ctrl_c() => {
                    job.abort();
                    return Ok(Ok(()));
                }
            }
        };
        let result = result.unwrap_or_else(|_| {
            Err(Failure::failed("pindeck itself failed while refreshing the board")
                .hint("please report it with the log"))
        });
        let Some(every) = every else {
            return Ok(result);
        };
        if let Err(failure) = result {
            writeln!(out, "refresh failed: {}. {}", failure.what.clean(), failure.next())?;
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Ok(())),
        }
    }
}
