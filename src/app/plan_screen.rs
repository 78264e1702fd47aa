//! The screen of a write: what is proposed, how far it is, what became of it.
//!
//! A write lives in [`CockpitState`](super::CockpitState), not on its screen: closing a screen never
//! touches a write.

use jiff::Timestamp;

use super::comparison::ComparisonState;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::plan::{Gate, GateName, GateState, Plan};
use crate::domain::policy::Confirm;
use crate::domain::write::{Ask, Progress, Proposal, Receipt, Request, Source, WriteFailure};

/// The plan screen: one write from its proposal to its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanScreen {
    /// What is asked; grows by what the person adds (acknowledgement, reason).
    pub request: Request,
    /// The digest that the board showed for each service when the key was pressed.
    pub seen: Vec<(ServiceId, Digest)>,
    /// Which proposal this is: only one that has been drawn can be confirmed.
    pub serial: u64,
    /// How far it is.
    pub stage: Stage,
    /// What separates old and new digest, per plan of the proposal.
    pub compared: Vec<ComparisonState>,
    /// What is being typed.
    pub input: Option<Input>,
    /// First line shown.
    pub top: u16,
    /// The member of a set whose details are shown; `None` = the first.
    pub member: Option<ServiceId>,
    /// How many questions had been asked when the proposal came: a pass over the board that began later has
    /// seen a commit that is at least as new as the proposal's.
    pub made_at: u64,
    /// The branch has moved since the proposal was made.
    pub moved: Option<BranchMoved>,
}

/// What has happened to the branch since a proposal was made on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchMoved {
    /// Its newest commit.
    pub commit: String,
    /// The first pin of the proposal that is no longer what the proposal says it replaces.
    pub changed: Option<Target>,
}

/// How far a write is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The engine plans, on the newest commit of the remote.
    Planning {
        /// Since when.
        since: Timestamp,
    },
    /// It could not be planned, or it did not happen.
    Failed(WriteFailure),
    /// On screen, waiting for a person.
    Shown(Box<Proposal>),
    /// Being carried out; [`Writing`] knows how far it is.
    Running(Box<Proposal>),
    /// Git accepted it, or there was nothing to do.
    Done(Box<Proposal>, Box<Receipt>),
}

/// What is being typed on the plan screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The environment's name, to confirm.
    Name(String),
    /// Why, for the commit.
    Reason(String),
    /// Why gates shall be waived.
    BreakGlass(String),
}

impl Input {
    /// What has been typed so far.
    pub fn text_mut(&mut self) -> &mut String {
        match self {
            Self::Name(text) | Self::Reason(text) | Self::BreakGlass(text) => text,
        }
    }
}

/// A write in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// What it does, in a few words.
    pub what: String,
    /// What was asked.
    pub ask: Ask,
    /// Since when.
    pub since: Timestamp,
    /// The last step heard of.
    pub progress: Option<Progress>,
    /// The copy being measured: of which service, since when, from how many bytes.
    pub meter: Option<(ServiceId, Timestamp, u64)>,
    /// Cancelling has been asked for.
    pub cancelling: bool,
    /// The git step has begun: it cannot be cancelled any more.
    pub committed: bool,
    /// A crash had left it, and it is being finished: no plan is on screen for it.
    pub was_left: bool,
}

/// The keys of the plan screen with what they do, for the help.
pub const KEYS: &[(&str, &str)] = &[
    (
        "y",
        "confirm what is shown; where the environment asks for it, then type its name",
    ),
    ("enter esc", "cancel: nothing is written"),
    ("a", "acknowledge a WARNED test result"),
    ("h", "revert to a digest on hold: release its hold in the same commit"),
    ("m", "type the reason for the commit message"),
    ("b", "break glass: type why, where the policy lets a refusal be waived"),
    ("i", "take the loose copies of the old digest along, or leave them"),
    ("x", "a set: leave out the selected service, and plan the others again"),
    ("w", "revert: the whole commit, or this pin alone"),
    ("1-9", "revert: choose one of the digests that verify"),
    ("n", "plan again, on the newest commit"),
    ("d", "everything that separates the two digests"),
];

impl PlanScreen {
    /// A screen for a request that is about to be planned.
    pub fn new(request: Request, seen: Vec<(ServiceId, Digest)>, serial: u64, now: Timestamp) -> Self {
        Self {
            request,
            seen,
            serial,
            stage: Stage::Planning { since: now },
            compared: Vec::new(),
            input: None,
            top: 0,
            member: None,
            made_at: 0,
            moved: None,
        }
    }

    /// The members of a set while they are on screen; empty for a plan of one service.
    pub fn members(&self) -> &[Plan] {
        match &self.stage {
            Stage::Shown(proposal) | Stage::Running(proposal) if proposal.plans.len() > 1 => &proposal.plans,
            _ => &[],
        }
    }

    /// The place of the selected member among those of the set.
    pub fn member_position(&self) -> usize {
        let selected = |plan: &Plan| Some(&plan.service) == self.member.as_ref();
        self.members().iter().position(selected).unwrap_or(0)
    }

    /// The proposal on screen, whatever became of it.
    pub fn proposal(&self) -> Option<&Proposal> {
        match &self.stage {
            Stage::Shown(proposal) | Stage::Running(proposal) | Stage::Done(proposal, _) => Some(proposal),
            Stage::Planning { .. } | Stage::Failed(_) => None,
        }
    }

    /// The proposal that waits for a person.
    pub fn shown(&self) -> Option<&Proposal> {
        match &self.stage {
            Stage::Shown(proposal) => Some(proposal),
            _ => None,
        }
    }
}

/// The environment whose name must be typed to confirm, if any of the plans wants that.
pub fn name_to_type(proposal: &Proposal) -> Option<&EnvId> {
    let wants = |plan: &&Plan| plan.confirm == Confirm::TypeName;
    proposal.plans.iter().find(wants).map(|plan| &plan.environment)
}

/// Whether a gate of that name is closed in any plan.
pub fn is_closed(proposal: &Proposal, gate: GateName) -> bool {
    let mut gates = proposal.plans.iter().flat_map(|plan| &plan.gates);
    gates.any(|g| g.gate == gate && g.state == GateState::Closed)
}

/// Whether a typed reason could open something that is closed.
pub fn is_waivable(proposal: &Proposal) -> bool {
    proposal
        .plans
        .iter()
        .flat_map(|plan| &plan.gates)
        .any(|gate| gate.waivable)
}

/// What a request does, in a few words: the title of its plan.
pub fn title(ask: &Ask) -> String {
    match ask {
        Ask::Promote { services, to, from } => {
            let what = match services.as_slice() {
                [one] => one.to_string(),
                [a, b] => format!("{a} and {b}"),
                [a, rest @ ..] => format!("{a} and {} more", rest.len()),
                [] => "nothing".to_owned(),
            };
            match from {
                Some(Source::Environment(env)) => format!("promote {what} from {env} to {to}"),
                Some(Source::Candidate) => format!("promote {what} from CI to {to}"),
                Some(Source::Digest(digest)) => format!("promote {what} {} to {to}", digest.short()),
                None => format!("promote {what} to {to}"),
            }
        }
        Ask::Revert { target, to: None, .. } => format!("revert {target}"),
        Ask::Revert {
            target, to: Some(to), ..
        } => format!("revert {target} to {}", to.short()),
        Ask::Pin { services, environment } => {
            let what: Vec<&str> = services.iter().map(ServiceId::as_str).collect();
            let what = if what.is_empty() {
                "everything".to_owned()
            } else {
                what.join(", ")
            };
            match environment {
                Some(env) => format!("pin {what} in {env}"),
                None => format!("pin {what}"),
            }
        }
        Ask::Hold { target, .. } => format!("hold {target}"),
        Ask::ReleaseHold { target } => format!("release the hold of {target}"),
    }
}

/// The first closed gate, with the plan that it belongs to.
pub fn closed_gate(proposal: &Proposal) -> Option<(&Plan, &Gate)> {
    let plan = proposal.refused()?;
    Some((plan, plan.closed_gate()?))
}

/// What must be typed to confirm: the name of the environment that asks for it, else of the first.
pub fn wanted_name(screen: &PlanScreen) -> Option<String> {
    let proposal = screen.shown()?;
    let first = || proposal.plans.first().map(|plan| &plan.environment);
    name_to_type(proposal).or_else(first).map(ToString::to_string)
}
