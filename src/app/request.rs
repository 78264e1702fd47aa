//! What the writing keys would ask for where the cursor is: the one place that footer, help, palette
//! and the keys themselves consult.

use super::action::Action;
use super::cursor::{Column, ScreenSubject, cells, columns};
use super::held::next_environments;
use super::plan_screen::Stage;
use super::state::{CockpitState, ModalChoice, Screen};
use crate::domain::board::{Cell, Hold};
use crate::domain::foreseen;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::write::{Ask, Source};

/// A step forward that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepForward {
    /// Which services.
    pub services: Vec<ServiceId>,
    /// Out of which column.
    pub from: Column,
    /// Where the digests come from.
    pub source: Source,
    /// The environments they could step into: one, or several to choose from.
    pub to: Vec<EnvId>,
    /// The digest on screen of each service.
    pub seen: Vec<(ServiceId, Digest)>,
}

impl StepForward {
    /// What is asked for one of its environments.
    pub fn ask(&self, to: &EnvId) -> Ask {
        Ask::Promote {
            services: self.services.clone(),
            to: to.clone(),
            from: Some(self.source.clone()),
        }
    }
}

/// What the screen on top, or the cursor of the board, is about.
///
/// # Errors
/// Why it is about nothing, as a clause for the person.
pub(super) fn on_screen_subject(state: &CockpitState) -> Result<ScreenSubject, String> {
    if let Some(subject) = state.subject() {
        return Ok(subject);
    }
    match state.screen() {
        Some(Screen::Plan(_)) => return Err("not on a plan: esc goes back".to_owned()),
        Some(Screen::Revert(_)) => return Err("not while a digest is chosen: esc goes back".to_owned()),
        Some(Screen::Events(_)) => return Err("not on the events: esc goes back".to_owned()),
        _ => {}
    }
    match &state.cursor {
        None => Err("nothing is selected".to_owned()),
        Some(cursor) if state.board.row(&cursor.service).is_none() => {
            Err(format!("{} is no longer on the board", cursor.service))
        }
        Some(_) => Err(nothing_here(state)),
    }
}

/// Why the cursor of the board is on nothing, as a clause for the person.
pub(super) fn nothing_here(state: &CockpitState) -> String {
    let column = state.cursor.as_ref().map(|cursor| &cursor.column);
    match column {
        Some(Column::Environment(environment)) if state.board.unread(environment).is_some() => {
            format!("{environment} was not read: what is pinned there is not known")
        }
        _ => "nothing is pinned here".to_owned(),
    }
}

/// Whether this cockpit may write now.
///
/// # Errors
/// The reason why not, as a clause for the person.
pub(super) fn writable(state: &CockpitState) -> Result<(), String> {
    if state.setup.read_only {
        return Err("read-only: pindeck was started so that nothing can be written".to_owned());
    }
    if state
        .board
        .repository
        .as_ref()
        .is_some_and(|repository| repository.remote.is_none())
    {
        return Err("this repository has no remote: there is nowhere to push a release to".to_owned());
    }
    if let Some(writing) = &state.writing {
        return Err(format!("one write at a time: {} is in flight", writing.what));
    }
    if matches!(state.screen(), Some(Screen::Plan(_))) {
        return Err("a plan is on screen: esc goes back".to_owned());
    }
    // A comparison that a plan opened belongs to that plan, and so does whatever it opens.
    if state.screens.iter().any(|screen| matches!(screen, Screen::Plan(_))) {
        return Err("a plan is open behind this: esc goes back to it".to_owned());
    }
    Ok(())
}

fn open_for_writes(state: &CockpitState, environment: &EnvId) -> Result<(), String> {
    let found = state.board.environments.iter().find(|e| e.name == *environment);
    match found {
        Some(environment) if environment.read_only => Err(format!("{} is read-only in pindeck.toml", environment.name)),
        Some(_) => Ok(()),
        None => Err(format!("{environment} is no environment of this repository")),
    }
}

/// Whether services are marked and the cursor is on none of them: then a key could mean either.
pub fn marks_are_elsewhere(state: &CockpitState) -> bool {
    let here = state.cursor.as_ref().map(|cursor| &cursor.service);
    state.screen().is_none() && !state.marked.is_empty() && here.is_none_or(|service| !state.marked.contains(service))
}

/// What `promote` means now: the digest under the cursor (of every marked service, if some are marked)
/// steps into the environment that comes after its column. Where the cursor is on none of the marked
/// services it could mean either: [`promotions`].
///
/// # Errors
/// Why there is no such step, as a clause for the person.
pub fn promote(state: &CockpitState) -> Result<StepForward, String> {
    writable(state)?;
    let subject = on_screen_subject(state)?;
    let marked = marked(state);
    if marked.is_empty() {
        return promotion(state, &subject, vec![service_of(&subject)]);
    }
    let set = promotion(state, &subject, marked);
    if marks_are_elsewhere(state) {
        return set.or_else(|why| promotion(state, &subject, vec![service_of(&subject)]).map_err(|_| why));
    }
    set
}

/// Everything that `promote` could mean now: one promotion, or where the cursor is on none of the marked
/// services that of the marked ones and that of the service under the cursor, as far as they are possible.
pub fn promotions(state: &CockpitState) -> Vec<StepForward> {
    if writable(state).is_err() {
        return Vec::new();
    }
    if !marks_are_elsewhere(state) {
        return promote(state).into_iter().collect();
    }
    let Ok(subject) = on_screen_subject(state) else {
        return Vec::new();
    };
    let set = promotion(state, &subject, marked(state));
    let own = promotion(state, &subject, vec![service_of(&subject)]);
    set.into_iter().chain(own).collect()
}

/// The step of these services into an environment, out of whichever column comes before it.
///
/// # Errors
/// Why there is no such step, as a clause for the person.
pub fn promote_into(state: &CockpitState, services: &[ServiceId], to: &EnvId) -> Result<StepForward, String> {
    writable(state)?;
    open_for_writes(state, to)?;
    let Some(row) = services.first().and_then(|name| state.board.row(name)) else {
        return Err("no service is named".to_owned());
    };
    let mut refused = format!("nothing steps into {to}");
    for column in columns(&state.board) {
        if !next_environments(&state.board, &column).contains(to) {
            continue;
        }
        let subject = match &column {
            Column::Candidate => Some(ScreenSubject::Candidate(row.name.clone())),
            Column::Environment(name) => cells(row, name).next().map(|cell| ScreenSubject::Pin(cell.pin.key())),
        };
        match subject.map(|subject| promotion(state, &subject, services.to_vec())) {
            Some(Ok(step)) if step.to.contains(to) => {
                return Ok(StepForward {
                    to: vec![to.clone()],
                    ..step
                });
            }
            Some(Ok(_)) => refused = format!("{to} pins these bytes already"),
            Some(Err(why)) => refused = why,
            None => {
                refused = match &column {
                    Column::Environment(name) if state.board.unread(name).is_some() => {
                        format!("{name} could not be read")
                    }
                    _ => format!("{} is not pinned in the environment before {to}", row.name),
                };
            }
        }
    }
    Err(refused)
}

/// The marked services in the order of the board; none where another screen is open.
fn marked(state: &CockpitState) -> Vec<ServiceId> {
    let names = state.board.services.iter().map(|row| &row.name);
    let on_board = state.screen().is_none();
    names
        .filter(|name| on_board && state.marked.contains(*name))
        .cloned()
        .collect()
}

fn service_of(subject: &ScreenSubject) -> ServiceId {
    match subject {
        ScreenSubject::Pin(key) => key.target.service.clone(),
        ScreenSubject::Candidate(service) => service.clone(),
    }
}

/// The digests of these services in the column of `subject` step into the next environment.
fn promotion(state: &CockpitState, subject: &ScreenSubject, services: Vec<ServiceId>) -> Result<StepForward, String> {
    let column = match subject {
        ScreenSubject::Pin(key) => Column::Environment(key.target.environment.clone()),
        ScreenSubject::Candidate(_) => Column::Candidate,
    };
    let mut seen = Vec::new();
    let mut source = match &column {
        Column::Environment(name) => Source::Environment(name.clone()),
        Column::Candidate => Source::Candidate,
    };
    for service in &services {
        let row = state
            .board
            .row(service)
            .ok_or_else(|| format!("{service} is no longer on the board"))?;
        match &column {
            Column::Candidate => match row.candidate.value() {
                Some(Some(candidate)) => seen.push((service.clone(), candidate.digest)),
                _ => return Err(format!("no candidate of {service} is known")),
            },
            Column::Environment(name) => {
                let pins: Vec<&Cell> = cells(row, name).collect();
                let chosen = match (subject, pins.as_slice()) {
                    (_, []) if state.board.unread(name).is_some() => return Err(format!("{name} could not be read")),
                    (_, []) => return Err(format!("{service} is not pinned in {name}")),
                    (_, [one]) => one.pin.digest,
                    (ScreenSubject::Pin(key), _) if services.len() == 1 && key.target.service == *service => {
                        // One of several pins: exactly this one.
                        if let Some(digest) = key.digest {
                            source = Source::Digest(digest);
                        }
                        key.digest
                    }
                    _ => return Err(format!("{service} has several pins in {name}: promote it on its own")),
                };
                let pin_key = state.keymap.key_of(Action::Pin);
                let hint = pin_key.map_or_else(String::new, |key| format!(" ({key} pins its digest)"));
                let digest = chosen
                    .ok_or_else(|| format!("{service} is pinned by tag only in {name}: there is no digest{hint}"))?;
                seen.push((service.clone(), digest));
            }
        }
    }
    let all = next_environments(&state.board, &column);
    let open: Vec<&EnvId> = all.iter().filter(|env| open_for_writes(state, env).is_ok()).collect();
    let to: Vec<EnvId> = open
        .iter()
        .filter(|env| !all_pinned(state, env, &seen))
        .map(|env| (*env).clone())
        .collect();
    match (all.first(), open.first(), to.is_empty(), &column) {
        (None, _, _, Column::Environment(name)) => Err(format!("nothing comes after {name}")),
        (None, _, _, Column::Candidate) => Err("no environment takes what CI built".to_owned()),
        (Some(first), None, _, _) => Err(format!("{first} is read-only in pindeck.toml")),
        (_, Some(first), true, _) => Err(match seen.len() {
            1 => format!("{first} pins these bytes already"),
            n => format!("{first} pins all {n} already"),
        }),
        _ => Ok(StepForward {
            services,
            from: column,
            source,
            to,
            seen,
        }),
    }
}

/// Whether an environment pins each of these digests and nothing else of its service.
fn all_pinned(state: &CockpitState, environment: &EnvId, digests: &[(ServiceId, Digest)]) -> bool {
    digests.iter().all(|(service, digest)| {
        let row = state.board.row(service);
        let mut pins = row.into_iter().flat_map(|row| cells(row, environment)).peekable();
        pins.peek().is_some() && pins.all(|cell| cell.pin.digest == Some(*digest))
    })
}

/// What `revert` means now: which pin goes back, and on the history screen to which digest (that of the
/// selected line). Which digest it becomes is chosen on a screen of its own.
///
/// # Errors
/// Why there is none, as a clause for the person.
pub fn revert(state: &CockpitState) -> Result<(Target, Option<Digest>), String> {
    writable(state)?;
    match state.screen() {
        Some(Screen::Revert(_)) => return Err("choose a digest: enter plans the way back to it".to_owned()),
        Some(Screen::History(history)) => {
            let target = history.target.clone();
            open_for_writes(state, &target.environment)?;
            let selected = history.selected.as_ref();
            let entry = selected
                .and_then(|commit| history.entries.iter().find(|entry| entry.commit == *commit))
                .ok_or_else(|| "no line is selected".to_owned())?;
            let digest = entry
                .to
                .ok_or_else(|| "this line pinned no digest: choose another".to_owned())?;
            let row = state.board.row(&target.service);
            let pinned: Vec<Option<Digest>> = row
                .map(|row| cells(row, &target.environment).map(|cell| cell.pin.digest).collect())
                .unwrap_or_default();
            if !pinned.is_empty() && pinned.iter().all(|pin| *pin == Some(digest)) {
                return Err("this is what is pinned now: choose an older line".to_owned());
            }
            return Ok((target, Some(digest)));
        }
        _ => {}
    }
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) => {
            open_for_writes(state, &key.target.environment)?;
            Ok((key.target, None))
        }
        ScreenSubject::Candidate(_) => Err("a candidate has no pin to revert: choose an environment".to_owned()),
    }
}

/// What `revert-to` means now: the pin that goes back to a digest that a person names.
///
/// # Errors
/// Why there is none, as a clause for the person.
pub fn revert_to(state: &CockpitState) -> Result<Target, String> {
    writable(state)?;
    if let Some(Screen::Revert(revert)) = state.screen() {
        return Ok(revert.target.clone());
    }
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) => {
            open_for_writes(state, &key.target.environment)?;
            Ok(key.target)
        }
        ScreenSubject::Candidate(_) => Err("a candidate has no pin to revert: choose an environment".to_owned()),
    }
}

/// What `hold` means now: the pin whose digest is put on hold.
///
/// # Errors
/// Why there is none, as a clause for the person.
pub fn hold(state: &CockpitState) -> Result<(Target, Digest), String> {
    writable(state)?;
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) => {
            open_for_writes(state, &key.target.environment)?;
            let held = state.board.cell(&key).and_then(|cell| cell.hold.as_ref());
            match (held, key.digest) {
                (Some(hold), _) => Err(format!("it is on hold in {} already", hold.environment)),
                (None, Some(digest)) => Ok((key.target, digest)),
                (None, None) => Err("pinned by tag only: there is no digest to put on hold".to_owned()),
            }
        }
        ScreenSubject::Candidate(_) => Err("holds belong to environments: choose one".to_owned()),
    }
}

/// What `pin` means now: the pin by tag under the cursor gets the digest its tag names.
///
/// # Errors
/// Why not, as a clause for the person.
pub fn pin(state: &CockpitState) -> Result<Ask, String> {
    writable(state)?;
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) if key.digest.is_some() => Err("it is pinned by digest already".to_owned()),
        ScreenSubject::Pin(key) => {
            open_for_writes(state, &key.target.environment)?;
            Ok(Ask::Pin {
                services: vec![key.target.service],
                environment: Some(key.target.environment),
            })
        }
        ScreenSubject::Candidate(_) => Err("a candidate is no pin: choose an environment".to_owned()),
    }
}

/// The step of one subject alone, into the first environment that takes it; marks do not count.
///
/// # Errors
/// Why there is no such step, as a clause for the person.
pub fn step_of(state: &CockpitState, subject: &ScreenSubject) -> Result<(StepForward, EnvId), String> {
    let promotion = promotion(state, subject, vec![service_of(subject)])?;
    match promotion.to.first().cloned() {
        Some(to) => Ok((promotion, to)),
        None => Err("no environment takes it".to_owned()),
    }
}

/// What will refuse this promotion into an environment, as far as the board can tell: the service and why,
/// as a clause. The plan decides for itself.
pub fn obstacle(state: &CockpitState, promotion: &StepForward, to: &EnvId) -> Option<String> {
    promotion.seen.iter().find_map(|(service, digest)| {
        let target = Target::new(service.clone(), to.clone());
        let found = foreseen::obstacle(&state.board, &target, *digest, state.now)?;
        let why = found.why.clean().into_string();
        Some(match promotion.seen.len() {
            1 => why,
            _ => format!("{service} {why}"),
        })
    })
}

/// What `release-hold` means now: the hold on the pin under the cursor, or the one its service is under in
/// this environment.
///
/// # Errors
/// Why not, as a clause for the person.
pub fn release_hold(state: &CockpitState) -> Result<Ask, String> {
    writable(state)?;
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) => {
            open_for_writes(state, &key.target.environment)?;
            let of_pin = state.board.cell(&key).and_then(|cell| cell.hold.as_ref());
            let here = |hold: &&Hold| hold.service == key.target.service && hold.environment == key.target.environment;
            let of_target = match &state.board.rules.holds {
                Ok(holds) => holds.iter().find(here),
                Err(problem) => return Err(problem.clean().into_string()),
            };
            match of_pin.or(of_target) {
                Some(hold) => Ok(Ask::ReleaseHold {
                    target: Target::new(hold.service.clone(), hold.environment.clone()),
                }),
                None => Err(format!("nothing of {} is on hold here", key.target.service)),
            }
        }
        ScreenSubject::Candidate(_) => Err("holds belong to environments: choose one".to_owned()),
    }
}

/// What `undo` means now: at least one way back.
///
/// # Errors
/// Why there is nothing to undo, as a clause for the person.
pub fn undo(state: &CockpitState) -> Result<Vec<ModalChoice>, String> {
    if let Some(Screen::Plan(plan)) = state.screen()
        && !matches!(plan.stage, Stage::Done(..))
    {
        return Err("a plan is on screen: esc goes back".to_owned());
    }
    if state.setup.read_only || state.writing.is_some() {
        writable(state)?;
    }
    let choices = state.undo.choices();
    if choices.is_empty() {
        return Err("nothing was written in this session, or there is no way back from it".to_owned());
    }
    Ok(choices)
}
