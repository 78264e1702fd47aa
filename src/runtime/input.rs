//! Translates the terminal's events, once, into the cockpit's own.
//!
//! A terminal at the end of a slow line may answer the question for its background when nobody waits for it any more. What
//! it sends then comes as keys, and `r`, `g` and `:` are keys that do something: [`LateAnswer`] keeps them away.

use std::collections::VecDeque;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::app::action::HelpGroup;
use crate::app::key::{Code, KeyPress};
use crate::app::{Action, Keymap, Msg};

/// The message of a terminal event, if it means anything here.
pub(crate) fn translate(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize { width, height }),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollDown => Some(Msg::Wheel(1)),
            MouseEventKind::ScrollUp => Some(Msg::Wheel(-1)),
            _ => None,
        },
        _ => None,
    }
}

/// Where the mouse was pressed, if that is what happened.
pub fn pressed(event: &Event) -> Option<(u16, u16)> {
    match event {
        Event::Mouse(mouse) if mouse.kind == MouseEventKind::Down(MouseButton::Left) => Some((mouse.column, mouse.row)),
        _ => None,
    }
}

/// From so many letters on, so many of them different, keys that come at once are words and not keys: a key that is held
/// down repeats itself, and nobody presses so many others between two frames.
const WORDS: (usize, usize) = (8, 5);

/// How many events, beginning with this one, are words that nobody pressed as keys; 0 = it is a key. What follows a key
/// that opens a field is typed into that.
pub(crate) fn words(first: &Event, rest: &VecDeque<Event>, keymap: &Keymap) -> usize {
    let mut letters = Vec::new();
    let (mut all, mut events) = (0, 0);
    for event in std::iter::once(first).chain(rest) {
        let key = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(*key),
            _ => None,
        };
        let Some(key) = key else { break };
        let opens = keymap.action(key);
        if matches!(
            opens,
            Some(Action::Filter | Action::Palette | Action::Hold | Action::RevertTo)
        ) {
            break;
        }
        let moves = opens.is_some_and(|action| action.spec().group == HelpGroup::Move);
        match (key.typed(), key.code) {
            // Letters that move are pressed in any number and any order.
            (Some(_), _) if moves => all += 1,
            (Some(letter), _) => {
                all += 1;
                letters.push(letter);
            }
            (None, Code::Enter) => {}
            (None, _) => break,
        }
        events += 1;
    }
    letters.sort_unstable();
    letters.dedup();
    if all >= WORDS.0 && letters.len() >= WORDS.1 {
        events
    } else {
        0
    }
}

/// Recognises the answer to the question for the background among the keys: `ESC ] 11;rgb:…` up to its end.
#[derive(Debug, Default)]
pub(crate) struct LateAnswer {
    expected: bool,
    /// What has come of it so far; `None` = it has not begun.
    begun: Option<String>,
}

impl LateAnswer {
    /// Whether an answer may still come.
    pub(crate) fn new(expected: bool) -> Self {
        Self { expected, begun: None }
    }

    /// Whether an answer has begun and not ended.
    pub(crate) fn is_reading(&self) -> bool {
        self.expected && self.begun.is_some()
    }

    /// Whether an event belongs to the answer, and is no key of a person.
    pub(crate) fn takes(&mut self, event: &Event) -> bool {
        let Event::Key(key) = event else { return false };
        if !self.expected {
            return false;
        }
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let Some(begun) = &mut self.begun else {
            let begins = key.code == KeyCode::Char(']') && alt;
            self.begun = begins.then(String::new);
            return begins;
        };
        match key.code {
            // ST, or BEL.
            KeyCode::Char('\\') if alt => self.expected = false,
            KeyCode::Char('g') if ctrl => self.expected = false,
            KeyCode::Char(c) if !alt && !ctrl => {
                begun.push(c);
                if !is_answer(begun) {
                    self.expected = false;
                    return false;
                }
            }
            _ => {
                self.expected = false;
                return false;
            }
        }
        true
    }
}

/// Whether a text is the beginning of an answer.
fn is_answer(text: &str) -> bool {
    const START: &str = "11;rgb";
    match text.strip_prefix(START) {
        None => START.starts_with(text),
        Some(rest) => {
            let rest = rest.strip_prefix('a').unwrap_or(rest);
            let colours = rest.strip_prefix(':').unwrap_or(rest);
            (rest.is_empty() || rest.starts_with(':'))
                && colours.len() <= 4 * 4 + 3
                && colours.chars().all(|c| c.is_ascii_hexdigit() || c == '/')
        }
    }
}

fn translate_key(key: KeyEvent) -> Option<KeyPress> {
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    let code = match key.code {
        // Terminals with an enhanced keyboard protocol may send shift and the small letter.
        KeyCode::Char(c) if shift && c.is_ascii_lowercase() => Code::Char(c.to_ascii_uppercase()),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if shift => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(n) => Code::F(n),
        _ => return None,
    };
    Some(KeyPress {
        code,
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Msg> {
        translate(Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn shift_is_part_of_the_letter() {
        let wanted = Some(Msg::Key(KeyPress::char('Y')));
        assert_eq!(key(KeyCode::Char('Y'), KeyModifiers::SHIFT), wanted);
        assert_eq!(key(KeyCode::Char('y'), KeyModifiers::SHIFT), wanted);
    }

    #[test]
    fn control_and_back_tab() {
        let expect = |name: &str| Some(Msg::Key(name.parse().expect("key")));
        assert_eq!(key(KeyCode::Char('z'), KeyModifiers::CONTROL), expect("ctrl-z"));
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), expect("shift-tab"));
        assert_eq!(key(KeyCode::Tab, KeyModifiers::SHIFT), expect("shift-tab"));
    }

    /// How many of the events of these bytes, as crossterm reads them, are taken for an answer.
    fn taken(expected: bool, text: &str) -> usize {
        let mut answer = LateAnswer::new(expected);
        let mut taken = 0;
        let mut alt = KeyModifiers::NONE;
        for c in text.chars() {
            let event = match c {
                '\x1b' => {
                    alt = KeyModifiers::ALT;
                    continue;
                }
                '\x07' => KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL),
                c => KeyEvent::new(KeyCode::Char(c), alt),
            };
            alt = KeyModifiers::NONE;
            taken += usize::from(answer.takes(&Event::Key(event)));
        }
        taken
    }

    #[test]
    fn an_answer_that_comes_late_is_no_keys() {
        for (text, expected) in [
            ("\x1b]11;rgb:1e1e/2e2e/3e3e\x1b\\", 23),
            ("\x1b]11;rgba:1e/2e/3e/ff\x07", 21),
            // What comes after it are keys, and so is a second one.
            ("\x1b]11;rgb:1e/2e/3e\x1b\\rgb:", 17),
            ("rgb:11", 0),
            // A person who presses alt-] loses that key only.
            ("\x1b]r", 1),
            ("\x1b]11;rgb:q", 8),
        ] {
            assert_eq!(taken(true, text), expected, "{text:?}");
            assert_eq!(taken(false, text), 0, "{text:?}");
        }
    }

    #[test]
    fn words_that_come_at_once_are_no_keys() {
        let events = |text: &str| -> VecDeque<Event> {
            let key = |c| match c {
                '\r' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            let press = |c| Event::Key(KeyEvent::new(key(c), KeyModifiers::NONE));
            text.chars().map(press).collect()
        };
        for (text, expected) in [
            ("promote checkout\r", 17),
            ("py\ry\rproduction\ryyy\r", 20),
            ("production\x1b", 10),
            // Keys: held down, a few different ones, one that opens a field for what follows.
            ("jjjjjjjjjjjj", 0),
            ("jjllpy", 0),
            ("ggjjjllkkhh", 0),
            ("/checkout\r", 0),
            ("j/checkout", 0),
            (":refresh\r", 0),
            ("Vsha256:abcdef", 0),
        ] {
            let mut all = events(text);
            let first = all.pop_front().expect("a key");
            assert_eq!(words(&first, &all, &Keymap::default()), expected, "{text:?}");
        }
    }

    #[test]
    fn releases_and_mouse_mean_nothing() {
        let mut event = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(translate(Event::Key(event)), None);
        assert_eq!(translate(Event::FocusGained), None);
    }
}
