//! Which key does what: the table's defaults, changed by the user's configuration.

use std::collections::BTreeMap;

use super::action::{ACTIONS, Action};
use super::key::{KeyError, KeyPress};

/// A validated keymap: every key does one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<KeyPress, Action>,
}

/// Why a configured keymap is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No action has that name.
    #[error("keys: there is no action {name:?}{}", nearest(.near))]
    UnknownAction {
        /// As written.
        name: String,
        /// The nearest valid name.
        near: Option<&'static str>,
    },
    /// Not a key.
    #[error("keys.{action}: {source}")]
    Key {
        /// Under which action.
        action: String,
        /// Why.
        source: KeyError,
    },
    /// One key, two actions.
    #[error("keys: {key} is given to both {first:?} and {second:?}; give one of them another key")]
    Duplicate {
        /// The key as it is written in the configuration.
        key: String,
        /// An action.
        first: &'static str,
        /// Another.
        second: &'static str,
    },
    /// Nothing would lead out.
    #[error("keys: {0:?} needs at least one key, or there is no way out")]
    NoWayOut(&'static str),
}

fn nearest(near: &Option<&'static str>) -> String {
    near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

impl Default for Keymap {
    fn default() -> Self {
        // The defaults are checked by a test; a key that did not parse would only be missing.
        let keys = ACTIONS
            .iter()
            .flat_map(|spec| {
                spec.keys
                    .iter()
                    .filter_map(|key| key.parse().ok())
                    .map(|key| (key, spec.action))
            })
            .collect();
        Self { keys }
    }
}

impl Keymap {
    /// The defaults with some actions' keys replaced: `{"refresh": ["f5", "R"]}`. An empty list
    /// takes an action's keys away. A key that the configuration gives to another action moves there.
    ///
    /// # Errors
    /// A [`KeymapError`]: unknown action, no such key, one key given to two actions.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut wanted: BTreeMap<KeyPress, Action> = BTreeMap::new();
        let mut changed = Vec::new();
        for (name, keys) in changes {
            let action = Action::from_name(name).ok_or_else(|| KeymapError::UnknownAction {
                name: name.clone(),
                near: near(name),
            })?;
            changed.push(action);
            for text in keys {
                let key: KeyPress = text.parse().map_err(|source| KeymapError::Key {
                    action: name.clone(),
                    source,
                })?;
                if let Some(other) = wanted.insert(key, action)
                    && other != action
                {
                    return Err(KeymapError::Duplicate {
                        key: key.to_string(),
                        first: other.spec().name,
                        second: action.spec().name,
                    });
                }
            }
        }
        let mut keys: BTreeMap<KeyPress, Action> = Self::default()
            .keys
            .into_iter()
            .filter(|(_, action)| !changed.contains(action))
            .collect();
        keys.extend(wanted);
        let map = Self { keys };
        for action in [Action::Quit, Action::Back] {
            if map.keys_of(action).is_empty() {
                return Err(KeymapError::NoWayOut(action.spec().name));
            }
        }
        Ok(map)
    }

    /// What a key does.
    pub fn action(&self, key: KeyPress) -> Option<Action> {
        self.keys.get(&key).copied()
    }

    /// The keys of an action, in the table's order first.
    pub fn keys_of(&self, action: Action) -> Vec<KeyPress> {
        let order = |key: &KeyPress| {
            let name = key.to_string();
            action
                .spec()
                .keys
                .iter()
                .position(|default| *default == name)
                .unwrap_or(usize::MAX)
        };
        let mut keys: Vec<KeyPress> = self
            .keys
            .iter()
            .filter(|(_, bound)| **bound == action)
            .map(|(key, _)| *key)
            .collect();
        keys.sort_by_key(order);
        keys
    }

    /// The first key of an action, for hints.
    pub fn key_of(&self, action: Action) -> Option<KeyPress> {
        self.keys_of(action).first().copied()
    }
}

fn near(name: &str) -> Option<&'static str> {
    ACTIONS
        .iter()
        .map(|spec| (strsim::damerau_levenshtein(spec.name, name), spec.name))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, name)| name)
}

/// The key reference as Markdown, for the docs and the man page.
pub fn reference() -> String {
    let mut out = String::new();
    let map = Keymap::default();
    for group in super::action::HelpGroup::ALL {
        out.push_str(&format!(
            "## {}\n\n| key | action | what it does |\n|---|---|---|\n",
            group.title()
        ));
        for spec in ACTIONS.iter().filter(|spec| spec.group == group) {
            let keys: Vec<String> = map.keys_of(spec.action).iter().map(|key| format!("`{key}`")).collect();
            out.push_str(&format!("| {} | {} | {} |\n", keys.join(" "), spec.name, spec.help));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(action: &str, keys: &[&str]) -> Result<Keymap, KeymapError> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Keymap::with(&BTreeMap::from([(action.to_owned(), keys)]))
    }

    #[test]
    fn every_default_key_parses_and_is_unique() {
        let mut seen = BTreeMap::new();
        for spec in ACTIONS {
            for key in spec.keys {
                let key: KeyPress = key.parse().expect("a key");
                assert_eq!(seen.insert(key, spec.name), None, "{key}");
            }
        }
        assert_eq!(Keymap::default().keys.len(), seen.len());
    }

    #[test]
    fn every_action_stands_in_the_table_once() {
        for spec in ACTIONS {
            assert_eq!(ACTIONS.iter().filter(|other| other.action == spec.action).count(), 1);
            assert_eq!(ACTIONS.iter().filter(|other| other.name == spec.name).count(), 1);
            assert_eq!(Action::from_name(spec.name), Some(spec.action));
        }
    }

    #[test]
    fn a_configured_key_replaces_the_default() {
        let map = with("refresh", &["f5"]).expect("valid");
        assert_eq!(map.action("f5".parse().expect("key")), Some(Action::Refresh));
        assert_eq!(map.action(KeyPress::char('R')), None);
    }

    #[test]
    fn a_configured_key_moves_from_its_default_action() {
        let map = with("history", &["r"]).expect("valid");
        assert_eq!(map.action(KeyPress::char('r')), Some(Action::History));
        assert!(map.keys_of(Action::Revert).is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let error = with("refesh", &["x"]).expect_err("unknown").to_string();
        assert!(
            error.contains("\"refesh\"") && error.contains("did you mean \"refresh\""),
            "{error}"
        );
        let error = with("refresh", &["hyper-x"]).expect_err("no key").to_string();
        assert!(error.contains("keys.refresh") && error.contains("hyper-x"), "{error}");
        assert_eq!(with("quit", &[]), Err(KeymapError::NoWayOut("quit")));
        let both = BTreeMap::from([
            ("refresh".to_owned(), vec!["x".to_owned()]),
            ("freeze".to_owned(), vec!["x".to_owned()]),
        ]);
        let error = Keymap::with(&both).expect_err("duplicate").to_string();
        assert!(
            error.contains('x') && error.contains("refresh") && error.contains("freeze"),
            "{error}"
        );
    }

    #[test]
    fn the_reference_names_every_action() {
        let text = reference();
        for spec in ACTIONS {
            assert!(text.contains(&format!("| {} |", spec.name)), "{}", spec.name);
        }
    }
}
