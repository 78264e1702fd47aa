//! Whether the terminal's background is light, by asking it (OSC 11, xterm control sequences), with a
//! time limit: many terminals never answer.

use std::time::Duration;

/// How long an answer is waited for: a slow SSH line's round trip, hardly noticed once at the start.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);

/// Asks for the background colour, then for the device attributes: those every terminal answers, so
/// that one that does not know the first question ends the waiting.
#[cfg(unix)]
const QUESTION: &str = "\x1b]11;?\x1b\\\x1b[c";

/// Asks the terminal, which must be in raw mode and read by nobody else; `None` = it does not say, or not yet: then its
/// answer may still come, as input. An answer that has begun is read to its end.
#[cfg(unix)]
pub(crate) fn is_light(patience: Duration) -> Option<bool> {
    use std::io::Write as _;
    use std::time::Instant;

    let mut out = std::io::stdout().lock();
    out.write_all(QUESTION.as_bytes()).ok()?;
    out.flush().ok()?;
    drop(out);
    let mut end = Instant::now() + patience;
    let last = end + patience * 5;
    let input = std::io::stdin();
    let mut answer = Vec::new();
    let mut chunk = [0; 128];
    while answer.len() < 1024 && !is_over(&answer) {
        let Some(left) = end.checked_duration_since(Instant::now()) else {
            break;
        };
        let timeout = rustix::event::Timespec::try_from(left).ok()?;
        let mut ready = [rustix::event::PollFd::new(&input, rustix::event::PollFlags::IN)];
        if rustix::event::poll(&mut ready, Some(&timeout)).ok()? == 0 {
            break;
        }
        let read = rustix::io::read(&input, &mut chunk).ok()?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..read]);
        end = last.min(Instant::now() + patience);
    }
    light(&String::from_utf8_lossy(&answer))
}

/// Nothing can be asked here.
#[cfg(not(unix))]
pub(crate) fn is_light(_: Duration) -> Option<bool> {
    None
}

/// Whether the device attributes have come, the last answer.
#[cfg(any(unix, test))]
fn is_over(answer: &[u8]) -> bool {
    let start = answer.windows(3).position(|w| w == b"\x1b[?");
    start.is_some_and(|at| answer[at..].contains(&b'c'))
}

/// Whether the colour of an answer `]11;rgb:RRRR/GGGG/BBBB` is light.
#[cfg(any(unix, test))]
fn light(answer: &str) -> Option<bool> {
    let (_, rest) = answer.split_once("]11;rgb")?;
    let (_, colour) = rest.split_once(':')?;
    let mut parts = colour.split('/');
    let mut next = || {
        let hex: String = parts
            .next()?
            .chars()
            .take_while(char::is_ascii_hexdigit)
            .take(4)
            .collect();
        let value = u32::from_str_radix(&hex, 16).ok()?;
        let most = 16_u32.checked_pow(u32::try_from(hex.len()).ok()?)? - 1;
        (most > 0).then(|| value * 1000 / most)
    };
    let (red, green, blue) = (next()?, next()?, next()?);
    // Rec. 601 luma, in thousandths.
    Some((299 * red + 587 * green + 114 * blue) / 1000 > 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_judged_by_their_light() {
        for (answer, expected) in [
            ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c", Some(true)),
            ("\x1b]11;rgb:0000/0000/0000\x07", Some(false)),
            ("\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\", Some(true)),
            ("\x1b]11;rgb:00/2b/36\x1b\\", Some(false)),
            ("\x1b]11;rgba:ff/ff/ff/ff\x1b\\", Some(true)),
            ("\x1b]11;rgb:f/f/f\x1b\\", Some(true)),
            ("\x1b[?62;22c", None),
            ("", None),
            ("\x1b]11;rgb:zz/00/00", None),
            ("\x1b]11;rgb:ff/ff", None),
        ] {
            assert_eq!(light(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn device_attributes_end_the_waiting() {
        assert!(is_over(b"\x1b]11;rgb:0/0/0\x1b\\\x1b[?1;2c"));
        assert!(!is_over(b"\x1b]11;rgb:cccc/cccc/cccc\x1b\\"));
        assert!(!is_over(b"c"));
    }
}
