//! Judging the places that a change brings: each distinct digest once, by the base's policy, holds and history.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::board::Hold;
use crate::domain::candidate_order;
use crate::domain::check::change::CamePlace;
use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel, PinVersion};
use crate::domain::check::place::{PinOf, PinnedPlace};
use crate::domain::check::step::{self, Direction, StepFacts};
use crate::domain::component;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, EnvId, Target};
use crate::domain::known_good;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::verdict::Verdict;
use crate::engine::assess::Assessed;
use crate::engine::context::Context;
use crate::engine::image_presence::ImageDepth;
use crate::engine::open::Engine;
use crate::engine::release::pin_history::PinHistory;

/// One pin that changes, for the report.
#[derive(Debug, Clone)]
pub(crate) struct CheckedPin {
    /// The place in the head.
    pub place: PinnedPlace,
    /// What the tip of the base pins there.
    pub from: Option<PinVersion>,
    /// The verdict, where it was judged.
    pub verdict: Option<Verdict>,
    /// Whether it brings back what was good here before.
    pub is_revert: bool,
    /// The environments before that pin the same bytes now.
    pub pinned_in: Vec<EnvId>,
}

/// What judging takes.
pub(super) struct Judge<'a> {
    pub engine: &'a Engine,
    pub context: &'a Context,
    /// What the tip of the base pins.
    pub tip: &'a [PinnedPlace],
    /// Whether the job takes WARNED test results upon itself.
    pub acknowledged: bool,
}

/// What was found at one place.
#[derive(Default)]
struct JudgedPlace {
    findings: Vec<CheckFinding>,
    pin: Option<CheckedPin>,
}

impl Judge<'_> {
    /// Judges everything that came, each digest of a pin once.
    pub(crate) async fn all(&self, came: &[CamePlace]) -> Result<(Vec<CheckFinding>, Vec<CheckedPin>), Failure> {
        let mut told: BTreeSet<(PinOf, String, PinVersion)> = BTreeSet::new();
        let mut judged: BTreeSet<(PinOf, String, Digest)> = BTreeSet::new();
        let mut tasks = Vec::new();
        for one in came {
            let place = &one.place;
            let of = |pin: &PinOf| (pin.clone(), place.image.to_string());
            let (pin, image) = of(&place.pin());
            let is_there = |known: &&PinnedPlace| {
                known.file == place.file && known.entry == place.entry && place.runs_in_the_same(known)
            };
            let known = self.known(&place.pin());
            if known.iter().any(|known| is_there(known) && place.says_the_same(known)) {
                continue;
            }
            if !told.insert((pin.clone(), image.clone(), place.version())) {
                continue;
            }
            let is_first = place.digest.is_none_or(|digest| judged.insert((pin, image, digest)));
            tasks.push(self.place(place, is_first));
        }
        let (mut findings, mut pins) = (Vec::new(), Vec::new());
        for judged in join_all(tasks).await {
            let judged = judged?;
            findings.extend(judged.findings);
            pins.extend(judged.pin);
        }
        Ok((findings, pins))
    }

    /// The places of a pin at the tip of the base.
    fn known(&self, pin: &PinOf) -> Vec<&PinnedPlace> {
        self.tip
            .iter()
            .filter(|place| place.target == pin.target && place.component == pin.component)
            .collect()
    }

    async fn place(&self, place: &PinnedPlace, is_first: bool) -> Result<JudgedPlace, Failure> {
        let known = self.known(&place.pin());
        let same_workload = known
            .iter()
            .find(|known| known.file == place.file && place.shares_workload(known));
        let same_entry = || {
            known
                .iter()
                .find(|known| known.file == place.file && known.entry == place.entry)
        };
        let from = same_workload
            .or_else(same_entry)
            .or(known.first())
            .map(|known| known.version());
        let mut out = JudgedPlace::default();
        if let Some(why) = &place.uncertain {
            let message = format!("it cannot be decided what is deployed: {why}");
            let next = "write it so that one place decides";
            out.findings.push(CheckFinding {
                message: message.into(),
                ..step::at(
                    place,
                    from.as_ref(),
                    FindingKind::Unreadable,
                    FindingLevel::Error,
                    next.into(),
                )
            });
        }
        let Some(digest) = place.digest else {
            out.findings.push(step::by_tag(place, from.as_ref()));
            out.pin = Some(checked(place, from));
            return Ok(out);
        };
        let mut pin = checked(place, from);
        let is_known = known.iter().any(|known| known.names(&place.image, digest));
        if is_known {
            out.findings.extend(self.held(place, digest, pin.from.as_ref()));
        } else if is_first {
            let findings = self.step(place, digest, &mut pin).await?;
            out.findings.extend(findings);
        }
        out.findings.extend(self.tag(place, digest, &pin).await);
        out.pin = Some(pin);
        Ok(out)
    }

    fn environment(&self, place: &PinnedPlace) -> Option<&Environment> {
        self.context.environment(place.target.environment.as_str())
    }

    async fn assess(&self, place: &PinnedPlace, digest: Digest) -> Assessed {
        let criteria = self.context.criteria(self.environment(place), ImageDepth::Everything);
        self.context
            .assess(&place.image, digest, Some(&place.target.service), criteria)
            .await
    }

    /// A digest that is new for the pin.
    async fn step(
        &self,
        place: &PinnedPlace,
        digest: Digest,
        pin: &mut CheckedPin,
    ) -> Result<Vec<CheckFinding>, Failure> {
        let ledger = &self.context.ledger;
        let environment = self.environment(place);
        let Some((environment, policy)) = environment.and_then(|one| Some((one, self.context.policy_of(one)?))) else {
            let message = format!(
                "{} has no policy, so nothing can be verified for it",
                place.target.environment
            );
            let next = "give it one in pindeck.toml, in a change of its own";
            return Ok(vec![CheckFinding {
                message: message.into(),
                ..step::at(
                    place,
                    pin.from.as_ref(),
                    FindingKind::PinUnknown,
                    FindingLevel::Unknown,
                    next.into(),
                )
            }]);
        };
        if let Some(tag) = &place.tag {
            // The index that a tag points at may speak for one of its platform manifests.
            let _ = self.context.memo.resolve(&place.image, tag).await;
        }
        let assessed = self.assess(place, digest).await;
        let Some(verdict) = assessed.assessment.verdict.clone() else {
            return Err(Failure::bug("nothing was judged"));
        };
        let services = ledger.service_names();
        let holds = ledger.holds_in_force(&services);
        let closing: Result<Vec<&Hold>, _> = holds.map(|holds| holds.closing(&place.target, digest).collect());
        let pins = self.pins_of(&place.target, place);
        let history = PinHistory::read(self.engine, ledger, &place.target, &pins).await?;
        let now: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
        let earlier = holds.map(|holds| known_good::earlier_digests(&history.digests, &now, holds, &place.target));
        // What stood here only between two commits of one change was never released here.
        let is_good = |one: &known_good::EarlierDigest| {
            one.digest == digest && one.skipped().is_none() && one.stood_briefly().is_none()
        };
        pin.is_revert = earlier.is_ok_and(|earlier| earlier.iter().any(is_good));
        let after = match pin.is_revert {
            true => Vec::new(),
            false => self.after(place, digest, environment, policy.soak.is_some()).await?,
        };
        pin.pinned_in = after
            .iter()
            .filter(|(_, since)| since.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        pin.verdict = Some(verdict.clone());
        Ok(step::findings(&StepFacts {
            place,
            from: pin.from.as_ref(),
            policy,
            verdict: &verdict,
            evidence: &assessed.assessment.evidence,
            acknowledged: self.acknowledged,
            holds: closing.as_deref().map_err(|problem| *problem),
            direction: if pin.is_revert {
                Direction::Back
            } else {
                Direction::Forward(&after)
            },
            reverted: known_good::reverted(&history.digests, digest),
            now: self.context.now,
        }))
    }

    /// The pins of a target at the tip that a place is a pin of: those of its component, by the base's own components.
    fn pins_of(&self, target: &Target, place: &PinnedPlace) -> Vec<&Pin> {
        let all: Vec<&Pin> = self.context.ledger.pins().filter(|pin| pin.target == *target).collect();
        let same: Vec<&Pin> = all.iter().copied().filter(|pin| is_component(pin, place)).collect();
        if same.is_empty() && all.iter().all(|pin| pin.component.is_none()) {
            all
        } else {
            same
        }
    }

    /// Since when the environments before pin the same bytes, for the same component.
    async fn after(
        &self,
        place: &PinnedPlace,
        digest: Digest,
        environment: &Environment,
        has_soak: bool,
    ) -> Result<Vec<(EnvId, Option<Timestamp>)>, Failure> {
        let mut out = Vec::new();
        for name in &environment.after {
            let before = Target {
                service: place.target.service.clone(),
                environment: name.clone(),
            };
            let pins = self.pins_of(&before, place);
            let is_pinned = pins.iter().any(|pin| pin.digest == Some(digest));
            let since = match (is_pinned, has_soak) {
                (false, _) => None,
                (true, false) => Some(self.context.now),
                (true, true) => {
                    let history = PinHistory::read(self.engine, &self.context.ledger, &before, &pins).await?;
                    // A history that does not reach so far proves no time at all.
                    let since = history
                        .proven_since(
                            &self.context.ledger.checkout_of(&before.environment).repo,
                            digest,
                            self.context.now,
                        )
                        .await?;
                    Some(since.unwrap_or(self.context.now))
                }
            };
            out.push((name.clone(), since));
        }
        Ok(out)
    }

    /// A digest that is pinned there already gets one more place: only a hold says no to that.
    fn held(&self, place: &PinnedPlace, digest: Digest, from: Option<&PinVersion>) -> Option<CheckFinding> {
        let ledger = &self.context.ledger;
        let services = ledger.service_names();
        let (message, next) = match ledger.holds_in_force(&services) {
            Err(problem) => (problem.raw().to_owned(), "repair pindeck-holds.toml on the base first"),
            Ok(holds) => {
                let hold = holds.closing(&place.target, digest).next()?;
                let message = format!(
                    "this digest is on hold in {}: {}",
                    hold.environment,
                    hold.reason.quoted()
                );
                (
                    message,
                    "pin another digest, or release the hold in a change of its own",
                )
            }
        };
        Some(CheckFinding {
            message: message.into(),
            ..step::at(place, from, FindingKind::HoldViolated, FindingLevel::Error, next.into())
        })
    }

    /// Whether the tag beside the digest names that digest now.
    async fn tag(&self, place: &PinnedPlace, digest: Digest, pin: &CheckedPin) -> Option<CheckFinding> {
        let tag = place.tag.as_deref()?;
        let names = match self.context.memo.resolve(&place.image, tag).await {
            Ok(names) => names?,
            Err(failure) => {
                // Where the digest itself is not known either, that is said already.
                let is_said = pin
                    .verdict
                    .as_ref()
                    .is_some_and(|verdict| verdict.result == crate::domain::Outcome::Unknown);
                if is_said {
                    return None;
                }
                let message = format!(
                    "what its tag names now could not be asked: {}",
                    failure.sentence().raw()
                );
                let next = "run the check again when the registry can be reached";
                return Some(CheckFinding {
                    message: message.into(),
                    verdict: pin.verdict.clone(),
                    ..step::at(
                        place,
                        pin.from.as_ref(),
                        FindingKind::PinUnknown,
                        FindingLevel::Unknown,
                        next.into(),
                    )
                });
            }
        };
        if names == digest {
            return None;
        }
        let assessed = self.assess(place, digest).await;
        // An index and one of its platform manifests are the same image.
        if assessed.via == Some(names) || assessed.indexes.contains(&names) || assessed.children.contains(&names) {
            return None;
        }
        let configured = self
            .context
            .service(&place.target.service)
            .and_then(|one| one.immutable_tags.as_deref());
        let is_immutable = candidate_order::is_immutable(tag, configured);
        let mut found = step::mismatch(place, pin.from.as_ref(), names, is_immutable);
        found.verdict.clone_from(&pin.verdict);
        Some(found)
    }
}

/// Whether a pin of the base is of the component that a place of the head has among all commits that are compared.
fn is_component(pin: &Pin, place: &PinnedPlace) -> bool {
    let own = pin
        .component
        .clone()
        .or_else(|| component::variant(pin.tag.as_deref()?));
    pin.component == place.component || place.component.is_some() && own == place.component
}

fn checked(place: &PinnedPlace, from: Option<PinVersion>) -> CheckedPin {
    CheckedPin {
        place: place.clone(),
        from,
        verdict: None,
        is_revert: false,
        pinned_in: Vec::new(),
    }
}
