//! The cockpit in a real pseudo terminal, on the demo's world: what a person sees, and that the terminal
//! comes back whatever happens.

use super::terminal::Cockpit;

pub fn board(cockpit: &mut Cockpit) {
    cockpit.until("the verified board", |text| {
        text.contains("production") && text.contains("SPBT") && text.contains("verified") && !text.contains("checking ")
    });
}

/// The rows of the demo's board as they look: blanks that were written at the end of a row, and cells there that were
/// never written to, are the same.
pub fn table(text: &str) -> Vec<String> {
    let rows = text.lines().skip(1).take(11);
    rows.map(|row| row.trim_end().to_owned()).collect()
}

/// The rows of the demo's board when nothing comes any more that would change one of them: every cell is judged, and
/// what runs and what is on hold are known.
pub fn settled(cockpit: &mut Cockpit) -> Vec<String> {
    cockpit.until("the settled board", |text| {
        let rows = table(text).join("\n");
        let known: usize = ["≡ ", "≡-", "≡±", "≡⚑"]
            .iter()
            .map(|sign| rows.matches(sign).count())
            .sum();
        let judged = !rows.contains(" · ") && text.contains("⚑ 14 drift");
        judged && known >= 31 && rows.contains('□') && text.contains(" quit")
    });
    table(&cockpit.text())
}

#[test]
fn looking_around_and_leaving() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    assert!(cockpit.text().contains(" demo "), "it says on screen that it is a demo");
    cockpit.press("?");
    cockpit.until("the help", |text| text.contains("Same sign, same bytes"));
    cockpit.press("q");
    cockpit.until("the board again", |text| text.contains("service"));
    cockpit.press("j");
    cockpit.until("the next row", |text| text.contains("▸payments"));
    cockpit.resize(24, 80);
    cockpit.until("the narrow board", |text| {
        text.contains("▸payments") && text.contains("r revert  e evidence  : commands")
    });
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    cockpit.signal("-TERM");
    assert_eq!(cockpit.ended(), 143);
    cockpit.is_given_back();
}

#[test]
fn from_r_to_a_pushed_revert_in_three_keys() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    // The demo begins in staging. accounts there: pinned before, verified, an ordinary environment.
    cockpit.press("G");
    cockpit.until("the cell", |text| text.contains("accounts · staging"));
    cockpit.press("r");
    cockpit.until("the choice of digests", |text| text.contains("last known good"));
    cockpit.press("\r");
    cockpit.until("the plan", |text| {
        text.contains("[ Cancel ]") && text.contains("y confirm")
    });
    assert!(!cockpit.text().contains("reverted:"));
    cockpit.press("y");
    cockpit.until("the receipt", |text| text.contains("reverted: accounts in staging"));
    assert!(cockpit.text().contains("refs/heads/main"));
    cockpit.press("\r");
    board(&mut cockpit);
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
}

#[test]
fn a_promotion_in_the_demo_is_pushed() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("\r");
    cockpit.until("the board: enter is cancel", |text| {
        text.contains("nothing was written")
    });
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("y");
    cockpit.until("the question", |text| text.contains("type production and enter"));
    cockpit.press("production\r");
    cockpit.until("the receipt", |text| text.contains("promoted: checkout in production"));
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}

#[test]
fn what_is_promoted_rolls_out_and_what_is_reverted_comes_back() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    cockpit.until("what runs", |text| text.contains("same 2/2"));
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("y");
    cockpit.until("the question", |text| text.contains("type production and enter"));
    cockpit.press("production\r");
    cockpit.until("the receipt", |text| text.contains("promoted: checkout in production"));
    cockpit.until("the cluster runs it", |text| text.contains("runs 4/4"));
    cockpit.press("\r");
    board(&mut cockpit);
    cockpit.press("l");
    cockpit.until("the cell", |text| {
        text.contains("checkout · production") && text.contains("same 4/4")
    });
    cockpit.press("r");
    cockpit.until("the choice of digests", |text| text.contains("last known good"));
    cockpit.press("\r");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("y");
    cockpit.until("the question", |text| text.contains("type production and enter"));
    cockpit.press("production\r");
    cockpit.until("the receipt", |text| text.contains("reverted: checkout in production"));
    cockpit.until("the cluster runs it", |text| text.contains("runs 4/4"));
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}
