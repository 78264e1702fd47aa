//! Handing texts to the terminal's clipboard. Whether the terminal takes them nobody can know.

use crate::app::command::Command;
use crate::app::cursor::ScreenSubject;
use crate::app::equivalent::equivalent;
use crate::app::state::{CockpitState, Screen};
use crate::domain::reference::ImageRef;

pub(super) fn digest(state: &mut CockpitState) -> Vec<Command> {
    let digest = match state.screen() {
        Some(Screen::Plan(plan)) => plan
            .proposal()
            .and_then(|proposal| proposal.plans.first())
            .map(|plan| plan.to),
        _ => state.subject().and_then(|subject| state.digest_of(&subject)),
    };
    digest.map_or_else(Vec::new, |digest| copy(digest.to_string(), "digest"))
}

pub(super) fn reference(state: &mut CockpitState) -> Vec<Command> {
    if let Some(Screen::Plan(plan)) = state.screen() {
        let planned = plan.proposal().and_then(|proposal| proposal.plans.first());
        let reference = planned.and_then(|plan| Some(plan.image.as_ref()?.at(plan.to).to_string()));
        return reference.map_or_else(Vec::new, |reference| copy(reference, "reference"));
    }
    let reference = state.subject().and_then(|subject| match &subject {
        ScreenSubject::Pin(key) => {
            let pin = &state.cell_of(&subject)?.pin;
            Some(ImageRef {
                repository: key.image.clone(),
                tag: pin.tag.clone(),
                digest: key.digest,
            })
        }
        ScreenSubject::Candidate(service) => {
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

pub(super) fn command(state: &mut CockpitState) -> Vec<Command> {
    equivalent(state).map_or_else(Vec::new, |command| copy(command, "command"))
}

fn copy(text: String, what: &str) -> Vec<Command> {
    vec![Command::Copy {
        text,
        what: what.to_owned(),
    }]
}

pub(super) fn sent(state: &mut CockpitState, what: &str, refused: Option<String>) -> Vec<Command> {
    match refused {
        None => state.say(format!("{what} sent to terminal")),
        Some(why) => state.complain(format!("{what} not sent: {why}")),
    }
    Vec::new()
}
