//! A hundred thousand random keys over a live board: whatever is pressed, nothing unmeant is written.

use super::*;
use crate::app::command::Command;
use crate::app::generation::Ticket;
use crate::app::key::{Code, KeyPress};
use crate::app::msg::Msg;
use crate::app::sample;
use crate::app::update::update;
use crate::domain::board::Update;
use crate::domain::plan::GateState;
use crate::domain::policy::Confirm;
use crate::domain::write::{Proposal, Request};
use crate::view::glyphs::{ASCII, UNICODE};
use crate::view::theme::ColourDepth;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len() as u64);
        &all[usize::try_from(at).unwrap_or(0)]
    }
}

/// What still waits for an answer.
#[derive(Default)]
struct Open {
    plan: Option<(Ticket, Request)>,
    write: Option<(Ticket, Proposal)>,
    diffs: Vec<Ticket>,
    history: Option<Ticket>,
    earlier: Option<Ticket>,
    pass: Option<Ticket>,
}

impl Open {
    fn take(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Plan { ticket, request } => self.plan = Some((ticket.clone(), (**request).clone())),
                Command::Execute { ticket, proposal } => self.write = Some((ticket.clone(), (**proposal).clone())),
                Command::Diff { ticket, .. } => self.diffs.push(ticket.clone()),
                Command::History { ticket, .. } => self.history = Some(ticket.clone()),
                Command::EarlierDigests { ticket, .. } => self.earlier = Some(ticket.clone()),
                Command::Refresh(ticket, _) => self.pass = Some(ticket.clone()),
                _ => {}
            }
        }
    }
}

fn random_key(numbers: &mut Numbers) -> KeyPress {
    const LETTERS: &[u8] = b"ehLdpruPHyyyyYnmabwtflgGjkRcqs/:?xx1259sSzC";
    let named = [
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::BackTab,
        Code::Left,
        Code::Right,
        Code::Up,
        Code::Down,
        Code::PageDown,
        Code::Backspace,
        Code::Char(' '),
        Code::Enter,
        Code::Esc,
        Code::Esc,
    ];
    match numbers.below(10) {
        0..=5 => KeyPress::char(char::from(*numbers.one_of(LETTERS))),
        6 => KeyPress {
            ctrl: true,
            ..KeyPress::char(char::from(*numbers.one_of(b"culwbf")))
        },
        // The names that have to be typed.
        7 if numbers.below(4) == 0 => KeyPress::char(*numbers.one_of(&['s', 't', 'a', 'g', 'i', 'n', 'é', '\u{202e}'])),
        _ => KeyPress::plain(*numbers.one_of(&named)),
    }
}

fn random_proposal(numbers: &mut Numbers, request: Request) -> Proposal {
    let mut proposal = sample::proposal_of(request);
    let kind = numbers.below(8);
    for plan in &mut proposal.plans {
        match kind {
            0 => plan.confirm = Confirm::TypeName,
            1 => {
                plan.gates[0].state = GateState::Closed;
                plan.gates[0].waivable = true;
            }
            2 => plan.gates[1].state = GateState::Closed,
            _ => {}
        }
    }
    match kind {
        3 => proposal.plans.clear(),
        4 => proposal.alternatives = sample::alternatives(),
        _ => {}
    }
    proposal
}

fn answer(numbers: &mut Numbers, open: &mut Open) -> Option<Msg> {
    match numbers.below(7) {
        0 | 1 => {
            let (ticket, request) = open.plan.take()?;
            Some(Msg::Planned {
                ticket,
                result: Ok(Box::new(random_proposal(numbers, request))),
            })
        }
        2 => {
            let (ticket, proposal) = open.write.take()?;
            Some(Msg::Written {
                ticket,
                result: Ok(Box::new(sample::receipt_of(&proposal))),
            })
        }
        3 => Some(Msg::Compared {
            ticket: open.diffs.pop()?,
            result: Ok(Box::new(sample::digest_diff())),
        }),
        4 => Some(Msg::History {
            ticket: open.history.take()?,
            entries: sample::history(),
        }),
        5 => Some(Msg::EarlierDigests {
            ticket: open.earlier.take()?,
            digests: sample::earlier(),
        }),
        _ => Some(Msg::RefreshEnded {
            ticket: open.pass.clone()?,
            result: Ok(()),
        }),
    }
}

/// What the person last saw: the plan that the frame displayed, by the number that the frame tells.
fn seen(state: &CockpitState, limits: &ScrollLimits) -> Option<Proposal> {
    let Some(Screen::Plan(plan)) = state.screen() else {
        return None;
    };
    (limits.proposal == Some(plan.serial)).then(|| plan.shown().cloned())?
}

fn run(seed: u64, keys: usize) {
    let mut numbers = Numbers(seed | 1);
    let themes = [
        Theme::built_in("dark", ColourDepth::True).expect("a theme"),
        Theme::built_in("mono", ColourDepth::Mono).expect("a theme"),
    ];
    // Few services in every state, or many: every board has its own updates.
    let updates: Vec<Update> = if seed.is_multiple_of(3) {
        let found = (0..40).flat_map(sample::large_findings);
        [sample::large_opened(40), sample::large_opened(38)]
            .into_iter()
            .chain(found)
            .collect()
    } else {
        std::iter::once(sample::opened()).chain(sample::findings()).collect()
    };
    let (mut state, ticket) = sample::started(80, 24);
    state.setup.mouse = true;
    sample::feed(&mut state, &ticket, [updates[0].clone()]);
    let mut spots: Vec<(Rect, Spot)> = Vec::new();
    let mut open = Open {
        pass: Some(ticket),
        ..Open::default()
    };
    let mut on_screen: Option<Proposal> = None;
    let mut pressed = 0;
    while pressed < keys {
        let kind = numbers.below(100);
        let msg = match kind {
            0..=9 => match answer(&mut numbers, &mut open) {
                Some(msg) => msg,
                None => continue,
            },
            10..=17 => match &open.pass {
                Some(ticket) => Msg::Update {
                    ticket: ticket.clone(),
                    update: Box::new(numbers.one_of(&updates).clone()),
                },
                None => continue,
            },
            18 => Msg::Resize {
                width: u16::try_from(numbers.below(251)).unwrap_or(0),
                height: u16::try_from(numbers.below(251)).unwrap_or(0),
            },
            19 => Msg::Resize { width: 80, height: 24 },
            20 => Msg::Tick,
            21 => Msg::Paste("y\nstaging".to_owned()),
            22 if !spots.is_empty() => Msg::Pointed(numbers.one_of(&spots).1.clone()),
            23 => Msg::Wheel(if numbers.below(2) == 0 { 1 } else { -1 }),
            _ => {
                pressed += 1;
                Msg::Key(random_key(&mut numbers))
            }
        };
        let cursor = state.cursor.clone();
        let was_typing = matches!(state.screen(), Some(Screen::Plan(plan)) if plan.input.is_some());
        let by_nobody = !matches!(msg, Msg::Key(_) | Msg::Paste(_) | Msg::Pointed(_) | Msg::Wheel(_));
        let key = match &msg {
            Msg::Key(key) => Some(*key),
            _ => None,
        };
        let commands = update(&mut state, msg, sample::now());
        assert!(state.cursor.is_some(), "the selection is lost");
        if by_nobody {
            assert_eq!(state.cursor, cursor, "what nobody pressed moves the cursor");
        }
        for command in &commands {
            let Command::Execute { proposal, .. } = command else {
                continue;
            };
            let key = key.expect("a write begins with a key");
            assert!(
                if was_typing {
                    key.code == Code::Enter
                } else {
                    key == KeyPress::char('y')
                },
                "{key} began a write"
            );
            assert_eq!(
                Some(&**proposal),
                on_screen.as_ref(),
                "what is written is what was on screen"
            );
            assert_eq!(proposal.refused(), None, "a closed gate was passed");
            let must_type = proposal.plans.iter().any(|plan| plan.confirm == Confirm::TypeName);
            assert!(was_typing || !must_type, "the name was not typed");
        }
        open.take(&commands);
        if state.quitting {
            state.quitting = false;
            state.leaving = false;
        }
        // The loop draws at most once per frame: not after every message.
        let area = u64::from(state.size.0) * u64::from(state.size.1);
        if numbers.below(2000) > area.min(1990) || numbers.below(8) == 0 {
            let glyphs = if numbers.below(4) == 0 { &ASCII } else { &UNICODE };
            let rect = Rect::new(0, 0, state.size.0, state.size.1);
            let frame = draw(&state, numbers.one_of(&themes), glyphs, rect);
            on_screen = seen(&state, &frame.limits);
            spots = frame.spots;
            update(&mut state, Msg::Drawn(frame.limits), sample::now());
        }
    }
}

#[test]
fn random_keys_never_write_what_was_not_on_screen() {
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            scope.spawn(move || {
                for seed in 0..50 {
                    run(0x9e37_79b9_7f4a_7c15 ^ (thread * 1000 + seed), 1000);
                }
            });
        }
    });
}
