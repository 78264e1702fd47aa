//! The cockpit in a real pseudo terminal, on the demo's world: what a person sees, and that the terminal
//! comes back whatever happens.

use portable_pty::PtySize;

use super::terminal::Cockpit;

fn board(cockpit: &mut Cockpit) {
    cockpit.until("the verified board", |text| {
        text.contains("production") && text.contains("SPBT") && text.contains("verified") && !text.contains("checking ")
    });
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
    cockpit
        .master
        .resize(PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        })
        .expect("resized");
    cockpit.screen.lock().expect("lock").screen_mut().set_size(24, 80);
    // The new size is drawn by itself; a key pressed in the same instant could wait for the next one.
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
    let id = cockpit.child.process_id().expect("an id").to_string();
    let killed = std::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.expect("kill runs").success());
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
