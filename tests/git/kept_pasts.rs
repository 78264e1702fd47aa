//! A past that was kept is gone on from while nothing changes that its reading asked for, and changes nothing but time: in random
//! histories in which what is taken in by what comes, goes and comes back.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::kept_surveys::{Home, damaged, entries, lose, shown};
use super::pin_property::cases;
use super::pin_story::{CONFIG, Files, Story, digest, pod, tagged};

/// Files of which two are in no environment, one of them with a name that is no manifest's.
const PODS: [&str; 5] = [
    "production/a.yaml",
    "staging/a.yaml",
    "base/a.yaml",
    "base/b.yaml",
    "base/extra",
];

/// What an environment's kustomization may take in.
const TAKEN: [&str; 4] = ["a.yaml", "../base/a.yaml", "../base/b.yaml", "../base/extra"];

/// One random commit: files with what is written there, how wrong its clock is, and what it merges.
type Step = (Vec<(u8, u8)>, u8, Option<prop::sample::Index>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let files = prop::collection::vec((0u8..9, 0u8..32), 1..3);
    prop::collection::vec(
        (
            files,
            0u8..16,
            prop::option::weighted(0.2, any::<prop::sample::Index>()),
        ),
        2..16,
    )
}

fn kustomization(taken: u8) -> Option<String> {
    let taken_in = TAKEN.iter().enumerate().filter(|(at, _)| taken & (1 << at) != 0);
    let resources: Vec<&str> = taken_in.map(|(_, path)| *path).collect();
    let image = format!("images:\n- name: r.example/shop/api\n  digest: {}\n", digest(20));
    let image = if taken & 16 == 0 { "" } else { image.as_str() };
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    (!resources.is_empty()).then(|| format!("{head}resources: [{}]\n{image}", resources.join(", ")))
}

fn content(n: u8) -> Option<String> {
    match n % 8 {
        0 => None,
        1 => tagged(&format!("r.example/shop/old:v1@{}", digest(1))),
        2 => tagged(&format!("r.example/shop/web:v2@{}", digest(2))),
        3 => tagged(&format!("r.example/shop/api:v3-alpine@{}", digest(3))),
        4 => pod(&[4, 5]),
        n => pod(&[n]),
    }
}

fn story(steps: &[Step]) -> Story {
    let mut story = Story::default();
    story.then(
        "first",
        &[("production/a.yaml", pod(&[5])), ("staging/a.yaml", pod(&[5]))],
    );
    for (at, (files, clock, merged)) in steps.iter().enumerate() {
        let mut now: Files = story.commits[at].3.clone();
        for (place, n) in files {
            let (path, text) = match place {
                0..5 => (PODS[usize::from(*place)], content(*n)),
                5 | 6 => ("production/kustomization.yaml", kustomization(*n)),
                _ => ("staging/kustomization.yaml", kustomization(*n)),
            };
            match text {
                Some(text) => now.insert(path.to_owned(), text),
                None => now.remove(path),
            };
        }
        let other = merged
            .as_ref()
            .map(|merged| merged.index(at + 1))
            .filter(|other| *other != at);
        let parents: Vec<usize> = std::iter::once(at).chain(other).collect();
        story.add(&parents, &format!("c{}", at + 1), now);
        story.commits[at + 1].1 -= match clock {
            0 => 300,
            1 => 60,
            _ => 0,
        };
    }
    story
}

fn make(story: &Story, dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir).expect("made");
    story.make(dir, CONFIG);
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn a_past_under_rules_that_come_and_go_is_the_past(
        steps in steps(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 3), is_alone in any::<bool>(),
        damage in prop::option::weighted(0.3, (0u8..5, any::<prop::sample::Index>())),
    ) {
        let whole = story(&steps);
        let root = tempfile::tempdir().expect("a folder");
        let (dir, home) = (root.path().join("gitops"), Home::new());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.commits.len()) + 1).collect();
        cuts.sort_unstable();
        cuts.push(whole.commits.len());
        for cut in cuts {
            let mut earlier = whole.clone();
            earlier.commits.truncate(cut);
            make(&earlier, &dir);
            let plain = shown(&dir, None);
            if is_alone {
                // Nothing tells it but the past of an earlier commit.
                let _ = std::fs::remove_dir_all(home.facts());
            }
            // Two processes at once, and a third one that finds what they left.
            let both = std::thread::scope(|scope| {
                let other = scope.spawn(|| shown(&dir, Some(&home)));
                [shown(&dir, Some(&home)), other.join().expect("no panic")]
            });
            prop_assert_eq!(&both, &[plain.clone(), plain.clone()], "at {}", cut);
            let _ = std::fs::remove_dir_all(home.surveys());
            prop_assert_eq!(&shown(&dir, Some(&home)), &plain, "once more at {}", cut);
            if let Some((way, at)) = &damage {
                for entry in entries(&home.pasts()) {
                    let text = std::fs::read(&entry).expect("readable");
                    std::fs::write(&entry, damaged(&text, *way, at)).expect("written");
                }
            }
        }
        prop_assert!(entries(&home.pasts()).len() <= 1, "one past of a branch, whatever its rules are");
    }
}

fn taken(files: &str) -> Option<String> {
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    Some(format!("{head}resources: [{files}]\n"))
}

/// Whether a board after some changes is told from the past that was kept before them: what lies beneath is lost, and nothing else is
/// kept.
fn goes_on_after(changes: &[(&str, Option<String>)]) -> bool {
    let mut story = Story::default();
    story.then(
        "the first",
        &[
            ("base/a.yaml", pod(&[7])),
            ("hidden/c.yaml", tagged(&format!("r.example/shop/new:v1@{}", digest(9)))),
            ("staging/kustomization.yaml", taken("../base/a.yaml")),
            ("production/b.yaml", pod(&[1])),
        ],
    );
    story.then("a version", &[("production/b.yaml", pod(&[2]))]);
    story.then(
        "another",
        &[("production/b.yaml", pod(&[3])), ("base/a.yaml", pod(&[8]))],
    );
    let (root, home) = (tempfile::tempdir().expect("a folder"), Home::new());
    let dir: PathBuf = root.path().join("gitops");
    make(&story, &dir);
    shown(&dir, Some(&home));
    story.then("the rules", changes);
    story.then("a file of the usual kind", &[("production/c.yaml", pod(&[3]))]);
    make(&story, &dir);
    let plain = shown(&dir, None);
    std::fs::remove_dir_all(home.facts()).expect("facts");
    lose(&dir, "c1:production/b.yaml");
    let again = shown(&dir, Some(&home));
    let other = shown(&dir, Some(&Home::new()));
    assert_ne!(other, plain, "without what was kept, a version is missing");
    again == plain
}

/// Rules about what never stood in the past change nothing of it; rules about what did are read by anew.
#[test]
fn only_rules_that_the_past_asked_for_make_it_another() {
    // A file from outside of all environments, with an image of its own, for one environment.
    assert!(goes_on_after(&[
        (
            "shared/new.yaml",
            tagged(&format!("r.example/shop/new:v1@{}", digest(9)))
        ),
        ("production/kustomization.yaml", taken("b.yaml, ../shared/new.yaml")),
    ]));
    // A file that stood there all the time is taken in by another environment: its versions are that one's past now.
    assert!(!goes_on_after(&[(
        "production/kustomization.yaml",
        taken("b.yaml, ../base/a.yaml")
    )]));
    // A file that stood in a folder which nobody looked into.
    assert!(!goes_on_after(&[(
        "production/kustomization.yaml",
        taken("b.yaml, ../hidden/c.yaml")
    )]));
    // It is taken in no longer.
    assert!(!goes_on_after(&[
        ("staging/kustomization.yaml", None),
        ("staging/a.yaml", pod(&[8]))
    ]));
}
