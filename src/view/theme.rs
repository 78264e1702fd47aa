//! Themes: what each role looks like. TOML, semantic names, validated.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::app::cell_status::CellStatus;

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal,)*) => {
        /// What a text means; themes say what that looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $($(#[$doc])* $role,)* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            /// Its name in theme files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }
        }
    };
}

roles! {
    /// Ordinary text.
    Text = "text",
    /// Text of less weight: labels, ages.
    Dim = "dim",
    /// Names of things, titles.
    Title = "title",
    /// The program's name and what else draws the eye.
    Accent = "accent",
    /// A word that says this is no ordinary session: demo, read-only, frozen.
    Banner = "banner",
    /// Rules between panes.
    Rule = "rule",
    /// The rule of the pane that has the keys.
    Focus = "focus",
    /// The selected cell or line.
    Cursor = "cursor",
    /// The name of the selected row.
    Row = "row",
    /// Keys in hints and help.
    Key = "key",
    /// Text being typed.
    Input = "input",
    /// Everything required is there and genuine.
    Verified = "verified",
    /// A person must acknowledge.
    Warned = "warned",
    /// Something required is missing or wrong.
    Rejected = "rejected",
    /// Could not be checked.
    Unknown = "unknown",
    /// Could not be reached.
    Unreachable = "unreachable",
    /// Pinned by tag only.
    ByTag = "by-tag",
    /// Nothing known yet, or nothing to judge.
    Quiet = "quiet",
    /// There afterwards, not before.
    Added = "added",
    /// There before, not afterwards.
    Removed = "removed",
    /// Words and signs of drift.
    Drift = "drift",
    /// Under a hold.
    Hold = "hold",
    /// Something went wrong, or was refused.
    Error = "error",
    /// A disabled action.
    Disabled = "disabled",
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColourDepth {
    /// None: modifiers only.
    Mono,
    /// The sixteen of the terminal's own palette.
    Sixteen,
    /// 256.
    Indexed,
    /// 24 bit.
    True,
}

/// A theme made for one colour depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// The name by which the configuration chooses the theme.
    pub name: String,
    styles: BTreeMap<Role, Style>,
    swatch: Vec<Color>,
}

/// Why a theme is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// There is no built-in theme of that name.
    #[error("there is no theme {0:?}; built in are dark, light, mono, high-contrast, deuteranopia")]
    Unknown(String),
    /// Not TOML, or not of a theme's form.
    #[error("theme {theme}: {message}")]
    Syntax {
        /// Which theme.
        theme: String,
        /// Where and what.
        message: String,
    },
    /// No such role.
    #[error("theme {theme}: there is no role {role:?}{}", did_you_mean(.near))]
    Role {
        /// Which theme.
        theme: String,
        /// As written.
        role: String,
        /// The nearest valid name.
        near: Option<&'static str>,
    },
    /// A role is not given.
    #[error("theme {theme}: role {role:?} is missing; every role must be given")]
    Missing {
        /// Which theme.
        theme: String,
        /// Which role.
        role: &'static str,
    },
    /// No such colour or modifier.
    #[error(
        "theme {theme}: {value:?} is no colour (`#rrggbb`, or for fg16/bg16 a name like `red`, `bright-blue`) and no style (`bold`, `dim`, `italic`, `underline`, `reverse`)"
    )]
    Value {
        /// Which theme.
        theme: String,
        /// As written.
        value: String,
    },
}

fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a theme")]
struct ThemeFile {
    name: String,
    roles: BTreeMap<String, RawStyle>,
    swatch: Swatch,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table that describes the colours of a role"
)]
struct RawStyle {
    fg: Option<String>,
    bg: Option<String>,
    fg16: Option<String>,
    bg16: Option<String>,
    style: Vec<String>,
    mono: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `colors` and `colors16`")]
struct Swatch {
    colors: Vec<String>,
    colors16: Vec<String>,
}

/// Names and texts of the built-in themes, the default first.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../themes/deuteranopia.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// Whether a built-in theme can be read on a background of that kind; `None` = nobody knows the background.
pub fn fits(name: &str, background_is_light: Option<bool>) -> bool {
    match (name, background_is_light) {
        ("mono", _) | (_, None) => true,
        ("light", Some(is_light)) => is_light,
        (_, Some(is_light)) => !is_light,
    }
}

impl Theme {
    /// A built-in theme.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn built_in(name: &str, depth: ColourDepth) -> Result<Self, ThemeError> {
        let (_, text) = BUILT_IN
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| ThemeError::Unknown(name.to_owned()))?;
        Self::parse(name, text, depth)
    }

    /// A theme in which every role looks the same: for words that are not drawn.
    pub fn bare() -> Self {
        Self {
            name: String::new(),
            styles: BTreeMap::new(),
            swatch: Vec::new(),
        }
    }

    /// A theme from TOML.
    ///
    /// # Errors
    /// A [`ThemeError`] naming the theme and what is wrong in it.
    pub fn parse(theme: &str, text: &str, depth: ColourDepth) -> Result<Self, ThemeError> {
        let file: ThemeFile = toml::from_str(text).map_err(|error| ThemeError::Syntax {
            theme: theme.to_owned(),
            message: error.to_string(),
        })?;
        let mut styles = BTreeMap::new();
        for (name, look) in &file.roles {
            let role = Role::ALL
                .iter()
                .find(|role| role.name() == name)
                .ok_or_else(|| ThemeError::Role {
                    theme: theme.to_owned(),
                    role: name.clone(),
                    near: near(name),
                })?;
            styles.insert(*role, look.style(theme, depth)?);
        }
        if let Some(role) = Role::ALL.iter().find(|role| !styles.contains_key(role)) {
            return Err(ThemeError::Missing {
                theme: theme.to_owned(),
                role: role.name(),
            });
        }
        let names = if depth == ColourDepth::Sixteen {
            &file.swatch.colors16
        } else {
            &file.swatch.colors
        };
        let mut swatch = Vec::new();
        if depth != ColourDepth::Mono {
            for name in names {
                swatch.push(colour(theme, name, depth)?);
            }
        }
        Ok(Self {
            name: file.name,
            styles,
            swatch,
        })
    }

    /// What a role looks like.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// Colours of the signs, far apart from one another; empty where letters are used instead.
    pub fn swatch(&self) -> &[Color] {
        &self.swatch
    }
}

impl RawStyle {
    fn style(&self, theme: &str, depth: ColourDepth) -> Result<Style, ThemeError> {
        let mut style = Style::new();
        // All names are checked at every depth, so that a mistake shows on any terminal.
        for (full, named, set) in [
            (&self.fg, &self.fg16, Style::fg as fn(Style, Color) -> Style),
            (&self.bg, &self.bg16, Style::bg),
        ] {
            let full = full.as_ref().map(|c| colour(theme, c, ColourDepth::True)).transpose()?;
            let named = named
                .as_ref()
                .map(|c| colour(theme, c, ColourDepth::Sixteen))
                .transpose()?;
            let used = match depth {
                ColourDepth::Mono => None,
                ColourDepth::Sixteen => named,
                ColourDepth::Indexed => full.map(to_indexed),
                ColourDepth::True => full,
            };
            if let Some(used) = used {
                style = set(style, used);
            }
        }
        for name in &self.style {
            style = style.add_modifier(modifier(theme, name)?);
        }
        for name in &self.mono {
            let modifier = modifier(theme, name)?;
            if depth == ColourDepth::Mono {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }
}

fn near(name: &str) -> Option<&'static str> {
    Role::ALL
        .iter()
        .map(|role| (strsim::damerau_levenshtein(role.name(), name), role.name()))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, name)| name)
}

fn modifier(theme: &str, name: &str) -> Result<Modifier, ThemeError> {
    Ok(match name {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underline" => Modifier::UNDERLINED,
        "reverse" => Modifier::REVERSED,
        _ => {
            return Err(ThemeError::Value {
                theme: theme.to_owned(),
                value: name.to_owned(),
            });
        }
    })
}

fn colour(theme: &str, name: &str, depth: ColourDepth) -> Result<Color, ThemeError> {
    let wrong = || ThemeError::Value {
        theme: theme.to_owned(),
        value: name.to_owned(),
    };
    if depth == ColourDepth::Sixteen {
        return Ok(match name {
            "black" => Color::Black,
            "red" => Color::Red,
            "green" => Color::Green,
            "yellow" => Color::Yellow,
            "blue" => Color::Blue,
            "magenta" => Color::Magenta,
            "cyan" => Color::Cyan,
            "white" => Color::Gray,
            "bright-black" => Color::DarkGray,
            "bright-red" => Color::LightRed,
            "bright-green" => Color::LightGreen,
            "bright-yellow" => Color::LightYellow,
            "bright-blue" => Color::LightBlue,
            "bright-magenta" => Color::LightMagenta,
            "bright-cyan" => Color::LightCyan,
            "bright-white" => Color::White,
            _ => return Err(wrong()),
        });
    }
    let hex = name.strip_prefix('#').filter(|hex| hex.len() == 6).ok_or_else(wrong)?;
    let value = u32::from_str_radix(hex, 16).map_err(|_| wrong())?;
    let [_, r, g, b] = value.to_be_bytes();
    let full = Color::Rgb(r, g, b);
    Ok(if depth == ColourDepth::Indexed {
        to_indexed(full)
    } else {
        shortest(full)
    })
}

/// The same colour by its index where the 256-colour palette contains it exactly: fewer bytes on the
/// line, the same light on the screen.
fn shortest(colour: Color) -> Color {
    let indexed = to_indexed(colour);
    let same = match (colour, indexed) {
        (Color::Rgb(r, g, b), Color::Indexed(index @ 16..=231)) => {
            let at = usize::from(index - 16);
            [at / 36, at / 6 % 6, at % 6].map(|level| LEVELS[level]) == [r, g, b].map(i32::from)
        }
        (Color::Rgb(r, g, b), Color::Indexed(index @ 232..)) => {
            [r, g, b].map(i32::from) == [8 + 10 * (i32::from(index) - 232); 3]
        }
        _ => false,
    };
    if same { indexed } else { colour }
}

/// Levels of the colour cube of the 256-colour palette.
const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the 240 fixed colours of the 256-colour palette.
fn to_indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else {
        return colour;
    };
    let nearest = |value: u8| {
        let distance = |at: &usize| (LEVELS[*at] - i32::from(value)).abs();
        (0..6usize).min_by_key(distance).unwrap_or(0)
    };
    let at = [nearest(r), nearest(g), nearest(b)];
    let square = |x: i32, y: u8| (x - i32::from(y)).pow(2);
    let cube = square(LEVELS[at[0]], r) + square(LEVELS[at[1]], g) + square(LEVELS[at[2]], b);
    let mean = (i32::from(r) + i32::from(g) + i32::from(b)) / 3;
    let step = ((mean - 8) / 10).clamp(0, 23);
    let grey = 8 + 10 * step;
    let grey_distance = square(grey, r) + square(grey, g) + square(grey, b);
    let index = if grey_distance < cube {
        232 + step
    } else {
        i32::try_from(16 + 36 * at[0] + 6 * at[1] + at[2]).unwrap_or(16)
    };
    Color::Indexed(u8::try_from(index).unwrap_or(7))
}

/// The role of a status.
pub const fn of_status(status: CellStatus) -> Role {
    match status {
        CellStatus::Verified => Role::Verified,
        CellStatus::Warned => Role::Warned,
        CellStatus::Rejected | CellStatus::Absent => Role::Rejected,
        CellStatus::Unknown => Role::Unknown,
        CellStatus::Unreachable => Role::Unreachable,
        CellStatus::ByTag => Role::ByTag,
        CellStatus::NotJudged | CellStatus::Loading | CellStatus::NotChecked => Role::Quiet,
    }
}

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;
