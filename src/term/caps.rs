//! What the terminal can show, decided from the environment alone.
//!
//! crossterm's own decision is not used: with `NO_COLOR` it writes an empty SGR sequence, which the
//! terminal reads as "reset", wiping reverse video. [`super::frame`] writes its own sequences.

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Colours {
    /// None; modifiers only.
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// 256.
    Indexed,
    /// 24 bit.
    True,
}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    /// How many colours the terminal has.
    pub colours: Colours,
    /// Whether text beyond ASCII is shown.
    pub unicode: bool,
    /// The terminal cannot place a cursor at all.
    pub dumb: bool,
    /// Inside tmux, which needs clipboard sequences wrapped.
    pub tmux: bool,
}

impl Caps {
    /// Decides from environment variables.
    pub(crate) fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let term = get("TERM").unwrap_or_default();
        Self {
            colours: colours(&get, &term),
            unicode: unicode(&get, &term),
            dumb: term.is_empty() || term == "dumb",
            tmux: get("TMUX").is_some_and(|value| !value.is_empty()),
        }
    }
}

fn colours(get: &impl Fn(&str) -> Option<String>, term: &str) -> Colours {
    // https://no-color.org: present and not empty, whatever its value.
    if get("NO_COLOR").is_some_and(|value| !value.is_empty()) || term.is_empty() || term == "dumb" {
        return Colours::None;
    }
    let colorterm = get("COLORTERM").unwrap_or_default().to_ascii_lowercase();
    if colorterm == "truecolor" || colorterm == "24bit" || term.ends_with("-direct") || term == "xterm-kitty" {
        return Colours::True;
    }
    if term.contains("256color") || term == "alacritty" || term == "foot" {
        return Colours::Indexed;
    }
    if term.ends_with("-mono") || term == "vt100" || term == "vt220" || term.ends_with("-m") {
        return Colours::None;
    }
    Colours::Sixteen
}

fn unicode(get: &impl Fn(&str) -> Option<String>, term: &str) -> bool {
    // The Linux console has too few glyphs in its font.
    if term == "linux" || term == "dumb" || term.starts_with("vt") {
        return false;
    }
    // The first that is set and not empty decides, as in setlocale(3).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| get(name))
        .find(|value| !value.is_empty());
    locale.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(env: &[(&str, &str)]) -> Caps {
        Caps::from_env(|name| {
            env.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_from_the_environment() {
        for (env, expected) in [
            (&[("TERM", "xterm-256color")][..], Colours::Indexed),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Colours::True),
            (&[("TERM", "tmux-256color")], Colours::Indexed),
            (&[("TERM", "xterm")], Colours::Sixteen),
            (&[("TERM", "linux")], Colours::Sixteen),
            (&[("TERM", "xterm-direct")], Colours::True),
            (&[("TERM", "vt100")], Colours::None),
            (&[("TERM", "dumb")], Colours::None),
            (&[], Colours::None),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("COLORTERM", "truecolor"),
                    ("NO_COLOR", "1"),
                ],
                Colours::None,
            ),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colours::Indexed),
        ] {
            assert_eq!(caps(env).colours, expected, "{env:?}");
        }
    }

    #[test]
    fn unicode_needs_a_utf8_locale() {
        assert!(caps(&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(caps(&[("TERM", "xterm"), ("LC_ALL", "C.utf8"), ("LANG", "C")]).unicode);
        assert!(!caps(&[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!caps(&[("TERM", "linux"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!caps(&[("TERM", "xterm")]).unicode);
    }

    #[test]
    fn dumb_terminals_are_known() {
        assert!(caps(&[("TERM", "dumb")]).dumb);
        assert!(caps(&[]).dumb);
        assert!(!caps(&[("TERM", "xterm")]).dumb);
    }
}
