//! What one pass of many costs, counted by the server, and how soon it finds what changed.

use jiff::SignedDuration;
use pindeck::domain::board::Board;
use pindeck::domain::plan::{GateName, GateState};
use pindeck::domain::rotation::{AgeLimits, BoardLook, MANIFESTS_A_PASS};
use pindeck::domain::{Digest, DriftKind, Outcome, Target};
use pindeck::engine::{Engine, OpenOptions};

use crate::support::fake::Fake;
use crate::support::fleet::{ENVIRONMENTS, Fleet, content};
use crate::support::peer::git;
use crate::support::server::Server;
use crate::support::signed_world::Key;
use crate::support::stage::{path, promote};

/// A fleet with its registry: one digest of one platform a cell, with one signature under its tag.
struct Watched {
    fake: Fake,
    digests: Vec<[Digest; 4]>,
    key: Key,
    server: Server,
    fleet: Fleet,
}

impl Watched {
    async fn start(services: usize) -> Self {
        let key = Key::new();
        let (fake, digests) = content(services, &key);
        let served = fake.clone();
        let server = Server::start_without_log(move |seen| served.answer(seen)).await;
        let fleet = Fleet::of(&digests, &key, &server.address.to_string());
        Self {
            fake,
            digests,
            key,
            server,
            fleet,
        }
    }

    fn engine(&self, limit: SignedDuration) -> Engine {
        Engine::open(OpenOptions {
            dir: self.fleet.clone.clone(),
            cache_dir: Some(self.fleet.home.path().join("cache")),
            cache_bytes: 1 << 28,
            age_limits: AgeLimits {
                watched: limit,
                on_screen: limit,
                off_screen: limit,
            },
            ..OpenOptions::default()
        })
        .expect("a repository")
    }

    /// One pass of a watch, and the requests that it took.
    async fn pass(&self, engine: &Engine) -> (Board, usize) {
        let before = self.server.total();
        let board = engine.board_by_age().await.expect("a board");
        (board, self.server.total() - before)
    }

    /// One pass of a cockpit with these services on its screen, and the first one's digest in an environment selected.
    async fn look(&self, engine: &Engine, services: std::ops::Range<usize>, selected: &str) -> (Board, usize) {
        let name = |service: usize| format!("s{service}");
        let look = BoardLook {
            selected: Some(Target::new(name(services.start).as_str(), selected)),
            on_screen: services.map(|service| name(service).as_str().into()).collect(),
            is_wanted: false,
        };
        let before = self.server.total();
        let board = engine.board_looked_at(look).await.expect("a board");
        (board, self.server.total() - before)
    }

    /// The same where everything is asked.
    async fn whole(&self, engine: &Engine) -> usize {
        let before = self.server.total();
        engine.board().await.expect("a board");
        self.server.total() - before
    }

    /// Takes an image out of its repository.
    fn lose(&self, service: usize, environment: usize) -> Digest {
        let digest = self.digests[service][environment];
        let mut all = self.fake.content();
        let there = all.get_mut(&format!("shop/s{service}")).expect("a repository");
        there.manifests.remove(&digest).expect("an image");
        digest
    }

    /// Takes the signature of an image away: the tag that it lies under stays, and names another one.
    fn unsign(&self, service: usize, environment: usize) {
        let (repository, digest) = (format!("shop/s{service}"), self.digests[service][environment]);
        let other = self.digests[service][(environment + 1) % 4];
        let about_another = self.key.signature(&self.fake, &repository, other);
        self.fake
            .tag(&repository, &format!("sha256-{}.sig", digest.hex()), about_another);
    }
}

const LONG: SignedDuration = SignedDuration::from_hours(1);
const SERVICES: usize = 30;
const DIGESTS: usize = SERVICES * ENVIRONMENTS.len();
/// For a digest that is asked about again: whether it is there, what refers to it, and what its evidence tag names.
const EACH: usize = 3;
const ROTATING: usize = MANIFESTS_A_PASS as usize;

fn missing(board: &Board) -> Vec<Digest> {
    let gone = board
        .drift
        .iter()
        .filter(|one| one.kind == DriftKind::MissingFromRegistry);
    gone.filter_map(|one| one.expected).collect()
}

fn all_are_verified(board: &Board) -> bool {
    let mut cells = board.services.iter().flat_map(|row| &row.cells);
    cells.all(|cell| {
        cell.verdict()
            .is_some_and(|verdict| verdict.result == Outcome::Verified)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_costs_the_tags_and_a_share_of_the_rest() {
    let watched = Watched::start(SERVICES).await;
    let engine = watched.engine(LONG);
    let (board, cold) = watched.pass(&engine).await;
    assert!(all_are_verified(&board));
    // A tag list a repository. Of each digest its manifest, what refers to it, the signature's manifest by the evidence tag,
    // and its content. All images have the same configuration.
    assert_eq!(cold, SERVICES + 4 * DIGESTS + 1);
    for _ in 0..4 {
        let (board, fresh) = watched.pass(&engine).await;
        assert_eq!(fresh, SERVICES + EACH * ROTATING);
        assert!(all_are_verified(&board));
    }
    // Past the age limit, everything is asked again.
    let hurried = watched.engine(SignedDuration::ZERO);
    let (_, again) = watched.pass(&hurried).await;
    let (_, stale) = watched.pass(&hurried).await;
    assert_eq!([again, stale], [SERVICES + EACH * DIGESTS; 2]);
    // A command that looks once asks everything, whatever passes before it found.
    assert_eq!(watched.whole(&engine).await, SERVICES + EACH * DIGESTS);
    let (_, fresh) = watched.pass(&engine).await;
    assert_eq!(fresh, SERVICES + EACH * ROTATING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cockpit_asks_about_what_is_selected_in_every_pass_and_about_all_where_somebody_asks_for_it() {
    let watched = Watched::start(SERVICES).await;
    let engine = watched.engine(LONG);
    watched.look(&engine, 0..0, "dev").await;
    // The selected digest has its turn in every pass, whether or not it is its turn.
    for pass in 0..4 {
        let before = board_times(&watched.look(&engine, 20..25, "dev").await.0);
        let (board, cost) = watched.look(&engine, 20..25, "dev").await;
        assert!(
            (SERVICES + EACH * ROTATING..=SERVICES + EACH * (ROTATING + 1)).contains(&cost),
            "{pass}: {cost}"
        );
        let at = |times: &[(Digest, jiff::Timestamp)]| {
            let found = times.iter().find(|(digest, _)| *digest == watched.digests[20][0]);
            found.expect("a cell").1
        };
        assert!(at(&board_times(&board)) > at(&before));
    }
    let wanted = BoardLook {
        is_wanted: true,
        ..BoardLook::default()
    };
    let before = watched.server.total();
    let board = engine.board_looked_at(wanted).await.expect("a board");
    assert_eq!(watched.server.total() - before, SERVICES + EACH * DIGESTS);
    assert!(all_are_verified(&board));
    // What is lost is found when it is looked at.
    let gone = watched.lose(11, 3);
    let (board, _) = watched.look(&engine, 11..12, "production").await;
    assert_eq!(missing(&board), [gone]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_few_digests_are_pinned_every_pass_asks_all() {
    let watched = Watched::start(5).await;
    let engine = watched.engine(LONG);
    watched.pass(&engine).await;
    let gone = watched.lose(3, 2);
    let (board, _) = watched.pass(&engine).await;
    assert_eq!(missing(&board), [gone]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_found_in_its_turn_and_asked_in_every_pass_from_then_on() {
    let watched = Watched::start(SERVICES).await;
    let engine = watched.engine(LONG);
    watched.pass(&engine).await;
    let asked_late = watched.pass(&engine).await.0.evidence_as_of();
    // One that this pass asked about, so that the next one need not.
    let young = board_times(&watched.pass(&engine).await.0)
        .into_iter()
        .max_by_key(|(_, at)| *at);
    assert!(asked_late.is_some());
    let (young, _) = young.expect("a cell");
    let at = watched
        .digests
        .iter()
        .position(|cells| cells.contains(&young))
        .expect("a service");
    let environment = watched.digests[at]
        .iter()
        .position(|digest| *digest == young)
        .expect("an environment");
    watched.lose(at, environment);
    let mut passes = 0;
    loop {
        passes += 1;
        let (board, _) = watched.pass(&engine).await;
        if missing(&board) == [young] {
            break;
        }
        assert!(passes < 2, "120 digests have their turn in two passes");
    }
    // In doubt: asked again in every pass, beside the others; a manifest that is gone is asked for by GET, too.
    watched.unsign(0, 0);
    let (_, first) = watched.pass(&engine).await;
    let (board, second) = watched.pass(&engine).await;
    assert_eq!(missing(&board), [young]);
    let rejected = board.drift.iter().filter(|one| one.kind == DriftKind::NotVerified);
    let rejected: Vec<Digest> = rejected.filter_map(|one| one.expected).collect();
    assert!(rejected.contains(&watched.digests[0][0]), "{rejected:?}");
    assert!(
        first > SERVICES + EACH * ROTATING && second > SERVICES + EACH * ROTATING,
        "{first} {second}"
    );
}

/// When each pinned digest was asked about.
fn board_times(board: &Board) -> Vec<(Digest, jiff::Timestamp)> {
    let cells = board.services.iter().flat_map(|row| &row.cells);
    cells
        .filter_map(|cell| Some((cell.pin.digest?, cell.assessment.at()?)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_under_a_new_tag_is_found_in_the_next_pass() {
    let watched = Watched::start(SERVICES).await;
    let engine = watched.engine(LONG);
    watched.pass(&engine).await;
    watched.pass(&engine).await;
    watched.fake.tag("shop/s7", "sha256-beside.att", watched.digests[7][0]);
    // All four digests of that repository are asked about, those included that have no turn.
    let (board, cost) = watched.pass(&engine).await;
    assert!(
        (SERVICES + EACH * ROTATING..=SERVICES + EACH * (ROTATING + 4)).contains(&cost),
        "{cost}"
    );
    let newest = board_times(&board).into_iter().map(|(_, at)| at).max().expect("a cell");
    let times = board_times(&board);
    for digest in watched.digests[7] {
        let (_, at) = times.iter().find(|(one, _)| *one == digest).expect("a cell");
        assert!(newest.duration_since(*at) < SignedDuration::from_secs(60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_sees_what_changed_since_a_pass_asked() {
    let watched = Watched::start(SERVICES).await;
    let (home, clone) = (watched.fleet.home.path(), &watched.fleet.clone);
    let remote = home.join("remote");
    git(home, ["clone", "-q", "--bare", path(clone), path(&remote)]);
    for args in [
        &["config", "user.name", "Ada"][..],
        &["config", "user.email", "ada@example.com"],
        &["remote", "add", "origin", path(&remote)],
        &["fetch", "-q", "origin"],
        &["branch", "-q", "-u", "origin/main"],
    ] {
        git(home, ["-C", path(clone)].iter().chain(args).copied());
    }
    let engine = watched.engine(LONG);
    watched.pass(&engine).await;
    let verdict_gate = async |service: usize| {
        let before = watched.server.total();
        let proposal = engine
            .plan(promote(&[&format!("s{service}")], "test"))
            .await
            .expect("a plan");
        let gate = proposal.plans[0]
            .gates
            .iter()
            .find(|gate| gate.gate == GateName::Verdict);
        (gate.expect("the gate is there").state, watched.server.total() - before)
    };
    let (state, cost) = verdict_gate(0).await;
    assert_eq!(state, GateState::Open);
    // Nothing is taken from the pass.
    assert_eq!(cost, BEFORE_A_WRITE);
    for service in 0..SERVICES {
        watched.unsign(service, 0);
    }
    // The watch knows it of those only that had their turn.
    let (board, _) = watched.pass(&engine).await;
    let still = (0..SERVICES).find(|service| {
        let row = board
            .services
            .iter()
            .find(|row| row.name.as_str() == format!("s{service}"));
        let verdict = row.and_then(|row| row.cells[0].verdict());
        verdict.is_some_and(|verdict| verdict.result == Outcome::Verified)
    });
    let still = still.expect("one that has not had its turn");
    assert_eq!(verdict_gate(still).await.0, GateState::Closed);
    // And what is gone altogether.
    watched.lose(still, 0);
    assert_eq!(verdict_gate(still).await.0, GateState::Closed);
}

/// The requests of a plan that steps one digest forward: the tag list, whether the image is there, its configuration and
/// its layer, what refers to it, and what its evidence tag names.
const BEFORE_A_WRITE: usize = 6;

/// Most requests of a pass over five hundred services in which nothing changed.
const MOST_AT_FIVE_HUNDRED: usize = 1_200;

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_over_five_hundred_services_stays_small() {
    let watched = Watched::start(500).await;
    let engine = watched.engine(AgeLimits::default().watched);
    watched.pass(&engine).await;
    for _ in 0..2 {
        let (_, cost) = watched.pass(&engine).await;
        println!("a pass of the watch: {cost} requests");
        assert!(cost <= MOST_AT_FIVE_HUNDRED, "{cost}");
    }
    for top in [0, 0, 100] {
        let (_, cost) = watched.look(&engine, top..top + 40, "dev").await;
        println!("a pass of the cockpit: {cost} requests");
        assert!(cost <= MOST_AT_FIVE_HUNDRED, "{cost}");
    }
}
