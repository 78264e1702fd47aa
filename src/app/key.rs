//! Keys as the cockpit knows them, with their names in configuration and help.

use std::fmt;
use std::str::FromStr;

/// What was pressed, without modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A printable character; shift is part of it (`Y`, not shift-y).
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// The tabulator key.
    Tab,
    /// Shift and tab.
    BackTab,
    /// The key that deletes to the left.
    Backspace,
    /// The key that deletes to the right.
    Delete,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// The key that goes to the beginning.
    Home,
    /// The key that goes to the end.
    End,
    /// The key that goes up by a screen.
    PageUp,
    /// The key that goes down by a screen.
    PageDown,
    /// A function key.
    F(u8),
}

/// A key with the modifiers that were pressed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPress {
    /// The key without its modifiers.
    pub code: Code,
    /// Control was down.
    pub ctrl: bool,
    /// Alt was down.
    pub alt: bool,
}

/// Why a text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a key: write a character, or enter, esc, tab, shift-tab, space, backspace, delete, left, right, up, down, home, end, pageup, pagedown, f1 to f12, with ctrl- or alt- before it"
)]
pub struct KeyError(pub String);

const NAMED: [(&str, Code); 15] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("shift-tab", Code::BackTab),
    ("tab", Code::Tab),
    ("space", Code::Char(' ')),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
];

impl KeyPress {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
        }
    }

    /// A character without modifiers.
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// The character this key types into a text field, if it types one.
    pub const fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl FromStr for KeyPress {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Code::Char(c),
            _ => {
                let lower = rest.to_ascii_lowercase();
                let named = NAMED.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code);
                let function = || {
                    let number = lower.strip_prefix('f')?.parse::<u8>().ok()?;
                    (1..=12).contains(&number).then_some(Code::F(number))
                };
                named.or_else(function).ok_or_else(|| KeyError(text.to_owned()))?
            }
        };
        Ok(Self { code, ctrl, alt })
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        if self.ctrl {
            name.push_str("ctrl-");
        }
        if self.alt {
            name.push_str("alt-");
        }
        match self.code {
            Code::F(number) => name.push_str(&format!("f{number}")),
            code => match NAMED.iter().find(|(_, known)| *known == code) {
                Some((known, _)) => name.push_str(known),
                None => {
                    if let Code::Char(c) = code {
                        name.push(c);
                    }
                }
            },
        }
        f.pad(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "a",
            "Y",
            "?",
            "-",
            "enter",
            "shift-tab",
            "ctrl-z",
            "alt-x",
            "ctrl-alt-left",
            "f12",
            "space",
            "ctrl--",
        ] {
            assert_eq!(name.parse::<KeyPress>().map(|key| key.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn nonsense_is_named() {
        for bad in ["", "f13", "hyper-x", "ctrl-", "enterr", "\u{7}"] {
            assert_eq!(bad.parse::<KeyPress>(), Err(KeyError(bad.to_owned())));
        }
    }

    #[test]
    fn modified_keys_type_nothing() {
        assert_eq!(KeyPress::char('x').typed(), Some('x'));
        assert_eq!("ctrl-x".parse::<KeyPress>().map(KeyPress::typed), Ok(None));
        assert_eq!(KeyPress::plain(Code::Enter).typed(), None);
    }
}
