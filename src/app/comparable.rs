//! Which digests the screen on top can be compared with.

use super::comparison::{DigestPair, PlacedDigest, plan_pair};
use super::cursor::ScreenSubject;
use super::request::{nothing_here, on_screen_subject};
use super::state::{CockpitState, Screen};
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::id::EnvId;

/// What the bytes of the screen on top can be compared with, the most telling first.
///
/// # Errors
/// Why there is nothing to compare with, as a clause for the person.
pub fn pairs(state: &CockpitState) -> Result<Vec<DigestPair>, String> {
    match state.screen() {
        Some(Screen::History(history)) => {
            let selected = history.selected.as_ref();
            let entry = selected.and_then(|commit| history.entries.iter().find(|entry| entry.commit == *commit));
            let entry = entry.ok_or_else(|| "no line is selected".to_owned())?;
            let row = state.board.row(&history.target.service);
            let cell = row.and_then(|row| row.cell(&history.target.environment));
            let image = cell.map(|cell| cell.pin.image.clone());
            match (entry.from, entry.to, image) {
                (Some(from), Some(to), Some(image)) if from != to => {
                    let commit: String = entry.commit.chars().take(7).collect();
                    let side = |what: &str, digest| PlacedDigest {
                        service: history.target.service.clone(),
                        what: format!("{what} {commit}"),
                        image: image.clone(),
                        digest,
                    };
                    Ok(vec![DigestPair {
                        a: side("before", from),
                        b: side("after", to),
                    }])
                }
                _ => Err("this line did not change one digest to another".to_owned()),
            }
        }
        Some(Screen::Revert(revert)) => {
            let target = &revert.target;
            let row = state.board.row(&target.service);
            let cell = row.and_then(|row| row.cell(&target.environment));
            let sides = cell.and_then(|cell| Some((cell, cell.pin.digest?, revert.row()?)));
            match sides {
                Some((cell, pinned, row)) if row.earlier.digest != pinned => {
                    let side = |what: String, digest| PlacedDigest {
                        service: target.service.clone(),
                        what,
                        image: cell.pin.image.clone(),
                        digest,
                    };
                    Ok(vec![DigestPair {
                        a: side(format!("pinned in {}", target.environment), pinned),
                        b: side(format!("earlier {}", row.name()), row.earlier.digest),
                    }])
                }
                _ => Err("there is no digest before and after to compare".to_owned()),
            }
        }
        Some(Screen::Plan(plan)) => {
            let plans = plan
                .proposal()
                .map(|proposal| proposal.plans.as_slice())
                .unwrap_or_default();
            let pairs: Vec<DigestPair> = plans.iter().filter_map(plan_pair).collect();
            if pairs.is_empty() {
                Err("there is no digest before and after to compare".to_owned())
            } else {
                Ok(pairs)
            }
        }
        _ => {
            let subject = on_screen_subject(state)?;
            let row = state.row_of(&subject).ok_or_else(|| "nothing is selected".to_owned())?;
            let pairs = of_subject(state, row, &subject)?;
            if pairs.is_empty() {
                return Err("every other known digest of this service is the same".to_owned());
            }
            Ok(pairs)
        }
    }
}

fn of_subject(state: &CockpitState, row: &ServiceRow, subject: &ScreenSubject) -> Result<Vec<DigestPair>, String> {
    let candidate = row
        .candidate
        .value()
        .and_then(Option::as_ref)
        .map(|candidate| PlacedDigest {
            service: row.name.clone(),
            what: format!("what CI offers ({})", candidate.tag),
            image: candidate.image.clone(),
            digest: candidate.digest,
        });
    let pinned = |cell: &Cell| {
        Some(PlacedDigest {
            service: row.name.clone(),
            what: format!("pinned in {}", cell.pin.target.environment),
            image: cell.pin.image.clone(),
            digest: cell.pin.digest?,
        })
    };
    // Later environments pin older bytes: the earlier column is the new side.
    let order = |env: &EnvId| state.board.environments.iter().position(|e| e.name == *env);
    let mut pairs: Vec<DigestPair> = Vec::new();
    let mut add = |a: PlacedDigest, b: PlacedDigest| {
        let known = pairs.iter().any(|p| (p.a.digest, p.b.digest) == (a.digest, b.digest));
        if a.digest != b.digest && !known {
            pairs.push(DigestPair { a, b });
        }
    };
    match subject {
        ScreenSubject::Candidate(_) => {
            let candidate = candidate.ok_or_else(|| "no candidate is known".to_owned())?;
            for cell in &row.cells {
                if let Some(pin) = pinned(cell) {
                    add(pin, candidate.clone());
                }
            }
        }
        ScreenSubject::Pin(key) => {
            let cell = state.board.cell(key).ok_or_else(|| nothing_here(state))?;
            let here = pinned(cell).ok_or_else(|| "pinned by tag only: there is no digest".to_owned())?;
            if let Some(candidate) = candidate {
                add(here.clone(), candidate);
            }
            let at = order(&key.target.environment);
            for other in row.cells.iter().rev().filter(|other| other.pin.key() != *key) {
                let Some(named) = pinned(other) else { continue };
                if order(&other.pin.target.environment) <= at {
                    add(here.clone(), named);
                } else {
                    add(named, here.clone());
                }
            }
            if let (Some(Some(now)), Some(tag)) = (cell.tag_digest.value(), cell.tag.tag()) {
                let named = PlacedDigest {
                    service: row.name.clone(),
                    what: format!("what tag {tag} names now"),
                    image: cell.pin.image.clone(),
                    digest: *now,
                };
                add(here.clone(), named);
            }
        }
    }
    Ok(pairs)
}
