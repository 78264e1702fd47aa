//! A one-line text that is being typed.

use crate::app::key::{Code, KeyPress};

/// Applies a key to a one-line text. Answers whether the text changed.
pub(super) fn edit(text: &mut String, key: KeyPress) -> bool {
    match key.code {
        Code::Backspace => text.pop().is_some(),
        Code::Char('u') if key.ctrl => {
            let had = !text.is_empty();
            text.clear();
            had
        }
        Code::Char('w') if key.ctrl => {
            let had = !text.is_empty();
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
            had
        }
        _ => match key.typed() {
            Some(c) if text.len() < 256 && !c.is_control() => {
                text.push(c);
                true
            }
            _ => false,
        },
    }
}
