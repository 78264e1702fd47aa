//! The command line that does what the screen shows.

use crate::domain::failure::shell_word;

use super::comparison::PlacedDigest;
use super::cursor::ScreenSubject;
use super::state::{CockpitState, Screen};

/// The command line that answers what the screen on top shows.
pub fn equivalent(state: &CockpitState) -> Option<String> {
    if let Some(Screen::Plan(plan)) = state.screen() {
        let command = &plan.proposal()?.command;
        let arguments = command.strip_prefix("pindeck ").unwrap_or(command);
        return Some(with_globals(state, arguments));
    }
    if let Some(Screen::Diff(diff)) = state.screen() {
        let pair = diff.pairs.get(diff.at)?;
        let side = |named: &PlacedDigest| shell_word(&named.image.at(named.digest).to_string());
        return Some(with_globals(
            state,
            &format!("diff {} {}", side(&pair.a), side(&pair.b)),
        ));
    }
    if let Some(Screen::Revert(revert)) = state.screen() {
        let (target, row) = (&revert.target, revert.row()?);
        let (service, environment) = (
            shell_word(target.service.as_str()),
            shell_word(target.environment.as_str()),
        );
        let command = format!("revert {service} --env {environment} --to {}", row.earlier.digest);
        return Some(with_globals(state, &command));
    }
    let subject = state.subject()?;
    let verb = match state.screen() {
        None => "status",
        Some(Screen::Evidence(_)) => "evidence",
        Some(_) => "history",
    };
    let (service, environment) = match &subject {
        ScreenSubject::Pin(key) => (&key.target.service, Some(&key.target.environment)),
        ScreenSubject::Candidate(service) => (service, None),
    };
    let mut command = format!("{verb}{}", if verb == "status" { " --service " } else { " " });
    command.push_str(&shell_word(service.as_str()));
    if let Some(environment) = environment {
        command.push_str(" --env ");
        command.push_str(&shell_word(environment.as_str()));
    }
    Some(with_globals(state, &command))
}

fn with_globals(state: &CockpitState, command: &str) -> String {
    if state.setup.global_arguments.is_empty() {
        format!("pindeck {command}")
    } else {
        format!("pindeck {} {command}", state.setup.global_arguments)
    }
}
