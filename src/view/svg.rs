//! A frame as a picture: SVG with text in it, so that a reader, a search and a diff see words.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::colour::rgb;

/// Width and height of one cell, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
/// Size of the letters, in pixels.
const LETTERS: f32 = 14.0;

/// The colours of the terminal itself.
#[derive(Debug, Clone, Copy)]
pub struct Paper {
    /// Behind the text.
    pub background: &'static str,
    /// Text without a colour of its own.
    pub text: &'static str,
}

/// A dark terminal.
pub const DARK: Paper = Paper {
    background: "#16181d",
    text: "#d4d4d4",
};

/// A light terminal.
pub const LIGHT: Paper = Paper {
    background: "#fdfdfb",
    text: "#1c1c1c",
};

/// How a run of cells looks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    text: String,
    background: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
}

fn hex(colour: Color) -> Option<String> {
    rgb(colour).map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}"))
}

fn look(cell: &Cell, paper: Paper) -> Look {
    let text = hex(cell.fg);
    let behind = hex(cell.bg);
    let has = |modifier| cell.modifier.contains(modifier);
    let (text, background) = if has(Modifier::REVERSED) {
        let text_as_paper = text.unwrap_or_else(|| paper.text.to_owned());
        (
            behind.unwrap_or_else(|| paper.background.to_owned()),
            Some(text_as_paper),
        )
    } else {
        (text.unwrap_or_else(|| paper.text.to_owned()), behind)
    };
    Look {
        text,
        background,
        bold: has(Modifier::BOLD),
        dim: has(Modifier::DIM),
        italic: has(Modifier::ITALIC),
        underlined: has(Modifier::UNDERLINED),
    }
}

/// The picture of a frame. `title` is what a screen reader says first; the words follow line by line.
pub fn picture(buffer: &Buffer, title: &str, paper: Paper) -> String {
    let area = buffer.area;
    let (width, height) = (f32::from(area.width) * CELL.0, f32::from(area.height) * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {:.1} {:.1}\" width=\"{:.1}\" height=\"{:.1}\">\n\
         <title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n\
         <g font-family=\"ui-monospace,'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\" font-size=\"{LETTERS}\" xml:space=\"preserve\">\n",
        width + 16.0,
        height + 16.0,
        width + 16.0,
        height + 16.0,
        escaped(title),
        paper.background,
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let (end, text, look) = run(buffer, x, y, paper);
            draw(&mut out, (x - area.left(), y - area.top(), end - x), &text, &look);
            x = end;
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// The cells from a place on that look the same: where they end, their text.
fn run(buffer: &Buffer, from: u16, y: u16, paper: Paper) -> (u16, String, Look) {
    let first = look(&buffer[(from, y)], paper);
    let mut text = String::new();
    let mut x = from;
    while x < buffer.area.right() && look(&buffer[(x, y)], paper) == first {
        text.push_str(buffer[(x, y)].symbol());
        x += 1;
    }
    (x, text, first)
}

fn draw(out: &mut String, (x, y, cells): (u16, u16, u16), text: &str, look: &Look) {
    let (left, top) = (8.0 + f32::from(x) * CELL.0, 8.0 + f32::from(y) * CELL.1);
    if let Some(background) = &look.background {
        // Writing into a text never fails.
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{background}\"/>",
            f32::from(cells) * CELL.0,
            CELL.1
        );
    }
    // Words are placed one by one, so that a font of another width cannot push them out of their columns.
    let mut at = 0_u16;
    for word in text.split_inclusive("  ") {
        let columns = u16::try_from(word.chars().count()).unwrap_or(0);
        let shown = word.trim_end();
        let lead = u16::try_from(shown.chars().take_while(|c| *c == ' ').count()).unwrap_or(0);
        let shown = shown.trim_start();
        if !shown.is_empty() {
            let wide = u16::try_from(shown.chars().count()).unwrap_or(0);
            let mut style = String::new();
            for (is_set, attribute) in [
                (look.bold, " font-weight=\"bold\""),
                (look.dim, " opacity=\"0.65\""),
                (look.italic, " font-style=\"italic\""),
                (look.underlined, " text-decoration=\"underline\""),
            ] {
                if is_set {
                    style.push_str(attribute);
                }
            }
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{}\"{style}>{}</text>",
                left + f32::from(at + lead) * CELL.0,
                top + 13.5,
                f32::from(wide) * CELL.0,
                look.text,
                escaped(shown)
            );
        }
        at += columns;
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
