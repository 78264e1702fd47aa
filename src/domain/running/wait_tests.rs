use super::super::comparison::ImageMatch;
use super::super::reconciler::ReconcilerKind;
use super::*;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn digest() -> Digest {
    Digest::of(b"pinned")
}

fn row(counting: Counting, comparison: ImageComparison, ready: u32, pods: u32) -> RunningDigest {
    RunningDigest {
        digest: Some(digest()),
        comparison,
        named: None,
        asked: "reg.example/web:v1".into(),
        is_job: false,
        counting,
        pods,
        ready,
        since: None,
    }
}

const SAME: ImageComparison = ImageComparison::Same(ImageMatch::Exact);

fn place(state: RunningState, digests: Vec<RunningDigest>) -> NamespaceRunning {
    NamespaceRunning {
        cluster: "eu".to_owned(),
        namespace: "shop".to_owned(),
        state,
        digests,
        blocked: Vec::new(),
        missing: Vec::new(),
        is_past: false,
        reconciler: None,
        is_rolled_out: None,
        wanted: None,
        unfinished: None,
    }
}

fn reconciler(state: ReconcilerState, message: &str) -> Reconciler {
    Reconciler {
        kind: ReconcilerKind::Argo,
        name: "argocd/shop".into(),
        revision: None,
        reached: Some(state == ReconcilerState::Applied),
        state,
        message: message.into(),
    }
}

fn blocked(what: BlockKind, since: Option<i64>) -> Blocked {
    Blocked {
        what,
        by: Some("policy.sigstore.dev".into()),
        digest: Some(digest()),
        message: "no signature".into(),
        since: since.map(at),
    }
}

fn of(place: NamespaceRunning) -> PinProgress {
    PinProgress::of(&[place], digest(), at(1000))
}

#[test]
fn a_pin_goes_through_its_phases() {
    use Counting::{Runs, ShouldRun};
    use RunningState as S;
    use WaitPhase as P;
    let old = || row(Runs, ImageComparison::Differs, 3, 3);
    let with = |state, digests, reconciler: Option<Reconciler>, is_rolled_out| NamespaceRunning {
        reconciler,
        is_rolled_out,
        ..place(state, digests)
    };
    let argo = |state| Some(reconciler(state, ""));
    for (place, phase, words) in [
        (
            with(S::Differs, vec![old()], argo(ReconcilerState::Waiting), Some(true)),
            P::Pushed,
            "git has it; the cluster has not",
        ),
        (
            with(S::Differs, vec![old()], argo(ReconcilerState::Syncing), Some(true)),
            P::Seen,
            "seen",
        ),
        (
            with(S::Differs, vec![old()], argo(ReconcilerState::Applied), Some(false)),
            P::Applied,
            "applied",
        ),
        (
            with(S::Mixed, vec![old(), row(Runs, SAME, 1, 1)], None, Some(false)),
            P::Rolling,
            "rolling 1/4",
        ),
        // Every container is of the new image, and one of them is not ready.
        (
            with(S::Same, vec![row(Runs, SAME, 3, 4)], None, None),
            P::Rolling,
            "rolling 3/4",
        ),
        // Ready, and the controller has more to do.
        (
            with(S::Same, vec![row(Runs, SAME, 1, 1)], None, Some(false)),
            P::Rolling,
            "rolling 1/1",
        ),
        (
            with(S::Same, vec![row(Runs, SAME, 4, 4)], None, Some(true)),
            P::Runs,
            "runs 4/4",
        ),
        // Something should run that does not yet.
        (
            with(
                S::Same,
                vec![row(Runs, SAME, 4, 4), row(ShouldRun, SAME, 0, 1)],
                None,
                Some(true),
            ),
            P::Rolling,
            "rolling 4/5",
        ),
        (
            with(S::None, vec![], None, None),
            P::Pushed,
            "git has it; the cluster has not",
        ),
        (
            with(S::Unknown, vec![], None, None),
            P::Pushed,
            "git has it; the cluster has not",
        ),
    ] {
        let progress = of(place.clone());
        assert_eq!((progress.phase, progress.words().as_str()), (phase, words), "{place:?}");
    }
}

/// While a rollout is under way one Pod more than there should be is there: the one that comes and all that go.
#[test]
fn a_rollout_is_counted_in_pods_that_should_be() {
    use Counting::{Runs, ShouldRun};
    let of_four = |digests| NamespaceRunning {
        wanted: Some(4),
        is_rolled_out: Some(false),
        ..place(RunningState::Mixed, digests)
    };
    let old = |pods| row(Runs, ImageComparison::Differs, pods, pods);
    for (digests, words) in [
        (vec![old(4), row(ShouldRun, SAME, 0, 1)], "rolling 0/4"),
        (vec![old(3), row(Runs, SAME, 1, 2)], "rolling 1/4"),
        (vec![old(1), row(Runs, SAME, 4, 4)], "rolling 4/4"),
    ] {
        assert_eq!(of(of_four(digests)).words(), words);
    }
}

#[test]
fn all_of_several_clusters_must_run_it() {
    let done = place(RunningState::Same, vec![row(Counting::Runs, SAME, 2, 2)]);
    let behind = place(
        RunningState::Differs,
        vec![row(Counting::Runs, ImageComparison::Differs, 1, 1)],
    );
    let both = PinProgress::of(
        &[
            done.clone(),
            NamespaceRunning {
                cluster: "us".to_owned(),
                ..behind
            },
        ],
        digest(),
        at(0),
    );
    assert_eq!(both.phase, WaitPhase::Rolling);
    let twice = PinProgress::of(
        &[
            done.clone(),
            NamespaceRunning {
                cluster: "us".to_owned(),
                ..done
            },
        ],
        digest(),
        at(0),
    );
    assert_eq!(twice.phase, WaitPhase::Runs);
}

#[test]
fn what_is_in_the_way_ends_the_waiting_when_it_stays() {
    use WaitOutcome as O;
    let differs = || place(RunningState::Differs, Vec::new());
    let blocked_by = |what, since| NamespaceRunning {
        state: RunningState::Blocked,
        blocked: vec![blocked(what, since)],
        ..differs()
    };
    let unseen = |kind| NamespaceRunning {
        state: RunningState::Unknown,
        unfinished: Some(kind),
        missing: vec!["pods in shop: as the cluster says".into()],
        ..differs()
    };
    let with = |one| NamespaceRunning {
        reconciler: Some(one),
        ..differs()
    };
    for (place, stays, outcome, over) in [
        (blocked_by(BlockKind::GateDenied, None), 0, O::GateDenied, false),
        (blocked_by(BlockKind::GateDenied, None), 1, O::GateDenied, true),
        // It was refused long before: the gate may have changed its mind.
        (blocked_by(BlockKind::GateDenied, Some(100)), 29, O::GateDenied, false),
        (blocked_by(BlockKind::GateDenied, Some(100)), 30, O::GateDenied, true),
        (blocked_by(BlockKind::GateDenied, Some(990)), 1, O::GateDenied, true),
        (
            blocked_by(BlockKind::GateUnreachable, None),
            29,
            O::GateUnreachable,
            false,
        ),
        (
            blocked_by(BlockKind::GateUnreachable, None),
            30,
            O::GateUnreachable,
            true,
        ),
        (blocked_by(BlockKind::Pull, None), 15, O::Failed, true),
        (blocked_by(BlockKind::Crash, None), 14, O::Failed, false),
        (unseen(FailureKind::Denied), 1, O::Forbidden, true),
        (unseen(FailureKind::Unreachable), 29, O::Unreachable, false),
        (unseen(FailureKind::Unreachable), 30, O::Unreachable, true),
        (with(reconciler(ReconcilerState::Failed, "no")), 15, O::Failed, true),
        (with(reconciler(ReconcilerState::Suspended, "")), 500, O::Timeout, false),
        (
            with(reconciler(ReconcilerState::Waiting, "a person")),
            500,
            O::Timeout,
            false,
        ),
    ] {
        let progress = [of(place.clone())];
        let found = progress[0].obstacle.as_ref().map(|one| one.outcome);
        assert_eq!(found, Some(outcome), "{place:?}");
        let mut waiting = Waiting::new(at(1000), 600);
        let first = waiting.look(&progress, at(1000));
        assert_eq!(first, None, "{place:?}");
        let ended = waiting.look(&progress, at(1000 + stays));
        assert_eq!(ended, over.then_some(outcome), "{place:?} for {stays} s");
        // In the end it says what was in the way.
        assert_eq!(waiting.look(&progress, at(1600)), Some(outcome), "{place:?}");
    }
    let mut waiting = Waiting::new(at(1000), 600);
    let nothing = [of(differs())];
    assert_eq!(waiting.look(&nothing, at(1599)), None);
    assert_eq!(waiting.look(&nothing, at(1600)), Some(O::Timeout));
    // An obstacle that goes away begins anew when it comes back.
    let denied = [of(blocked_by(BlockKind::GateDenied, None))];
    let mut waiting = Waiting::new(at(1000), 600);
    assert_eq!(waiting.look(&denied, at(1000)), None);
    assert_eq!(waiting.look(&nothing, at(1001)), None);
    assert_eq!(waiting.look(&denied, at(1002)), None);
    assert_eq!(waiting.look(&denied, at(1003)), Some(O::GateDenied));
}

#[test]
fn pauses_grow_from_one_second_to_five() {
    let waiting = Waiting::new(at(0), 600);
    let pauses: Vec<u64> = (0..14).map(|looks| waiting.pause(looks, at(0))).collect();
    assert!(
        pauses.is_sorted() && pauses[0] == 1_000 && pauses[13] == 5_000,
        "{pauses:?}"
    );
    assert_eq!(Waiting::new(at(0), 3).pause(20, at(1)), 2_000);
    assert_eq!(Waiting::new(at(0), 3).pause(20, at(9)), 100);
}

fn any_place() -> impl Strategy<Value = NamespaceRunning> {
    let states = prop::sample::select(vec![
        RunningState::Differs,
        RunningState::Blocked,
        RunningState::Mixed,
        RunningState::Unknown,
        RunningState::None,
        RunningState::Same,
    ]);
    let kinds = prop::sample::select(vec![
        BlockKind::GateDenied,
        BlockKind::GateUnreachable,
        BlockKind::Pull,
        BlockKind::Crash,
        BlockKind::Other,
    ]);
    let rows = prop::collection::vec((any::<bool>(), any::<bool>(), 0u32..3, 0u32..3), 0..4);
    let blocks = prop::collection::vec(kinds, 0..2);
    (states, rows, blocks, any::<Option<bool>>()).prop_map(|(state, rows, blocks, is_rolled_out)| NamespaceRunning {
        blocked: blocks.into_iter().map(|what| blocked(what, None)).collect(),
        is_rolled_out,
        ..place(
            state,
            rows.into_iter()
                .map(|(runs, same, ready, more)| {
                    let counting = if runs { Counting::Runs } else { Counting::ShouldRun };
                    row(
                        counting,
                        if same { SAME } else { ImageComparison::Differs },
                        ready,
                        ready + more,
                    )
                })
                .collect(),
        )
    })
}

proptest! {
    /// *Runs* is never said where another image runs, something is not ready, or nobody can tell.
    #[test]
    fn runs_means_that_all_of_it_runs(places in prop::collection::vec(any_place(), 0..3)) {
        let progress = PinProgress::of(&places, digest(), at(0));
        if progress.phase == WaitPhase::Runs {
            prop_assert_eq!(worst(&places), Some(RunningState::Same));
            prop_assert!(progress.all > 0 && progress.ready == progress.all);
            prop_assert!(places.iter().all(|one| one.is_rolled_out != Some(false)));
        }
    }

    /// The waiting ends at its limit at the latest, and *runs* is its outcome only where everything runs.
    #[test]
    fn the_waiting_ends(looks in prop::collection::vec((prop::collection::vec(any_place(), 1..3), 1i64..90), 1..20)) {
        let mut waiting = Waiting::new(at(0), 120);
        let mut now = 0;
        for (places, pause) in looks {
            now += pause;
            let progress = [PinProgress::of(&places, digest(), at(0))];
            match waiting.look(&progress, at(now)) {
                Some(outcome) => {
                    prop_assert_eq!(outcome == WaitOutcome::Runs, progress[0].phase == WaitPhase::Runs);
                    return Ok(());
                }
                None => prop_assert!(now < 120),
            }
        }
    }
}
