//! The journal of what clusters were seen to run: since when a pin is in the state that it is in, across runs.
//!
//! A record for people and for the drift `running-differs`, never an input of a verdict or a gate. One small file,
//! written whole; one that cannot be read is begun anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::board::PinKey;
use crate::domain::running::observation::RunningState;

/// Pins remembered, those seen last.
const PINS_KEPT: usize = 5_000;
/// Largest journal that is read, in bytes.
const FILE_CAP: u64 = 16 << 20;
/// A sighting that only repeats is written down this often, in seconds.
const REPEAT: i64 = 600;

/// The state that a pin was seen in last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RunningSighting {
    state: String,
    first: Timestamp,
    last: Timestamp,
}

/// What is remembered, by pin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::engine) struct RunningSightings {
    version: u32,
    pins: BTreeMap<String, RunningSighting>,
    #[serde(skip)]
    changed: bool,
}

impl RunningSightings {
    /// The journal's file in a state folder.
    pub(in crate::engine) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("running.json")
    }

    /// Reads the journal; an absent or unreadable one is empty.
    pub(in crate::engine) fn load(path: &Path) -> Self {
        let small = fs::metadata(path).is_ok_and(|m| m.len() <= FILE_CAP);
        let text = if small { fs::read(path).ok() } else { None };
        let read = text.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        read.filter(|journal| journal.version == 1).unwrap_or_else(|| Self {
            version: 1,
            ..Self::default()
        })
    }

    /// Notes the state of a pin, and says since when it is in it. Where nobody can tell, what was seen before stays.
    pub(in crate::engine) fn saw(&mut self, key: &PinKey, state: RunningState, now: Timestamp) -> Timestamp {
        if state == RunningState::Unknown {
            return now;
        }
        let word = state.as_str();
        let seen = self.pins.entry(name(key)).or_insert_with(|| {
            self.changed = true;
            RunningSighting {
                state: word.to_owned(),
                first: now,
                last: now,
            }
        });
        if seen.state != word {
            *seen = RunningSighting {
                state: word.to_owned(),
                first: now,
                last: now,
            };
            self.changed = true;
        } else if seen.last > now || now.as_second() - seen.last.as_second() >= REPEAT {
            // A clock that was ahead leaves no sighting in the future.
            seen.last = now;
            seen.first = seen.first.min(now);
            self.changed = true;
        }
        seen.first
    }

    /// Writes it down if anything new was seen. The pins not seen for longest make room.
    ///
    /// # Errors
    /// If the folder or file cannot be written; nothing is half-written then.
    pub(in crate::engine) fn save(&mut self, path: &Path) -> std::io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        if self.pins.len() > PINS_KEPT {
            let mut ages: Vec<Timestamp> = self.pins.values().map(|seen| seen.last).collect();
            ages.sort_unstable();
            let oldest = ages[ages.len() - PINS_KEPT];
            self.pins.retain(|_, seen| seen.last >= oldest);
        }
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.persist(path).map_err(|e| e.error)?;
        self.changed = false;
        Ok(())
    }
}

/// A pin by name: service, environment, component, repository and digest.
fn name(key: &PinKey) -> String {
    let digest = key.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let (service, environment) = (&key.target.service, &key.target.environment);
    let component = key.component.as_deref().unwrap_or_default();
    format!("{service}\n{environment}\n{component}\n{}@{digest}", key.image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Digest, Target};
    use crate::domain::reference::Repository;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn key(environment: &str) -> PinKey {
        PinKey {
            target: Target::new("web", environment),
            component: None,
            image: Repository::parse("registry.example.com/shop/web").expect("a repository"),
            digest: Some(Digest::of(b"pinned")),
            tag: None,
        }
    }

    #[test]
    fn a_state_is_known_since_its_first_sighting_across_runs() {
        use RunningState as S;
        let dir = tempfile::tempdir().expect("a folder");
        let path = RunningSightings::path(dir.path());
        let mut journal = RunningSightings::load(&path);
        assert_eq!(journal.saw(&key("prod"), S::Differs, at(100)), at(100));
        assert_eq!(journal.saw(&key("staging"), S::Same, at(100)), at(100));
        journal.save(&path).expect("written");
        let mut journal = RunningSightings::load(&path);
        // Not knowing for a while is no end of it.
        assert_eq!(journal.saw(&key("prod"), S::Unknown, at(200)), at(200));
        assert_eq!(journal.saw(&key("prod"), S::Differs, at(5000)), at(100));
        assert_eq!(journal.saw(&key("prod"), S::Mixed, at(5100)), at(5100));
        assert_eq!(journal.saw(&key("prod"), S::Differs, at(5200)), at(5200));
        // A clock that was ahead.
        assert_eq!(journal.saw(&key("prod"), S::Differs, at(50)), at(50));
        journal.save(&path).expect("written");
        std::fs::write(&path, "{\"version\":2,\"pins\":{}}").expect("writable");
        assert!(RunningSightings::load(&path).pins.is_empty());
    }

    #[test]
    fn nothing_new_writes_nothing_and_it_stays_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = RunningSightings::path(dir.path());
        let mut journal = RunningSightings::load(&path);
        journal.save(&path).expect("nothing to do");
        assert!(!path.exists());
        for n in 0..=PINS_KEPT {
            journal.saw(&key(&format!("e{n}")), RunningState::Same, at(1000 + n as i64));
        }
        journal.save(&path).expect("written");
        assert_eq!(RunningSightings::load(&path).pins.len(), PINS_KEPT);
        journal.saw(&key("e9"), RunningState::Same, at(1009 + REPEAT - 1));
        assert!(!journal.changed);
    }
}
