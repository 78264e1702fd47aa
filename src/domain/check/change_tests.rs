use std::collections::BTreeSet;

use proptest::prelude::*;

use super::change::{PinChanges, changes};
use super::place::{ImageSlot, PinnedPlace, WorkloadPlace};
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;

fn image(name: &str) -> Repository {
    Repository::parse(&format!("reg.example/shop/{name}")).expect("valid")
}

/// A place of api in production: in a file, of a workload (none where its name is empty), with the digest of one byte.
fn place(file: &str, workload: &str, byte: u8) -> PinnedPlace {
    let workload = (!workload.is_empty()).then(|| WorkloadPlace {
        file: file.to_owned(),
        name: workload.to_owned(),
    });
    PinnedPlace {
        target: Target::new("api", "production"),
        component: None,
        image: image("api"),
        tag: Some(format!("1.{byte}.0")),
        digest: Some(Digest::from_bytes([byte; 32])),
        file: file.to_owned(),
        line: 3,
        entry: "$[0].spec".to_owned(),
        slots: BTreeSet::from([ImageSlot {
            workload: workload.clone().unwrap_or_else(|| WorkloadPlace {
                file: file.to_owned(),
                name: String::new(),
            }),
            name: "containers[main]".to_owned(),
            path: "$[0].spec.containers[0]".to_owned(),
        }]),
        workloads: workload.into_iter().collect(),
        uncertain: None,
    }
}

/// What came (file and byte), what was lost (file and whether it is pinned elsewhere), how many are split.
type Found = (Vec<(String, u8)>, Vec<(String, bool)>, usize);

fn found(changes: &PinChanges) -> Found {
    let byte = |place: &PinnedPlace| place.digest.map_or(0, |digest| digest.as_bytes()[0]);
    let came = changes
        .came
        .iter()
        .map(|one| (one.place.file.clone(), byte(&one.place)));
    let lost = changes
        .lost
        .iter()
        .filter(|one| one.moved_to.is_none())
        .map(|one| (one.place.file.clone(), one.is_pinned_elsewhere));
    (came.collect(), lost.collect(), changes.split.len())
}

#[test]
fn what_changed_is_told_by_workloads_and_not_by_lines_or_files() {
    let one = |file: &str, byte| (vec![(file.to_owned(), byte)], Vec::new(), 0);
    let nothing: Found = (Vec::new(), Vec::new(), 0);
    let lost = |file: &str, elsewhere| (Vec::new(), vec![(file.to_owned(), elsewhere)], 0);
    let a = |byte| place("a.yaml", "Deployment api", byte);
    let cron = |byte| place("b.yaml", "CronJob api", byte);
    let mut moved_down = a(1);
    moved_down.line = 90;
    moved_down.entry = "$[1].spec".to_owned();
    let mut tagged = a(1);
    tagged.tag = Some("latest".to_owned());
    let mut elsewhere = a(1);
    elsewhere.image = image("mirror");
    let mut uncertain = a(1);
    uncertain.uncertain = Some("a patch".to_owned());
    for (name, before, after, expected) in [
        ("the same", vec![a(1)], vec![a(1)], nothing.clone()),
        (
            "another line and document",
            vec![a(1)],
            vec![moved_down],
            nothing.clone(),
        ),
        ("another digest", vec![a(1)], vec![a(2)], one("a.yaml", 2)),
        ("another tag", vec![a(1)], vec![tagged], one("a.yaml", 1)),
        ("another repository", vec![a(1)], vec![elsewhere], one("a.yaml", 1)),
        ("less certain", vec![a(1)], vec![uncertain.clone()], one("a.yaml", 1)),
        (
            "as uncertain as before",
            vec![uncertain.clone()],
            vec![uncertain.clone()],
            nothing.clone(),
        ),
        ("more certain", vec![uncertain], vec![a(1)], nothing.clone()),
        (
            "another file",
            vec![a(1)],
            vec![place("c.yaml", "Deployment api", 1)],
            nothing.clone(),
        ),
        ("a new pin", vec![], vec![a(1)], one("a.yaml", 1)),
        ("one place more", vec![a(1)], vec![a(1), cron(1)], one("b.yaml", 1)),
        ("gone", vec![a(1)], vec![], lost("a.yaml", false)),
        (
            "one of two gone",
            vec![a(1), cron(1)],
            vec![cron(1)],
            lost("a.yaml", true),
        ),
        (
            "the pin goes from one workload to another",
            vec![a(1)],
            vec![place("c.yaml", "Deployment other", 1)],
            lost("a.yaml", true),
        ),
        (
            "the same name in another file that was there before is another one",
            vec![a(1), place("us.yaml", "Deployment api", 1)],
            vec![place("us.yaml", "Deployment api", 1)],
            lost("a.yaml", true),
        ),
        (
            "a file without workloads",
            vec![place("v.yaml", "", 1)],
            vec![place("v.yaml", "", 2)],
            one("v.yaml", 2),
        ),
        (
            "a file without workloads goes",
            vec![place("v.yaml", "", 1)],
            vec![],
            lost("v.yaml", false),
        ),
        (
            "one of two places",
            vec![a(1), cron(1)],
            vec![a(2), cron(1)],
            (vec![("a.yaml".to_owned(), 2)], Vec::new(), 1),
        ),
        (
            "both places",
            vec![a(1), cron(1)],
            vec![a(2), cron(2)],
            (vec![("a.yaml".to_owned(), 2), ("b.yaml".to_owned(), 2)], Vec::new(), 0),
        ),
        (
            "split before and still",
            vec![a(1), cron(2)],
            vec![a(3), cron(2)],
            one("a.yaml", 3),
        ),
        (
            "split before and mended",
            vec![a(1), cron(2)],
            vec![a(2), cron(2)],
            one("a.yaml", 2),
        ),
        (
            "a new place with another digest",
            vec![a(1)],
            vec![a(1), cron(2)],
            (vec![("b.yaml".to_owned(), 2)], Vec::new(), 1),
        ),
    ] {
        assert_eq!(found(&changes(&before, &after)), expected, "{name}");
    }
}

#[test]
fn the_place_that_it_took_the_place_of_is_the_same_workload_first() {
    let before = [place("a.yaml", "Deployment api", 1), place("a.yaml", "CronJob api", 2)];
    let after = [place("a.yaml", "CronJob api", 3), place("a.yaml", "Deployment api", 4)];
    let was: Vec<Option<Digest>> = changes(&before, &after)
        .came
        .into_iter()
        .map(|one| one.was.and_then(|was| was.digest))
        .collect();
    assert_eq!(
        was,
        [Some(Digest::from_bytes([2; 32])), Some(Digest::from_bytes([1; 32]))]
    );
}

#[test]
fn components_and_environments_are_pins_of_their_own() {
    let of = |component: &str, environment: &str, byte| PinnedPlace {
        component: Some(component.to_owned()),
        target: Target::new("api", environment),
        ..place("a.yaml", "Deployment api", byte)
    };
    let before = [
        of("fpm", "production", 1),
        of("nginx", "production", 2),
        of("fpm", "staging", 1),
    ];
    let after = [
        of("fpm", "production", 2),
        of("nginx", "production", 2),
        of("fpm", "staging", 1),
    ];
    let changed = changes(&before, &after);
    assert_eq!((changed.came.len(), changed.lost.len(), changed.split.len()), (1, 0, 0));
    assert_eq!(changed.came[0].place.component.as_deref(), Some("fpm"));
}

fn places() -> impl Strategy<Value = Vec<PinnedPlace>> {
    let one = (0..4_u8, 0..3_u8, 0..4_u8, any::<bool>(), 0..2_u8).prop_map(|(file, workload, byte, named, entry)| {
        let name = if named {
            format!("Deployment w{workload}")
        } else {
            String::new()
        };
        let mut place = place(&format!("{file}.yaml"), &name, byte);
        place.entry = format!("$[{entry}]");
        place
    });
    proptest::collection::vec(one, 0..7)
}

proptest! {
    #[test]
    fn a_digest_that_was_not_there_never_comes_unseen(before in places(), after in places()) {
        let changed = changes(&before, &after);
        let known: BTreeSet<Option<Digest>> = before.iter().map(|place| place.digest).collect();
        for place in after.iter().filter(|place| !known.contains(&place.digest)) {
            prop_assert!(changed.came.iter().any(|one| one.place == *place), "{place:?}");
        }
        for one in &changed.came {
            prop_assert!(one.was.as_ref().is_none_or(|was| !one.place.says_the_same(was)));
        }
    }

    #[test]
    fn the_same_places_in_any_order_are_no_change(before in places(), turn in 0..7_usize) {
        let mut before = before;
        before.sort();
        before.dedup_by(|a, b| a.file == b.file && a.entry == b.entry);
        let mut after = before.clone();
        let turn = turn % after.len().max(1);
        after.rotate_left(turn);
        prop_assert!(changes(&before, &after).is_empty());
        prop_assert!(changes(&before, &after).split.is_empty());
    }

    #[test]
    fn no_workload_loses_its_pin_unseen(before in places(), after in places()) {
        let changed = changes(&before, &after);
        let names = |all: &[PinnedPlace]| -> BTreeSet<String> {
            all.iter().flat_map(|place| &place.workloads).map(|one| one.name.clone()).collect()
        };
        let lost: BTreeSet<String> = changed.lost.iter().filter_map(|one| Some(one.workload.as_ref()?.name.clone())).collect();
        for gone in names(&before).difference(&names(&after)) {
            prop_assert!(lost.contains(gone), "{gone}");
        }
        prop_assert!(changed.lost.iter().all(|one| one.is_pinned_elsewhere != after.is_empty()));
    }
}
