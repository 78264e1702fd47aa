//! Which service and environment a line names.

use super::said::{Dialogue, number};
use crate::app::cursor::{Column, Cursor};
use crate::app::state::CockpitState;
use crate::domain::id::{EnvId, ServiceId};

/// The service of a word: its name, its number in the last list, or the beginning of one name alone.
///
/// # Errors
/// Why the word names none, as a clause for the person.
pub(super) fn service(dialogue: &Dialogue, state: &CockpitState, word: &str) -> Result<ServiceId, String> {
    let rows = &state.board.services;
    if let Some(row) = rows.iter().find(|row| row.name.as_str() == word) {
        return Ok(row.name.clone());
    }
    if let Some(at) = number(word) {
        return match dialogue.listed.get(at) {
            Some(name) if state.board.row(name).is_some() => Ok(name.clone()),
            Some(name) => Err(format!("{name} is no longer on the board")),
            None if dialogue.listed.is_empty() => {
                Err("nothing has been listed yet: list numbers the services".to_owned())
            }
            None => Err(format!("the last list has {} entries", dialogue.listed.len())),
        };
    }
    let mut begin = rows.iter().filter(|row| row.name.as_str().starts_with(word));
    match (begin.next(), begin.next()) {
        (Some(one), None) => return Ok(one.name.clone()),
        (Some(one), Some(two)) => return Err(format!("{word} could be {} or {}", one.name, two.name)),
        _ => {}
    }
    let names = rows.iter().map(|row| row.name.as_str());
    Err(format!("there is no service {word}{}", near(word, names)))
}

/// The column of a word: an environment, or `ci`.
///
/// # Errors
/// Why the word names none, as a clause for the person.
pub(super) fn column(state: &CockpitState, word: &str) -> Result<Column, String> {
    if word.eq_ignore_ascii_case("ci") {
        return Ok(Column::Candidate);
    }
    environment(state, word).map(Column::Environment)
}

/// The environment of a word: its name, or the beginning of one name alone.
///
/// # Errors
/// Why the word names none, as a clause for the person.
pub(super) fn environment(state: &CockpitState, word: &str) -> Result<EnvId, String> {
    let all = &state.board.environments;
    if let Some(found) = all.iter().find(|e| e.name.as_str() == word) {
        return Ok(found.name.clone());
    }
    let mut begin = all.iter().filter(|e| e.name.as_str().starts_with(word));
    match (begin.next(), begin.next()) {
        (Some(one), None) => return Ok(one.name.clone()),
        (Some(one), Some(two)) => return Err(format!("{word} could be {} or {}", one.name, two.name)),
        _ => {}
    }
    let names = all.iter().map(|e| e.name.as_str());
    Err(format!("there is no environment {word}{}", near(word, names)))
}

/// Puts the cursor where the words say: a service and an environment, or one of them, the other as before.
///
/// # Errors
/// Why the words name no place, as a clause for the person.
pub(super) fn select(dialogue: &Dialogue, state: &mut CockpitState, words: &[&str]) -> Result<(), String> {
    let here = state.cursor.clone();
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "in" | "of"))
        .collect();
    let (service_name, at) = match words.as_slice() {
        [] => {
            return here
                .map(drop)
                .ok_or_else(|| "nothing is selected: name a service and an environment".to_owned());
        }
        [one] => match (service(dialogue, state, one), column(state, one), here) {
            (Ok(name), _, Some(here)) => (name, here.column),
            (Ok(name), _, None) => (name, Column::Candidate),
            (Err(_), Ok(at), Some(here)) => (here.service, at),
            (Err(why), ..) => return Err(why),
        },
        [first, second] => (service(dialogue, state, first)?, column(state, second)?),
        _ => return Err("name one service and one environment".to_owned()),
    };
    state.put(Cursor::at(service_name, at));
    Ok(())
}

/// The name that was probably meant.
pub(super) fn near<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let nearest = names
        .map(|name| (strsim::damerau_levenshtein(name, word), name))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    nearest.map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}
