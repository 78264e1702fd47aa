use super::super::image_id::ContainerImage;
use super::super::pods::{ContainerKind, PodPhase};
use super::super::sample_tests::{closure, digest};
use super::*;
use crate::domain::reference::Repository;

fn images() -> ServiceImages {
    ServiceImages {
        repositories: vec![Repository::parse("reg.example/web").expect("a repository")],
        pull_through: Vec::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// A Pod with one container that asks for `asked` and runs it.
fn pod(name: &str, asked: &str) -> PodSeen {
    let asked = digest(asked);
    let image_id = format!("reg.example/web@{asked}");
    PodSeen {
        name: name.into(),
        owner: PodOwner::Other,
        phase: PodPhase::Running,
        is_leaving: false,
        started_at: Some(at(10)),
        containers: vec![ContainerSeen {
            name: "web".into(),
            kind: ContainerKind::Main,
            asked: image_id.as_str().into(),
            image: ContainerImage::read(&image_id, "reg.example/web:v1", "containerd://1", Some(asked)),
            state: ContainerState::Running { since: Some(at(20)) },
            ready: true,
        }],
    }
}

fn waiting(name: &str, asked: &str, reason: &str) -> PodSeen {
    let mut pod = pod(name, asked);
    pod.phase = PodPhase::Pending;
    pod.containers[0].image.reported = None;
    pod.containers[0].ready = false;
    pod.containers[0].state = ContainerState::Waiting {
        reason: reason.into(),
        message: "as the runtime says".into(),
    };
    pod
}

fn job(name: &str, asked: &str, started: i64, phase: PodPhase) -> PodSeen {
    PodSeen {
        owner: PodOwner::Job,
        phase,
        started_at: Some(at(started)),
        ..pod(name, asked)
    }
}

fn namespace(pods: Vec<PodSeen>) -> NamespaceSeen {
    NamespaceSeen {
        cluster: "eu".to_owned(),
        namespace: "shop".to_owned(),
        pods,
        unfinished: None,
        refusals: Vec::new(),
        workloads: Vec::new(),
        missing: Vec::new(),
    }
}

fn refused(asked: &str) -> TemplateRefusal {
    TemplateRefusal {
        template: vec![format!("reg.example/web@{}", digest(asked)).into()],
        message: "admission webhook \"gate\" denied the request: no".into(),
        at: None,
        is_of_template: true,
    }
}

fn answers(pins: &[&str], seen: &NamespaceSeen) -> Vec<NamespaceRunning> {
    let closures: Vec<ImageClosure> = pins.iter().map(|name| closure(name)).collect();
    let known: Vec<ImageClosure> = ["I1", "I2", "I3", "I4", "I5"]
        .iter()
        .map(|name| closure(name))
        .collect();
    let images = images();
    let question = RunningQuestion {
        pins: &closures,
        images: &images,
    };
    let read = |digest: Digest| known.iter().find(|one| one.digest() == digest);
    (0..pins.len())
        .map(|which| question.answer(which, seen, &read))
        .collect()
}

fn state(seen: &NamespaceSeen) -> RunningState {
    answers(&["I1"], seen)[0].state
}

#[test]
fn one_word_for_a_namespace() {
    use RunningState as S;
    let mut lost = pod("c", "I1");
    lost.phase = PodPhase::Unknown;
    let mut leaving = pod("d", "I2");
    leaving.is_leaving = true;
    let mut evicted = pod("e", "I2");
    evicted.phase = PodPhase::Failed;
    let mut silent = pod("f", "I1");
    silent.containers[0].image.reported = None;
    let mut side_car = pod("g", "I1");
    let mut proxy = pod("g", "I2").containers.remove(0);
    proxy.asked = "mesh.example/proxy:v1".into();
    side_car.containers.push(proxy);
    let mut init = pod("h", "I1");
    let mut first = pod("h", "I2").containers.remove(0);
    first.kind = ContainerKind::Init;
    init.containers.push(first);
    for (pods, expected) in [
        (vec![], S::None),
        (vec![pod("a", "I1")], S::Same),
        (vec![pod("a", "I2")], S::Differs),
        (vec![pod("a", "I1"), pod("b", "I2")], S::Mixed),
        (vec![pod("a", "I1"), lost.clone()], S::Unknown),
        (vec![pod("a", "I2"), lost.clone()], S::Unknown),
        (vec![pod("a", "I1"), pod("b", "I2"), lost.clone()], S::Mixed),
        (vec![pod("a", "I1"), leaving.clone()], S::Same),
        (vec![leaving], S::None),
        (vec![pod("a", "I1"), evicted], S::Same),
        (vec![silent], S::Unknown),
        (vec![side_car], S::Same),
        (vec![init], S::Same),
        (vec![waiting("a", "I1", "ContainerCreating")], S::None),
        (vec![pod("a", "I1"), waiting("b", "I1", "ContainerCreating")], S::Same),
        (vec![waiting("a", "I1", "ImagePullBackOff")], S::Blocked),
        (vec![pod("a", "I2"), waiting("b", "I1", "ImagePullBackOff")], S::Blocked),
        (vec![pod("a", "I1"), waiting("b", "I1", "ImagePullBackOff")], S::Same),
        (
            vec![pod("a", "I1"), pod("c", "I2"), waiting("b", "I1", "ErrImagePull")],
            S::Blocked,
        ),
        // What is refused is another digest: it is not in the pin's way.
        (vec![waiting("a", "I2", "ImagePullBackOff")], S::None),
        (vec![pod("a", "I2"), waiting("b", "I2", "ImagePullBackOff")], S::Differs),
        (vec![waiting("a", "I1", "CrashLoopBackOff")], S::Blocked),
        (vec![lost, waiting("b", "I1", "ImagePullBackOff")], S::Unknown),
    ] {
        let seen = namespace(pods);
        assert_eq!(state(&seen), expected, "{:#?}", seen.pods);
    }
}

#[test]
fn a_list_that_is_not_whole_is_unknown_and_never_none() {
    for pods in [
        vec![],
        vec![pod("a", "I1")],
        vec![pod("a", "I2")],
        vec![waiting("b", "I1", "ErrImagePull")],
    ] {
        let mut seen = namespace(pods);
        seen.refusals = vec![refused("I1")];
        seen.unfinished = Some(Failure::unreachable("pods in shop: cut after 20000"));
        let answer = &answers(&["I1"], &seen)[0];
        assert_eq!(answer.state, RunningState::Unknown);
        assert!(answer.missing[0].raw().contains("cut"));
        assert_eq!(answer.digests.len(), seen.pods.len());
    }
}

#[test]
fn a_refused_template_blocks_its_own_digest_only() {
    let mut seen = namespace(vec![pod("a", "I2")]);
    seen.refusals = vec![refused("I1")];
    let answer = &answers(&["I1"], &seen)[0];
    assert_eq!((answer.state, answer.blocked.len()), (RunningState::Blocked, 1));
    // The old digest still serves, and it is listed.
    assert_eq!(answer.digests[0].digest, Some(digest("I2")));
    // The image was corrected; the old ReplicaSet keeps being refused.
    let mut seen = namespace(vec![pod("a", "I1")]);
    seen.refusals = vec![refused("I2")];
    let answer = &answers(&["I1"], &seen)[0];
    assert_eq!(
        (answer.state, answer.blocked[0].digest),
        (RunningState::Same, Some(digest("I2")))
    );
    // A platform manifest that the pin lists is the pin.
    let mut seen = namespace(vec![]);
    seen.refusals = vec![refused("M1")];
    assert_eq!(state(&seen), RunningState::Blocked);
}

#[test]
fn pods_that_say_the_same_are_one_row() {
    let mut cold = pod("b", "I1");
    cold.containers[0].ready = false;
    cold.containers[0].state = ContainerState::Running { since: Some(at(5)) };
    let mut twice = pod("c", "I1");
    twice.containers.push(twice.containers[0].clone());
    let answer = &answers(&["I1"], &namespace(vec![pod("a", "I1"), cold, twice, pod("d", "I2")]))[0];
    let rows: Vec<_> = answer
        .digests
        .iter()
        .map(|row| (row.digest, row.pods, row.ready, row.since))
        .collect();
    let expected = [
        (Some(digest("I1")), 3, 2, Some(at(5))),
        (Some(digest("I2")), 1, 1, Some(at(20))),
    ];
    assert!(
        expected.iter().all(|row| rows.contains(row)) && rows.len() == 2,
        "{rows:?}"
    );
}

#[test]
fn the_last_job_speaks_where_nothing_else_runs() {
    use PodPhase::{Running, Succeeded};
    use RunningState as S;
    for (pods, expected) in [
        (
            vec![job("a", "I2", 1, Succeeded), job("b", "I1", 2, Succeeded)],
            (S::Same, true),
        ),
        (
            vec![job("a", "I1", 1, Succeeded), job("b", "I2", 2, Succeeded)],
            (S::Differs, true),
        ),
        (
            vec![job("a", "I1", 1, Succeeded), job("b", "I2", 2, Running)],
            (S::Differs, false),
        ),
        (vec![job("a", "I2", 9, Succeeded), pod("b", "I1")], (S::Same, false)),
        (vec![job("a", "I2", 9, Running), pod("b", "I1")], (S::Mixed, false)),
    ] {
        let answer = answers(&["I1"], &namespace(pods)).remove(0);
        assert_eq!((answer.state, answer.is_past), expected);
        let drift = drifted(&[answer], Some(at(0)), at(0), at(5000), 900);
        assert_eq!(drift.is_some(), !expected.1 && expected.0 != S::Same);
    }
}

#[test]
fn two_pins_side_by_side_have_their_own_containers() {
    use RunningState as S;
    let states = |pods: Vec<PodSeen>| {
        let all = answers(&["I1", "I2"], &namespace(pods));
        (all[0].state, all[1].state)
    };
    assert_eq!(states(vec![pod("a", "I1"), pod("b", "I2")]), (S::Same, S::Same));
    assert_eq!(states(vec![pod("a", "I1")]), (S::Same, S::None));
    assert_eq!(states(vec![pod("a", "I1"), pod("b", "M1")]), (S::Same, S::None));
    // A third digest is neither; it is in the way of both.
    let mut third = pod("c", "I1");
    third.containers[0].asked = "reg.example/web:v0".into();
    let of = "reg.example/web@sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    third.containers[0].image = ContainerImage::read(of, &digest("C9").to_string(), "containerd://1", None);
    assert_eq!(states(vec![pod("a", "I1"), third]), (S::Mixed, S::Differs));
    let split = answers(&["I1", "I2"], &{
        let mut seen = namespace(vec![pod("b", "I2")]);
        seen.refusals = vec![refused("I1")];
        seen
    });
    assert_eq!((split[0].state, split[1].state), (S::Blocked, S::Same));
    assert!(split[1].blocked.is_empty());
}

#[test]
fn of_several_clusters_the_worst_speaks() {
    use RunningState as S;
    let of = |cluster: &str, state| NamespaceRunning {
        cluster: cluster.to_owned(),
        state,
        ..answers(&["I1"], &namespace(vec![])).remove(0)
    };
    let order = [S::Differs, S::Blocked, S::Mixed, S::Unknown, S::None, S::Same];
    for (at, worse) in order.iter().enumerate() {
        for better in &order[at..] {
            assert_eq!(worst(&[of("a", *better), of("b", *worse)]), Some(*worse));
        }
    }
    assert_eq!(worst(&[]), None);
    // A second namespace without the service takes nothing away; a second cluster without it does.
    assert_eq!(worst(&[of("a", S::Same), of("a", S::None)]), Some(S::Same));
    assert_eq!(worst(&[of("a", S::Same), of("b", S::None)]), Some(S::None));
    assert_eq!(worst(&[of("a", S::None), of("a", S::None)]), Some(S::None));
}

#[test]
fn drift_waits_until_a_rollout_must_be_over() {
    let seen = |pods: Vec<PodSeen>| answers(&["I1"], &namespace(pods));
    let differs = seen(vec![pod("a", "I2")]);
    let found = Some(digest("I2"));
    assert_eq!(drifted(&differs, Some(at(0)), at(0), at(899), 900), None);
    assert_eq!(drifted(&differs, Some(at(0)), at(0), at(900), 900), found);
    // The pin is old: what differs now is no rollout of it.
    assert_eq!(drifted(&differs, Some(at(0)), at(5000), at(5000), 900), found);
    assert_eq!(drifted(&differs, None, at(5000), at(5000), 900), None);
    // Two images side by side may be a rollout whenever they were seen first.
    let mixed = seen(vec![pod("a", "I1"), pod("b", "I2")]);
    assert_eq!(drifted(&mixed, Some(at(0)), at(5000), at(5001), 900), None);
    assert_eq!(drifted(&mixed, Some(at(0)), at(5000), at(5900), 900), found);
    for pods in [vec![pod("a", "I1")], vec![], vec![waiting("a", "I1", "ErrImagePull")]] {
        assert_eq!(drifted(&seen(pods), Some(at(0)), at(0), at(9000), 900), None);
    }
}
