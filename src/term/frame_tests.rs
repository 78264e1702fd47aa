use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::*;

const AREA: Rect = Rect {
    x: 0,
    y: 0,
    width: 12,
    height: 4,
};

/// What a terminal shows after these bytes, with its looks.
fn shown(terminal: &vt100::Parser) -> Vec<String> {
    let screen = terminal.screen();
    let mut out = Vec::new();
    for y in 0..AREA.height {
        for x in 0..AREA.width {
            let cell = screen.cell(y, x).expect("inside");
            if cell.is_wide_continuation() {
                continue;
            }
            let text = if cell.contents().is_empty() {
                " "
            } else {
                cell.contents()
            };
            // The ink of a blank cannot be seen.
            let bare = text == " " && !cell.underline() && !cell.inverse();
            let ink = if bare { vt100::Color::Default } else { cell.fgcolor() };
            let look = format!("{ink:?} {:?}", cell.bgcolor());
            let weight = (cell.bold() && !bare, cell.dim() && !bare, cell.italic() && !bare);
            let flags = (weight, cell.underline(), cell.inverse());
            out.push(format!("{x},{y} {text} {look} {flags:?}"));
        }
    }
    out
}

fn terminal(chunks: &[Vec<u8>]) -> vt100::Parser {
    let mut parser = vt100::Parser::new(AREA.height, AREA.width, 0);
    for chunk in chunks {
        parser.process(chunk);
    }
    parser
}

fn style() -> impl Strategy<Value = Style> {
    let colour = prop_oneof![
        Just(Color::Reset),
        Just(Color::Red),
        Just(Color::LightBlue),
        Just(Color::Indexed(123)),
        Just(Color::Rgb(1, 2, 3)),
    ];
    (colour.clone(), colour, 0u8..32).prop_map(|(fg, bg, bits)| {
        let mut style = Style::new().fg(fg).bg(bg);
        for (n, modifier) in [
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::ITALIC,
            Modifier::UNDERLINED,
            Modifier::REVERSED,
        ]
        .into_iter()
        .enumerate()
        {
            if bits & (1 << n) != 0 {
                style = style.add_modifier(modifier);
            }
        }
        style
    })
}

prop_compose! {
    fn buffer()(texts in prop::collection::vec((0u16..12, 0u16..4, "[ab ]{1,5}|日本|é|   ", style()), 0..8)) -> Buffer {
        let mut buffer = Buffer::empty(AREA);
        for (x, y, text, style) in texts {
            buffer.set_string(x, y, text, style);
        }
        // The emulator of these tests knows one weight at a time.
        for cell in &mut buffer.content {
            if cell.modifier.contains(Modifier::BOLD | Modifier::DIM) {
                cell.modifier -= Modifier::DIM;
            }
        }
        buffer
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was shown before, a frame ends with the terminal showing what was drawn.
    #[test]
    fn differences_lead_to_the_same_screen(frames in prop::collection::vec(buffer(), 1..6)) {
        let mut painter = Painter::new(true);
        let chunks: Vec<Vec<u8>> = frames.iter().map(|frame| painter.frame(frame)).collect();
        let last = frames.last().expect("one at least");
        let whole = Painter::new(true).frame(last);
        prop_assert_eq!(shown(&terminal(&chunks)), shown(&terminal(&[whole])));
    }

    #[test]
    fn without_colours_no_colour_is_ever_written(frames in prop::collection::vec(buffer(), 1..4)) {
        let mut painter = Painter::new(false);
        for frame in &frames {
            let bytes = painter.frame(frame);
            for (fg, bg) in looks(&bytes) {
                prop_assert_eq!((fg, bg), (vt100::Color::Default, vt100::Color::Default));
            }
            let text = String::from_utf8(bytes).expect("text");
            prop_assert!(!text.contains("38;") && !text.contains("39") && !text.contains("48;"));
        }
    }
}

/// A page of text whose rows differ, with a look here and there.
fn page(from: usize, rows: u16, marked: u16) -> Buffer {
    let area = Rect::new(0, 0, 60, rows);
    let mut buffer = Buffer::empty(area);
    for y in 0..rows {
        let at = from + usize::from(y);
        let text = format!("service {at:04} {:08x} {:08x} verified", at * 7_919, at * 104_729);
        buffer.set_string(2, y, text, Style::new().fg(Color::Green));
    }
    buffer.set_style(
        Rect::new(2, marked, 12, 1),
        Style::new().add_modifier(Modifier::REVERSED),
    );
    buffer.set_string(
        0,
        rows - 1,
        "the last line stays where it is",
        Style::new().fg(Color::Blue),
    );
    buffer
}

fn shown_page(chunks: &[Vec<u8>], rows: u16) -> Vec<String> {
    let mut terminal = vt100::Parser::new(rows, 60, 0);
    for chunk in chunks {
        terminal.process(chunk);
    }
    let screen = terminal.screen();
    let cells = (0..rows).flat_map(|y| (0..60).map(move |x| (y, x)));
    cells
        .filter_map(|(y, x)| screen.cell(y, x))
        .map(|cell| match cell.contents() {
            "" | " " => format!(" {:?} {}", cell.bgcolor(), cell.inverse()),
            text => format!("{text} {:?} {:?} {}", cell.fgcolor(), cell.bgcolor(), cell.inverse()),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However far a page moves, the terminal shows what was drawn, and a short way is cheap.
    #[test]
    fn rows_that_move_are_moved_by_the_terminal(
        start in 0usize..40, moves in prop::collection::vec((-14isize..15, 0u16..20), 1..6)
    ) {
        let rows = 21;
        let mut painter = Painter::new(true);
        let mut at = start;
        let mut chunks = vec![painter.frame(&page(at, rows, 0))];
        for (by, marked) in moves {
            at = at.saturating_add_signed(by);
            let next = page(at, rows, marked);
            chunks.push(painter.frame(&next));
            let whole = Painter::new(true).frame(&next);
            prop_assert_eq!(shown_page(&chunks, rows), shown_page(&[whole], rows));
        }
    }
}

#[test]
fn a_page_that_moves_by_a_few_rows_costs_those_rows() {
    let mut painter = Painter::new(true);
    painter.frame(&page(0, 21, 3));
    let down = painter.frame(&page(4, 21, 3)).len();
    let up = painter.frame(&page(0, 21, 3)).len();
    assert!(down < 350 && up < 350, "{down} and {up} bytes");
}

fn looks(bytes: &[u8]) -> Vec<(vt100::Color, vt100::Color)> {
    let terminal = terminal(&[bytes.to_vec()]);
    let screen = terminal.screen();
    (0..AREA.height)
        .flat_map(|y| (0..AREA.width).map(move |x| (y, x)))
        .filter_map(|(y, x)| screen.cell(y, x))
        .map(|cell| (cell.fgcolor(), cell.bgcolor()))
        .collect()
}

fn with(text: &str, style: Style) -> Buffer {
    let mut buffer = Buffer::empty(AREA);
    buffer.set_string(0, 0, text, style);
    buffer
}

#[test]
fn an_unchanged_frame_is_no_bytes() {
    let mut painter = Painter::new(true);
    let frame = with("hello", Style::new().fg(Color::Red));
    assert!(!painter.frame(&frame).is_empty());
    assert!(painter.frame(&frame).is_empty());
}

#[test]
fn a_frame_lies_inside_synchronized_output() {
    let bytes = Painter::new(true).frame(&with("hello", Style::new()));
    assert!(bytes.starts_with(SYNC_START.as_bytes()) && bytes.ends_with(SYNC_END.as_bytes()));
}

#[test]
fn reverse_survives_without_colours() {
    let style = Style::new().fg(Color::Red).add_modifier(Modifier::REVERSED);
    let bytes = Painter::new(false).frame(&with("x", style));
    assert!(
        terminal(std::slice::from_ref(&bytes))
            .screen()
            .cell(0, 0)
            .expect("cell")
            .inverse()
    );
    assert!(!String::from_utf8_lossy(&bytes).contains("\x1b[31"));
}

#[test]
fn one_changed_letter_costs_little() {
    let mut painter = Painter::new(true);
    painter.frame(&with("hello", Style::new()));
    let bytes = painter.frame(&with("hallo", Style::new()));
    assert!(bytes.len() < 30, "{} bytes", bytes.len());
}

#[test]
fn a_forgotten_or_resized_screen_is_cleared() {
    let mut painter = Painter::new(true);
    let frame = with("hello", Style::new());
    painter.frame(&frame);
    painter.forget();
    assert!(String::from_utf8_lossy(&painter.frame(&frame)).contains("\x1b[2J"));
    let smaller = Buffer::empty(Rect { width: 5, ..AREA });
    assert!(String::from_utf8_lossy(&painter.frame(&smaller)).contains("\x1b[2J"));
}
