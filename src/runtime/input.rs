//! Translates the terminal's events, once, into the cockpit's own.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::app::Msg;
use crate::app::key::{Code, KeyPress};

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

    #[test]
    fn releases_and_mouse_mean_nothing() {
        let mut event = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(translate(Event::Key(event)), None);
        assert_eq!(translate(Event::FocusGained), None);
    }
}
