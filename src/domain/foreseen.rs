//! What will refuse a step forward, as far as the board can tell before a plan is made: a hold, the order of
//! the environments, a soak time, a freeze. A plan decides for itself, on the newest commit; this only
//! spares a person the way to it.

use jiff::Timestamp;

use super::board::Board;
use super::hold::HoldsInForce;
use super::id::{Digest, EnvId, Target};
use super::plan::GateName;
use super::text::Untrusted;

/// A gate that will be closed, and why, as a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// The gate that a plan would find closed.
    pub gate: GateName,
    /// Why it will be closed.
    pub why: Untrusted,
}

/// The first gate that will refuse this digest in this environment, in the order of the gates of a plan.
pub(crate) fn obstacle(board: &Board, target: &Target, digest: Digest, now: Timestamp) -> Option<Obstacle> {
    let closed = |gate, why: String| Some(Obstacle { gate, why: why.into() });
    let holds = match &board.rules.holds {
        Ok(holds) => holds,
        Err(problem) => return closed(GateName::Hold, problem.raw().to_owned()),
    };
    let names = board.services.iter().map(|row| row.name.clone()).collect();
    let in_force = HoldsInForce {
        holds,
        environments: &board.environments,
        services: &names,
    };
    if let Some(hold) = in_force.closing(target, digest).next() {
        let why = format!("on hold in {}: {}", hold.environment, hold.reason.quoted());
        return closed(GateName::Hold, why);
    }
    let environment = board.environments.iter().find(|e| e.name == target.environment)?;
    let pinned_since = |before: &EnvId| {
        let row = board.row(&target.service)?;
        let mut cells = row.cells.iter();
        cells.find(|cell| cell.pin.target.environment == *before && cell.pin.digest == Some(digest))
    };
    let missing = environment.after.iter().find(|before| pinned_since(before).is_none());
    if let Some(missing) = missing {
        return closed(GateName::After, format!("not pinned in {missing} now"));
    }
    let timing = board.rules.timing.get(&target.environment)?;
    if let Some(soak) = timing.soak {
        let since = environment
            .after
            .iter()
            .filter_map(|before| pinned_since(before)?.pinned_by.as_ref())
            .map(|by| by.at)
            .max();
        let left = since.map(|since| soak - (now.as_second() - since.as_second()));
        if let Some(left) = left.filter(|left| *left > 0) {
            return closed(GateName::Soak, format!("soaks for {} more", duration(left)));
        }
    }
    for window in &timing.freeze {
        match window.contains(now) {
            Ok(false) => {}
            Ok(true) => {
                let why = format!("frozen until {:?} {} ({})", window.to.0, window.to.1, window.zone);
                return closed(GateName::Freeze, why);
            }
            Err(error) => {
                return closed(GateName::Freeze, format!("its freeze window cannot be judged: {error}"));
            }
        }
    }
    None
}

fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => "a minute".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
