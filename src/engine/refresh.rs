//! One pass: git, then every registry at once, streamed as it comes in.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::domain::board::{Board, Cell, Fetch, PinKey, ServiceRow, StepRules, TagSource, Timing, Update};
use crate::domain::candidate_order;
use crate::domain::drift::{Drift, events};
use crate::domain::drift_rules;
use crate::domain::failure::Failure;
use crate::domain::freshness::Answered;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::policy::Service;
use crate::domain::reference::Repository;
use crate::domain::registry::Budget;
use crate::domain::rotation::BoardLook;
use crate::domain::verdict::Presence;
use crate::sources::registry::Place;

use super::asking::{AskedDigest, Asking, PassKind};
use super::assess::Assessed;
use super::context::{Context, Criteria};
use super::image_presence::ImageDepth;
use super::lineage::Lineage;
use super::open::{Engine, SurveyedCommit, blocking};
use super::running::{PinCommits, commits_of};
use super::tag_journal::TagJournal;
use super::{candidate_lookup, collect, proposals};

/// At most so many digests of an environment's past are asked whether they list one that skipped it.
const EARLIER_ASKED: usize = 16;

/// At most so many services are asked about at the same time. Far fewer questions are under way at each registry, and what
/// waits for its turn costs memory.
const SERVICES_AT_ONCE: usize = 512;

impl Engine {
    /// One whole pass, folded into a board.
    ///
    /// # Errors
    /// As [`Engine::refresh`].
    pub async fn board(&self) -> Result<Board, Failure> {
        self.fold(PassKind::Once).await
    }

    /// The same as one pass of many, as `drift --watch` makes them: evidence and presence of what an earlier pass found
    /// to be as it should are asked again by their age ([`crate::domain::rotation`]).
    ///
    /// # Errors
    /// As [`Engine::refresh`].
    pub async fn board_by_age(&self) -> Result<Board, Failure> {
        self.fold(PassKind::Watch).await
    }

    /// The same as one pass of a cockpit.
    ///
    /// # Errors
    /// As [`Engine::refresh`].
    pub async fn board_looked_at(&self, look: BoardLook) -> Result<Board, Failure> {
        self.fold(PassKind::Cockpit(look)).await
    }

    async fn fold(&self, kind: PassKind) -> Result<Board, Failure> {
        let this = self.clone();
        let pass = tokio::spawn(async move { run(&this, kind, None).await });
        pass.await.map_err(Failure::bug)?
    }

    /// One pass of a cockpit: streams everything found out, as it is found out. About what is selected the registries are
    /// asked first, because somebody waits for it.
    ///
    /// # Errors
    /// If git or the configuration cannot be read. What single registries do not answer is part of
    /// the stream, not an error.
    pub(crate) async fn refresh(&self, look: BoardLook, tx: mpsc::Sender<Update>) -> Result<(), Failure> {
        run(self, PassKind::Cockpit(look), Some(tx)).await.map(drop)
    }
}

/// Refreshes the whole board once, and sends every answer as soon as it is there to whoever listens.
async fn run(engine: &Engine, kind: PassKind, tx: Option<mpsc::Sender<Update>>) -> Result<Board, Failure> {
    let (surveyed, fetch) = engine.survey().await?;
    let context = engine.survey_context(surveyed)?;
    let asking = Asking::of(&kind, engine, &context);
    let first = match kind {
        PassKind::Cockpit(look) => look.selected,
        PassKind::Once | PassKind::Watch => None,
    };
    let pass = Arc::new(RefreshPass {
        context,
        asking,
        board: Mutex::default(),
        tx,
        engine: engine.clone(),
    });
    pass.open(fetch).await;
    let lineage = pass.clone().lineage(engine.clone());
    let services = &pass.context.ledger.grouped.services;
    let mut places: Vec<usize> = (0..services.len()).collect();
    // Stable: the others keep their order.
    places.sort_by_key(|at| first.as_ref().is_none_or(|first| first.service != services[*at].0));
    let environment = first.map(|first| first.environment);
    let services = stream::iter(places).for_each_concurrent(SERVICES_AT_ONCE, |at| {
        Arc::clone(&pass).service_at(at, environment.clone())
    });
    let (tell, told) = oneshot::channel();
    let running = pass.running(engine, told);
    let lineage = async {
        let lineage = lineage.await;
        // Nobody who waits for it is no error: no cluster is named then.
        let _ = tell.send(lineage.as_ref().map(|lineage| commits_of(lineage)).unwrap_or_default());
        lineage
    };
    let proposals = pass.proposals(engine);
    let (lineage, (), (), ()) = futures_util::future::join4(lineage, services, running, proposals).await;
    match lineage {
        Ok(lineage) => pass.same_image_before(&lineage).await,
        Err(error) => {
            let notice = format!("history could not be read: {error}");
            pass.emit(Update::Notice(notice.into())).await;
        }
    }
    let root_trouble = engine.kept().root_trouble.clone();
    if let Some(notice) = root_trouble {
        pass.emit(Update::Notice(notice)).await;
    }
    pass.close(engine).await;
    let mut board = pass.board.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *board))
}

/// One refresh under way.
struct RefreshPass {
    context: Context<SurveyedCommit>,
    asking: Asking,
    board: Mutex<Board>,
    tx: Option<mpsc::Sender<Update>>,
    engine: Engine,
}

impl RefreshPass {
    /// Says one thing: to our own board, from which drift is found, and to whoever listens.
    async fn emit(&self, update: Update) {
        let take = |update| self.board.lock().unwrap_or_else(PoisonError::into_inner).apply(update);
        let Some(tx) = &self.tx else { return take(update) };
        take(update.clone());
        // Nobody listening is not an error: the answer is not wanted any more.
        let _ = tx.send(update).await;
    }

    async fn open(&self, fetch: Fetch) {
        let ledger = &self.context.ledger;
        let names = ledger.service_names();
        let held = |cell: &mut Cell| {
            let (Ok(holds), Some(digest)) = (ledger.holds_in_force(&names), cell.pin.digest) else {
                return;
            };
            cell.hold = holds.closing(&cell.pin.target, digest).next().cloned();
        };
        let services = ledger
            .grouped
            .services
            .iter()
            .map(|(name, image, pins)| {
                let mut row = ServiceRow::new(name.clone(), image.clone(), pins.clone());
                row.cells.iter_mut().for_each(held);
                row
            })
            .collect();
        let not_fetched = match &fetch {
            Fetch::Failed(_, error) => Some(format!("not fetched, showing what was known before: {}", error.raw())),
            Fetch::Fresh(_) | Fetch::NotAsked => None,
        };
        // Only a board tells it, for the whole working tree is looked at.
        let repo = ledger.repo().clone();
        let dirty = blocking(move || repo.is_dirty()).await.unwrap_or_default();
        self.emit(Update::Opened {
            repository: ledger.repository(fetch, dirty),
            environments: ledger.environments.clone(),
            services,
            unmanaged: ledger.grouped.unmanaged.clone(),
        })
        .await;
        self.emit(Update::Rules(self.step_rules())).await;
        for notice in ledger.all_notices() {
            self.emit(Update::Notice(notice)).await;
        }
        if let Some(notice) = not_fetched {
            self.emit(Update::Notice(notice.into())).await;
        }
    }

    /// What decides about steps forward, for people who are about to ask for one.
    fn step_rules(&self) -> StepRules {
        let ledger = &self.context.ledger;
        let timing = |environment: &crate::domain::policy::Environment| {
            let policy = self.context.policy_of(environment)?;
            let timing = Timing {
                soak: policy.soak,
                freeze: policy.freeze.clone(),
            };
            Some((environment.name.clone(), timing))
        };
        StepRules {
            holds: ledger.holds.clone(),
            timing: ledger.environments.iter().filter_map(timing).collect(),
        }
    }

    async fn lineage(self: Arc<Self>, engine: Engine) -> Result<Arc<Lineage>, Failure> {
        let this = Arc::clone(&self);
        let lineage = blocking(move || engine.lineage(&this.context.ledger)).await??;
        for (key, by) in &lineage.pinned {
            self.emit(Update::PinnedBy(key.clone(), by.clone())).await;
        }
        if lineage.cut {
            let notice = "the history is cut: this clone is shallow, and who pinned some digests, or whether they skipped an environment, lies beyond it (git fetch --unshallow)";
            self.emit(Update::Notice(notice.into())).await;
        }
        for (key, skipped) in &lineage.skipped {
            self.emit(Update::Skipped(key.clone(), *skipped)).await;
        }
        Ok(lineage)
    }

    /// Where an environment takes the service's content from.
    fn place_in(board: &Board, key: &PinKey, environment: &EnvId) -> Repository {
        let cell = board.row(&key.target.service).and_then(|row| row.cell(environment));
        cell.map_or_else(|| key.image.clone(), |cell| cell.pin.image.clone())
    }

    /// A digest did not skip environments that had it in an index, or an index whose manifest was there.
    async fn same_image_before(&self, lineage: &Lineage) {
        for (key, environments) in &lineage.earlier {
            let mut had = true;
            for (environment, earlier) in environments {
                had = had && self.had_same_image(key, environment, earlier).await;
            }
            if had {
                self.emit(Update::Skipped(key.clone(), Some(false))).await;
            }
        }
    }

    /// Whether one of these digests of an environment is the same image as a pin.
    async fn had_same_image(&self, key: &PinKey, environment: &EnvId, earlier: &[Digest]) -> bool {
        let Some(digest) = key.digest else { return false };
        let (same_image, place) = {
            let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            let same_image = board.cell(key).map(|cell| cell.same_image.clone()).unwrap_or_default();
            (same_image, Self::place_in(&board, key, environment))
        };
        let mut had = earlier.iter().any(|before| same_image.contains(before));
        let criteria = self.criteria_in(&key.target.environment);
        let service = Some(&key.target.service);
        let assessed = self.context.answered(&key.image, digest, service, &criteria);
        let is_single = |a: &Assessed| a.presence == Presence::Present && a.children.is_empty();
        // An index that no tag names any more has to be asked itself.
        if !had && assessed.as_ref().is_some_and(is_single) {
            for before in earlier.iter().take(EARLIER_ASKED) {
                had = had || self.lists(&place, *before, digest).await;
            }
        }
        had
    }

    /// What waits on branches of its own. Neither git nor a forge keeps anything else from the board here.
    async fn proposals(&self, engine: &Engine) {
        let mut all = match engine.proposed(&self.context.ledger).await {
            Ok(all) => all,
            Err(error) => {
                let notice = format!("branches of proposals could not be read: {error}");
                return self.emit(Update::Notice(notice.into())).await;
            }
        };
        self.emit(Update::Proposals(proposals::shown(&all))).await;
        if !all.is_empty() {
            engine.explain(&self.context.ledger, &mut all).await;
            self.emit(Update::Proposals(proposals::shown(&all))).await;
        }
    }

    /// The cost so far.
    fn budget(&self) -> Budget {
        let mut budget = self.context.memo.registry.budget();
        let forge = self.engine.forge_requests();
        budget.requests += forge;
        budget.get += forge;
        budget
    }

    /// What the clusters run. A cluster that does not answer keeps nothing else from the board.
    async fn running(&self, engine: &Engine, told: oneshot::Receiver<PinCommits>) {
        let commits = async { told.await.unwrap_or_default() };
        let reports = engine.observe(&self.context.memo, &self.context.ledger, commits).await;
        for (key, report) in reports {
            self.emit(Update::Running(key, answered(Ok(report)))).await;
        }
    }

    async fn close(&self, engine: &Engine) {
        let drift = {
            let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            let mut drift = drift_rules::detect(&board, self.context.now);
            self.remember_tags(engine, &board, &mut drift);
            let mut kept = engine.kept();
            drift_rules::carry_over(&kept.drift, &board, &mut drift);
            // Facts that stay keep the time since when they are known.
            let _ = events(&kept.drift, &mut drift);
            kept.drift.clone_from(&drift);
            if matches!(self.asking, Asking::ButFor(_)) {
                kept.answers.end(&drift);
            }
            drift
        };
        self.emit(Update::Drift(drift)).await;
        self.emit(Update::Budget(self.budget())).await;
        self.emit(Update::Finished(Timestamp::now())).await;
    }

    /// Notes what tags point at. A journal that cannot be written is no failure of the pass.
    fn remember_tags(&self, engine: &Engine, board: &Board, drift: &mut [Drift]) {
        let Some(dir) = &engine.options().state_dir else { return };
        let path = TagJournal::path(dir);
        let mut journal = TagJournal::load(&path);
        journal.note(board, drift, self.context.now);
        if let Err(error) = journal.save(&path) {
            tracing::warn!(path = %path.display(), %error, "the journal of tag moves was not written");
        }
    }

    /// Everything about the service at a place of the ledger.
    async fn service_at(self: Arc<Self>, at: usize, first: Option<EnvId>) {
        if let Some((name, image, pins)) = self.context.ledger.grouped.services.get(at) {
            self.service(name, image, pins, first.as_ref()).await;
        }
    }

    /// Everything about one service: tags first (they tell which content is there), then content.
    async fn service(&self, name: &ServiceId, image: &Option<Repository>, pins: &[Pin], first: Option<&EnvId>) {
        let in_order = pins;
        let mut pins: Vec<&Pin> = in_order.iter().collect();
        pins.sort_by_key(|pin| Some(&pin.target.environment) != first);
        let configured = self.context.service(name);
        // Their answers tell how many versions must be asked for: first these, then the candidate.
        join_all(pins.iter().map(|pin| self.own_tag(pin, configured))).await;
        let offered = candidate_lookup::find(&self.context.memo, configured, image.as_ref(), in_order).await;
        for skipped in offered.iter().flat_map(|offered| &offered.skipped) {
            self.emit(Update::Notice(skipped.clone())).await;
        }
        let found = answered(offered.map(|offered| offered.candidate));
        self.emit(Update::Candidate(name.clone(), found.clone())).await;
        self.emit(Update::Budget(self.budget())).await;
        let tags = self
            .asking
            .tags_around(&self.context.memo, in_order, &found.result)
            .await;
        let candidate = async {
            let Ok(Some(candidate)) = &found.result else {
                return;
            };
            let first = self.context.environments().first();
            let criteria = self.context.criteria(first, ImageDepth::Manifests);
            let asked = AskedDigest {
                repository: &candidate.image,
                digest: candidate.digest,
                service: name,
            };
            let assessed = self.assess(asked, criteria, tags).await;
            self.emit(Update::CandidateAssessed(
                name.clone(),
                as_of(assessed.asked_at, assessed.assessment),
            ))
            .await;
        };
        futures_util::future::join(
            candidate,
            join_all(pins.iter().map(|pin| self.pin(pin, name, configured, tags))),
        )
        .await;
        self.emit(Update::Budget(self.budget())).await;
    }

    /// Asks for the tag written beside a pin, so that later questions know its answer.
    async fn own_tag(&self, pin: &Pin, configured: Option<&Service>) {
        if let Some(tag) = &pin.tag {
            let answer = self.context.memo.resolve(&pin.image, tag).await;
            self.tag_update(pin, TagSource::Pin(tag.clone()), answer, configured)
                .await;
        }
    }

    async fn tag_update(
        &self,
        pin: &Pin,
        source: TagSource,
        answer: Result<Option<Digest>, Failure>,
        configured: Option<&Service>,
    ) {
        let immutable = source.tag().is_some_and(|tag| {
            candidate_order::is_immutable(tag, configured.and_then(|s| s.immutable_tags.as_deref()))
        });
        let matches_via_index = match (&answer, pin.digest) {
            (Ok(Some(now)), Some(pinned)) if *now != pinned => self.same_image(&pin.image, *now, pinned).await,
            _ => false,
        };
        self.emit(Update::Tag {
            key: pin.key(),
            source,
            immutable,
            digest: answered(answer),
            matches_via_index,
        })
        .await;
    }

    /// Whether one of two digests is an index whose verified bytes list the other.
    async fn same_image(&self, repository: &Repository, a: Digest, b: Digest) -> bool {
        self.lists(repository, a, b).await || self.lists(repository, b, a).await
    }

    /// Whether the first is an index whose verified bytes list the second.
    async fn lists(&self, repository: &Repository, index: Digest, child: Digest) -> bool {
        let read = self.context.memo.read(&Place::new(repository, index)).await;
        read.is_ok_and(|(manifest, _)| collect::platforms(&manifest).any(|d| d.digest == child))
    }

    /// What is found about a digest, by this pass or an earlier one.
    async fn assess(&self, asked: AskedDigest<'_>, criteria: Criteria<'_>, tags: Option<Digest>) -> Assessed {
        let (engine, context) = (&self.engine, &self.context);
        self.asking.assess(engine, context, asked, criteria, tags).await
    }

    async fn pin(&self, pin: &Pin, name: &ServiceId, configured: Option<&Service>, tags: Option<Digest>) {
        let Some(digest) = pin.digest else { return };
        let criteria = self.criteria_in(&pin.target.environment);
        let asked = AskedDigest {
            repository: &pin.image,
            digest,
            service: name,
        };
        let assessed = self.assess(asked, criteria.clone(), tags).await;
        let missing = matches!(assessed.presence, Presence::Absent { .. });
        let key: PinKey = pin.key();
        self.emit(Update::Assessed {
            key,
            assessment: as_of(assessed.asked_at, assessed.assessment),
            version: assessed.label.said().cloned(),
            same_image: assessed.children.iter().chain(&assessed.indexes).copied().collect(),
            missing,
        })
        .await;
        if pin.tag.is_some() {
            return;
        }
        match assessed.label.tag(&self.context.memo, &pin.image).await {
            Ok(None) if assessed.label.said().is_none() => {}
            Ok(None) => self.tag_update(pin, TagSource::None, Ok(None), configured).await,
            Ok(Some(tag)) => {
                let answer = self.context.memo.resolve(&pin.image, &tag).await;
                self.asking.note_label(&self.engine, asked, &criteria, (&tag, &answer));
                self.tag_update(pin, TagSource::VersionLabel(tag), answer, configured)
                    .await;
            }
            // Which tag it was is known from before, or by nobody.
            Err(failure) => self.tag_update(pin, TagSource::None, Err(failure), configured).await,
        }
    }

    /// What digests are judged by in an environment.
    fn criteria_in(&self, environment: &EnvId) -> Criteria<'_> {
        let environment = self.context.environment(environment.as_str());
        self.context.criteria(environment, ImageDepth::Manifests)
    }
}

/// Stamps what was found with the time at which it was asked.
const fn as_of<T>(at: Timestamp, found: T) -> Answered<T> {
    Answered { result: Ok(found), at }
}

/// Stamps an answer with the time at which it came.
fn answered<T>(result: Result<T, Failure>) -> Answered<T> {
    Answered {
        result,
        at: Timestamp::now(),
    }
}
