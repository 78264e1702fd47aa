//! Everything the cockpit knows. One owner, no locks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::cell_status::{self, CellStatus};
use super::comparison::DiffScreen;
use super::cursor::{Column, Cursor, ScreenSubject};
use super::events::{CellId, EventLog};
use super::filter::Filter;
use super::generation::Generations;
use super::guide::Guide;
use super::keymap::Keymap;
pub use super::modal_choice::ModalChoice;
use super::msg::ScrollLimits;
use super::notice::Notice;
pub use super::pane::Pane;
use super::plan_screen::{PlanScreen, Writing};
pub use super::reading::Reading;
use super::revert_screen::RevertScreen;
use super::signs::SignTable;
use super::sorting::Sorting;
use super::undo::Undo;
pub use super::unfinished::{UnfinishedList, UnfinishedQuestion};
use super::versions::{KnownVersions, NamedVersion, VersionNames};
use crate::domain::board::{Board, Cell, ServiceRow};
use crate::domain::evidence::{Evidence, EvidenceState};
use crate::domain::failure::Failure;
use crate::domain::freshness::Seen;
use crate::domain::history::Entry;
use crate::domain::id::{Digest, ServiceId, Target};

/// How long an announcement stays.
const ANNOUNCED: SignedDuration = SignedDuration::from_secs(8);

/// What is longer than so many characters may be cut on the last line of a usual terminal.
const LINE: usize = 76;

/// How the cockpit was started; does not change while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// A word for the header that says this is not the user's own repository (`demo`).
    pub banner: Option<String>,
    /// Nothing may be written.
    pub read_only: bool,
    /// No registry is asked.
    pub offline: bool,
    /// Look again by itself after this long; `None` = only on request.
    pub refresh_every: Option<SignedDuration>,
    /// What to add to the equivalent commands (`-C DIR`, `--config FILE`), already quoted.
    pub global_arguments: String,
    /// Where the log is written, for the help.
    pub log: Option<String>,
    /// The mouse is used: the view says what lies where.
    pub mouse: bool,
    /// Columns of the board that the person put away, here, some time before.
    pub hidden_columns: BTreeSet<Column>,
    /// The cell that is selected first; `None` = the first one.
    pub start_at: Option<Target>,
    /// Somebody who sees a cockpit for the first time is led by a line.
    pub guided: bool,
}

/// Identifies one statement of a subject: its blob, what it hangs on, and which of several with
/// the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementId {
    /// Digest of the item.
    pub digest: Digest,
    /// Digest of the manifest or index that the statement is attached to.
    pub attached_to: Digest,
    /// Position among those that agree in both.
    pub nth: usize,
}

/// The screen that lists every statement about a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceScreen {
    /// Whose evidence.
    pub subject: ScreenSubject,
    /// The selected statement.
    pub selected: Option<StatementId>,
    /// Statements whose checks are shown.
    pub open: BTreeSet<StatementId>,
    /// Which check of the open, selected statement the cursor is on; `None` = the statement's line.
    pub check: Option<usize>,
}

/// The screen that lists who pinned what, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryScreen {
    /// Of which pin.
    pub target: Target,
    /// Newest first, as far as they have arrived.
    pub entries: Vec<Entry>,
    /// How the reading stands.
    pub reading: Reading,
    /// The selected commit.
    pub selected: Option<String>,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Statements of one subject.
    Evidence(EvidenceScreen),
    /// History of one pin.
    History(HistoryScreen),
    /// What separates two digests.
    Diff(Box<DiffScreen>),
    /// Which earlier digest comes back.
    Revert(Box<RevertScreen>),
    /// One write, from its proposal to its receipt.
    Plan(Box<PlanScreen>),
    /// The log of events.
    Events(EventsScreen),
}

/// What lies over the screen and takes the keys first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modal {
    /// The keys and words.
    Help {
        /// First line shown.
        top: u16,
    },
    /// Every action.
    Palette {
        /// What has been typed.
        text: String,
        /// The selected action, by name.
        selected: Option<Action>,
    },
    /// The filter is being typed.
    Filter {
        /// The filter before, to go back to.
        before: String,
        /// The selection before: it stays as long as its row matches, else the row nearest to it is selected.
        anchor: Option<Cursor>,
        /// The filter before stands there as it was: the first letter that is typed takes its place.
        is_kept: bool,
    },
    /// Which columns are shown.
    Columns {
        /// The selected column.
        at: usize,
    },
    /// One of several promotions.
    Choose {
        /// What there is to decide.
        title: String,
        /// What can be chosen.
        choices: Vec<ModalChoice>,
        /// The selected one.
        at: usize,
    },
    /// Something is typed that a plan needs.
    Ask {
        /// What it is for.
        then: AskedFor,
        /// What has been typed.
        text: String,
    },
    /// A write is in flight, and the person wants to leave.
    Leave,
    /// What a crash left unfinished.
    Unfinished(UnfinishedList),
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedFor {
    /// Why this digest is put on hold.
    HoldReason(Target, Digest),
    /// The digest that this pin goes back to.
    RevertTo(Target),
}

/// A pass over the board.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BoardPass {
    /// None has started.
    #[default]
    None,
    /// Running since.
    Running(Timestamp),
    /// The last one ended.
    Ended(Timestamp),
    /// The last one broke off.
    Failed(Failure, Timestamp),
}

/// The board as the engine knows it, kept aside while the screen is frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenBoard {
    /// What the screen will show when it thaws.
    pub live: Board,
    /// How many updates have changed something since.
    pub waiting: usize,
    /// Since when.
    pub since: Timestamp,
    /// How many events there had been then.
    pub told: usize,
}

/// What happened while a person looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventsScreen {
    /// First line shown.
    pub top: u16,
}

/// Everything the cockpit knows.
#[derive(Debug, Clone)]
pub struct CockpitState {
    /// How it was started.
    pub setup: Setup,
    /// Keys.
    pub keymap: Keymap,
    /// The board on screen.
    pub board: Board,
    /// The board behind it, while frozen.
    pub frozen: Option<FrozenBoard>,
    /// The running or last pass.
    pub pass: BoardPass,
    /// A person asked for everything to be asked again, and no pass has done so yet.
    pub wants_everything: bool,
    /// Which answers are still wanted.
    pub generations: Generations,
    /// What is selected on the board.
    pub cursor: Option<Cursor>,
    /// The drift selected in the feed, by its id.
    pub drift_selected: Option<String>,
    /// When each drift on the board was first seen in this run, by id.
    pub arrivals: BTreeMap<String, Timestamp>,
    /// The sign of every digest that this session has seen.
    pub signs: SignTable,
    /// The version of every digest that this session has seen with one.
    pub versions: KnownVersions,
    /// What this cockpit has written since the board was last read whole: shown even while it is frozen.
    pub own_writes: BTreeSet<Target>,
    /// What happened in this session.
    pub events: EventLog,
    /// Cells that have just changed, and when: they flash once.
    pub flashing: BTreeMap<CellId, Timestamp>,
    /// When the last key came, and how many events there had been then.
    pub looked_at: (Timestamp, usize),
    /// The line that leads a newcomer, until it is sent away.
    pub guide: Option<Guide>,
    /// Which rows are shown.
    pub filter: Filter,
    /// By what the rows are sorted.
    pub sorting: Sorting,
    /// The order of the services, settled when the sorting was chosen and when a pass ends; empty while they
    /// are sorted by name.
    pub order: Vec<ServiceId>,
    /// Columns of the board that are put away.
    pub hidden_columns: BTreeSet<Column>,
    /// The pane with the keys fills the screen.
    pub full_screen: bool,
    /// The pane with the keys.
    pub pane: Pane,
    /// First line shown of the inspector.
    pub inspector_top: u16,
    /// Screens over the board, the last on top.
    pub screens: Vec<Screen>,
    /// What lies over the screen.
    pub layer: Option<Modal>,
    /// Services marked for a set.
    pub marked: BTreeSet<ServiceId>,
    /// The write in flight.
    pub writing: Option<Writing>,
    /// What would undo the last write.
    pub undo: Undo,
    /// The cockpit ends when the write in flight has ended.
    pub leaving: bool,
    /// A line for the person.
    pub notice: Option<Notice>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// How far the last frame could scroll.
    pub limits: ScrollLimits,
    /// The time of the last message.
    pub now: Timestamp,
    /// The cockpit is about to end.
    pub quitting: bool,
}

impl CockpitState {
    /// A cockpit that has seen nothing yet.
    pub fn new(setup: Setup, keymap: Keymap, size: (u16, u16), now: Timestamp) -> Self {
        let guide = setup.guided.then(Guide::default);
        Self {
            hidden_columns: setup.hidden_columns.clone(),
            setup,
            keymap,
            board: Board::default(),
            frozen: None,
            pass: BoardPass::None,
            wants_everything: false,
            generations: Generations::default(),
            cursor: None,
            drift_selected: None,
            arrivals: BTreeMap::new(),
            signs: SignTable::default(),
            versions: KnownVersions::default(),
            own_writes: BTreeSet::new(),
            events: EventLog::default(),
            flashing: BTreeMap::new(),
            looked_at: (now, 0),
            guide,
            filter: Filter::default(),
            sorting: Sorting::default(),
            order: Vec::new(),
            full_screen: false,
            pane: Pane::Board,
            inspector_top: 0,
            screens: Vec::new(),
            layer: None,
            marked: BTreeSet::new(),
            writing: None,
            undo: Undo::default(),
            leaving: false,
            notice: None,
            size,
            limits: ScrollLimits::default(),
            now,
            quitting: false,
        }
    }

    /// The time as the screen shows it: whole minutes, so that ages repaint once a minute.
    pub fn minute(&self) -> Timestamp {
        super::age::minute(self.now)
    }

    /// The screen on top; `None` = the board.
    pub fn screen(&self) -> Option<&Screen> {
        self.screens.last()
    }

    /// The board as the engine knows it, frozen or not.
    #[cfg(any(test, feature = "measure"))]
    pub fn live_board(&mut self) -> &mut Board {
        match &mut self.frozen {
            Some(frozen) => &mut frozen.live,
            None => &mut self.board,
        }
    }

    /// The version of a digest of a service, as far as this session knows it.
    pub fn version_of(&self, service: &ServiceId, digest: Digest) -> Option<NamedVersion> {
        VersionNames::new(&self.board, &self.versions).of(service, digest)
    }

    /// Whether keys are keys now: no text is being typed, and no plan asks for an answer.
    pub fn awaits_keys(&self) -> bool {
        self.layer.is_none() && !matches!(self.screen(), Some(Screen::Plan(_)))
    }

    /// Whether a pass is running.
    pub fn is_refreshing(&self) -> bool {
        matches!(self.pass, BoardPass::Running(_))
    }

    /// What the screen on top, or the board's cursor, is about.
    pub fn subject(&self) -> Option<ScreenSubject> {
        match self.screen() {
            Some(Screen::Evidence(evidence)) => Some(evidence.subject.clone()),
            Some(Screen::History(history)) => self
                .board
                .row(&history.target.service)
                .and_then(|row| row.cell(&history.target.environment))
                .map(|cell| ScreenSubject::Pin(cell.pin.key())),
            Some(Screen::Diff(diff)) => Some(diff.subject.clone()),
            Some(Screen::Plan(_) | Screen::Revert(_) | Screen::Events(_)) => None,
            None => self.cursor.as_ref().and_then(|cursor| cursor.subject(&self.board)),
        }
    }

    /// The row of a subject.
    pub fn row_of(&self, subject: &ScreenSubject) -> Option<&ServiceRow> {
        match subject {
            ScreenSubject::Pin(key) => self.board.row(&key.target.service),
            ScreenSubject::Candidate(service) => self.board.row(service),
        }
    }

    /// The cell of a subject, if it is a pin that still stands.
    pub fn cell_of(&self, subject: &ScreenSubject) -> Option<&Cell> {
        match subject {
            ScreenSubject::Pin(key) => self.board.cell(key),
            ScreenSubject::Candidate(_) => None,
        }
    }

    /// The digest of a subject.
    pub fn digest_of(&self, subject: &ScreenSubject) -> Option<Digest> {
        match subject {
            ScreenSubject::Pin(key) => key.digest,
            ScreenSubject::Candidate(service) => {
                let candidate = self.board.row(service)?.candidate.value()?.as_ref()?;
                Some(candidate.digest)
            }
        }
    }

    /// The statements of a subject, with their identities, in display order: by kind, those that
    /// verify first.
    pub fn statements(&self, subject: &ScreenSubject) -> Vec<(StatementId, &Evidence)> {
        let assessment = match subject {
            ScreenSubject::Pin(key) => self.board.cell(key).map(|cell| &cell.assessment),
            ScreenSubject::Candidate(service) => self.board.row(service).map(|row| &row.assessment),
        };
        let Some(assessment) = assessment.and_then(Seen::value) else {
            return Vec::new();
        };
        let mut out: Vec<(StatementId, &Evidence)> = Vec::new();
        for evidence in assessment.evidence.iter() {
            let same = |id: &StatementId| id.digest == evidence.digest && id.attached_to == evidence.attached_to;
            let nth = out.iter().filter(|(id, _)| same(id)).count();
            let id = StatementId {
                digest: evidence.digest,
                attached_to: evidence.attached_to,
                nth,
            };
            out.push((id, evidence));
        }
        out.sort_by_key(|(id, evidence)| {
            let holds = evidence.state != EvidenceState::Verified;
            (evidence.kind, holds, id.clone())
        });
        out
    }

    /// How many cells have an answer, of how many that will get one, in this pass.
    pub fn progress(&self) -> (usize, usize) {
        let now = self.minute();
        let mut done = 0;
        let mut all = 0;
        for row in &self.board.services {
            for cell in row.cells.iter().filter(|cell| cell.pin.digest.is_some()) {
                let current = cell_status::of_cell(cell, now);
                let open = matches!(current.status, CellStatus::Loading | CellStatus::NotChecked) || current.rechecking;
                all += 1;
                done += usize::from(!open);
            }
        }
        (done, all)
    }

    /// Says something in passing.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: false,
            until: None,
        });
    }

    /// Says what has happened, unless an answer to the person stands there. It goes by itself.
    pub fn announce(&mut self, text: impl Into<String>) {
        let answers = self.notice.as_ref().is_some_and(|notice| notice.until.is_none());
        if !answers {
            self.notice = Some(Notice {
                text: text.into(),
                bad: false,
                until: Some(self.now + ANNOUNCED),
            });
        }
    }

    /// Says that something was refused or went wrong. The events keep it: one line of the screen may be too short for it.
    pub fn complain(&mut self, text: impl Into<String>) {
        let text = text.into();
        // Most refusals are a few words about a key, and no event.
        if text.chars().count() > LINE {
            self.events.push(self.now, text.clone());
        }
        self.notice = Some(Notice {
            text,
            bad: true,
            until: None,
        });
    }
}
