//! What would take the last write back: every way there is, in words, for each thing that was written.

use super::modal_choice::ModalChoice;
use super::plan_screen::title;
use super::versions::VersionNames;
use crate::domain::hold::HoldChange;
use crate::domain::id::{Digest, ServiceId, Target};
use crate::domain::plan::{Plan, Verb};
use crate::domain::write::{Ask, Request, Scope};

/// One way to take one part of a write back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// What it does, as a clause for the person.
    pub label: String,
    /// What would be asked.
    pub request: Request,
}

/// One service that the write changed, with the ways back. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UndoPart {
    target: Target,
    ways: Vec<WayBack>,
}

/// What would take the last write back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undo {
    parts: Vec<UndoPart>,
    /// The person chose all parts: each of them is planned by itself, one after another.
    all: bool,
    /// Other parts have been taken back already: what is left need not be what is on screen.
    is_rest: bool,
}

impl Undo {
    /// The ways back from plans that git has accepted. A pin that had no digest before has none.
    pub fn of(plans: &[Plan], names: &VersionNames<'_>) -> Self {
        let parts = plans.iter().map(|plan| UndoPart {
            target: Target::new(plan.service.clone(), plan.environment.clone()),
            ways: ways(plan, names),
        });
        Self {
            parts: parts.filter(|part| !part.ways.is_empty()).collect(),
            all: false,
            is_rest: false,
        }
    }

    /// Whether there is nothing to take back.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What the last write changed, as far as it can be taken back.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.parts.iter().map(|part| &part.target)
    }

    /// How many services can still be taken back.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// What a person can choose between; one choice needs no question.
    pub fn choices(&self) -> Vec<ModalChoice> {
        let choice = |label: String, request: &Request, all| ModalChoice {
            label,
            request: Some(Box::new(request.clone())),
            obstacle: None,
            seen: Vec::new(),
            all,
        };
        match self.parts.as_slice() {
            [] => Vec::new(),
            [one] => one
                .ways
                .iter()
                .map(|way| choice(way.label.clone(), &way.request, false))
                .collect(),
            [first, ..] if self.all => first
                .ways
                .iter()
                .take(1)
                .map(|way| choice(way.label.clone(), &way.request, true))
                .collect(),
            [first, ..] => {
                let names: Vec<&str> = self.parts.iter().map(|part| part.target.service.as_str()).collect();
                let whole = format!("all {}, one plan after another: {}", self.parts.len(), names.join(", "));
                let all = first.ways.first().map(|way| choice(whole, &way.request, true));
                let each = self.parts.iter().flat_map(|part| {
                    part.ways.iter().map(move |way| {
                        choice(
                            format!("{} alone: {}", part.target.service, way.label),
                            &way.request,
                            false,
                        )
                    })
                });
                all.into_iter().chain(each).collect()
            }
        }
    }

    /// The question that stands over the choices.
    pub fn question(&self) -> String {
        match self.parts.as_slice() {
            [one] => format!("two ways back for {} in {}", one.target.service, one.target.environment),
            parts => format!("take back all {}, or one of them?", parts.len()),
        }
    }

    /// What the key leads to, in a few words; `None` = there is nothing to take back.
    pub fn words(&self) -> Option<String> {
        let choices = self.choices();
        let more = self.all && self.parts.len() > 1;
        match choices.as_slice() {
            [] => None,
            [one] if self.all => {
                let ask = one.request.as_ref().map(|request| title(&request.ask))?;
                let left = if more {
                    format!(" ({} left)", self.parts.len())
                } else {
                    String::new()
                };
                Some(format!("next: {ask}{left}"))
            }
            [one] => Some(format!("{}{}", self.whose(), one.label)),
            _ if self.parts.len() == 1 => Some(format!("{}take it back: two ways", self.whose())),
            _ => Some(format!("take back all {} or one", self.parts.len())),
        }
    }

    /// Names what is left of a set: the receipt on screen may be that of another member.
    fn whose(&self) -> String {
        match self.parts.as_slice() {
            [one] if self.is_rest => format!("{} in {}: ", one.target.service, one.target.environment),
            _ => String::new(),
        }
    }

    /// The person chose to take all parts back.
    pub fn take_all(&mut self) {
        self.all = true;
    }

    /// A part that has been taken back is no longer offered. Answers whether `ask` was one of the ways and
    /// other parts are left.
    pub fn goes_on_after(&mut self, ask: &Ask) -> bool {
        let is_way = |part: &UndoPart| part.ways.iter().any(|way| way.request.ask == *ask);
        match self.parts.iter().position(is_way) {
            Some(at) if self.parts.len() > 1 => {
                self.parts.remove(at);
                self.is_rest = true;
                true
            }
            _ => false,
        }
    }
}

fn ways(plan: &Plan, names: &VersionNames<'_>) -> Vec<WayBack> {
    let target = Target::new(plan.service.clone(), plan.environment.clone());
    let name = |digest: Digest| named(names, &plan.service, digest);
    let revert = |to, release_hold| Request {
        release_hold,
        ..Request::new(Ask::Revert {
            target: target.clone(),
            to: Some(to),
            scope: Scope::Auto,
        })
    };
    let one = |label: String, request| WayBack { label, request };
    match (plan.verb, plan.from) {
        (Verb::Promote, Some(from)) => vec![one(
            format!("go back to {}; {} goes on hold", name(from), name(plan.to)),
            revert(from, false),
        )],
        (Verb::Revert, Some(from)) => {
            let held = plan
                .holds
                .iter()
                .any(|change| matches!(change, HoldChange::Begins(_, _, digest) if *digest == from));
            if !held {
                return vec![one(format!("put {} back", name(from)), revert(from, false))];
            }
            let release = Request::new(Ask::ReleaseHold { target: target.clone() });
            vec![
                one(
                    format!("put {} back and release its hold", name(from)),
                    revert(from, true),
                ),
                one(
                    format!(
                        "only release the hold on {}; {} stays pinned",
                        name(from),
                        name(plan.to)
                    ),
                    release,
                ),
            ]
        }
        (Verb::Hold, _) => vec![one(
            format!("release the hold on {}", name(plan.to)),
            Request::new(Ask::ReleaseHold { target }),
        )],
        (Verb::ReleaseHold, _) => vec![one(
            format!("put {} on hold again", name(plan.to)),
            Request {
                reason: Some("the hold was released by mistake".to_owned()),
                ..Request::new(Ask::Hold {
                    target,
                    digest: Some(plan.to),
                })
            },
        )],
        (Verb::Promote | Verb::Revert | Verb::Pin, _) => Vec::new(),
    }
}

/// A digest as people call it.
fn named(names: &VersionNames<'_>, service: &ServiceId, digest: Digest) -> String {
    names
        .of(service, digest)
        .map_or_else(|| digest.short(), |version| version.text().to_owned())
}
