//! Handing texts to the terminal's clipboard. Whether the terminal takes them nobody can know.

use crate::app::command::Command;
use crate::app::state::{Screen, State, Subject};
use crate::domain::reference::ImageRef;

pub(super) fn digest(state: &mut State) -> Vec<Command> {
    let digest = state.subject().and_then(|subject| state.digest_of(&subject));
    digest.map_or_else(Vec::new, |digest| copy(digest.to_string(), "digest"))
}

pub(super) fn reference(state: &mut State) -> Vec<Command> {
    let reference = state.subject().and_then(|subject| match &subject {
        Subject::Pin(key) => {
            let pin = &state.cell_of(&subject)?.pin;
            Some(ImageRef {
                repository: key.image.clone(),
                tag: pin.tag.clone(),
                digest: key.digest,
            })
        }
        Subject::Candidate(service) => {
            let candidate = state.board.row(service)?.candidate.value()?.as_ref()?;
            Some(ImageRef {
                repository: candidate.image.clone(),
                tag: Some(candidate.tag.clone()),
                digest: Some(candidate.digest),
            })
        }
    });
    reference.map_or_else(Vec::new, |reference| copy(reference.to_string(), "reference"))
}

pub(super) fn command(state: &mut State) -> Vec<Command> {
    equivalent(state).map_or_else(Vec::new, |command| copy(command, "command"))
}

/// The command line that answers what the screen on top shows.
pub fn equivalent(state: &State) -> Option<String> {
    if let Some(Screen::Plan(plan)) = state.screen() {
        let command = &plan.proposal()?.command;
        let arguments = command.strip_prefix("pindeck ").unwrap_or(command);
        return Some(with_globals(state, arguments));
    }
    if let Some(Screen::Diff(diff)) = state.screen() {
        let pair = diff.pairs.get(diff.at)?;
        let side = |named: &crate::app::release::Named| quoted(&named.image.at(named.digest).to_string());
        return Some(with_globals(
            state,
            &format!("diff {} {}", side(&pair.a), side(&pair.b)),
        ));
    }
    let subject = state.subject()?;
    let verb = match state.screen() {
        None => "status",
        Some(Screen::Evidence(_)) => "evidence",
        Some(_) => "history",
    };
    let (service, environment) = match &subject {
        Subject::Pin(key) => (&key.target.service, Some(&key.target.environment)),
        Subject::Candidate(service) => (service, None),
    };
    let mut command = format!("{verb}{}", if verb == "status" { " --service " } else { " " });
    command.push_str(&quoted(service.as_str()));
    if let Some(environment) = environment {
        command.push_str(" --env ");
        command.push_str(&quoted(environment.as_str()));
    }
    Some(with_globals(state, &command))
}

fn with_globals(state: &State, command: &str) -> String {
    if state.setup.global_arguments.is_empty() {
        format!("pindeck {command}")
    } else {
        format!("pindeck {} {command}", state.setup.global_arguments)
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '=' | ',');
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn copy(text: String, what: &str) -> Vec<Command> {
    vec![Command::Copy {
        text,
        what: what.to_owned(),
    }]
}

pub(super) fn sent(state: &mut State, what: &str, refused: Option<String>) -> Vec<Command> {
    match refused {
        None => state.say(format!("{what} sent to terminal")),
        Some(why) => state.complain(format!("{what} not sent: {why}")),
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        for (word, safe) in [
            ("payments", "payments"),
            ("team-a/api", "team-a/api"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$(x)", "'$(x)'"),
            ("-x", "'-x'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), safe);
        }
    }
}
