//! The terminal's clipboard by OSC 52. Whether the terminal takes it cannot be known: say "sent".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest text in bytes that is sent; terminals drop or cut longer ones.
pub(crate) const MOST: usize = 16 * 1024;

/// Why a text is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has {0} bytes; terminals take at most {MOST}")]
pub(crate) struct TooLong(pub usize);

/// The sequence that hands a text to the terminal's clipboard.
///
/// # Errors
/// If the text is longer than [`MOST`].
pub(crate) fn sequence(text: &str, tmux: bool) -> Result<Vec<u8>, TooLong> {
    if text.len() > MOST {
        return Err(TooLong(text.len()));
    }
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let mut out = plain.clone().into_bytes();
    if tmux {
        // Which of the two tmux honours depends on its set-clipboard and allow-passthrough options.
        out.extend_from_slice(b"\x1bPtmux;");
        out.extend_from_slice(plain.replace('\x1b', "\x1b\x1b").as_bytes());
        out.extend_from_slice(b"\x1b\\");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_encoded_so_it_cannot_steer() {
        let bytes = sequence("a\x1b]0;x\x07", false).expect("short");
        assert_eq!(bytes.iter().filter(|b| **b == 0x1b).count(), 1);
        assert!(bytes.starts_with(b"\x1b]52;c;") && bytes.ends_with(b"\x07"));
    }

    #[test]
    fn tmux_gets_it_wrapped_too() {
        let bytes = sequence("abc", true).expect("short");
        assert!(String::from_utf8_lossy(&bytes).contains("\x1bPtmux;\x1b\x1b]52;c;YWJj\x07\x1b\\"));
    }

    #[test]
    fn long_texts_are_refused() {
        assert_eq!(sequence(&"x".repeat(MOST + 1), false), Err(TooLong(MOST + 1)));
    }
}
