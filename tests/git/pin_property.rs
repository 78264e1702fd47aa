//! History, `pinned` and what a revert goes back to agree in random repositories.

use std::collections::{BTreeMap, BTreeSet};

use pindeck::domain::Digest;
use pindeck::domain::id::Target;
use pindeck::domain::pin_set::BranchPart;
use pindeck::engine::history::Record;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::pin_story::{Files, Story, Told, pod};

/// One of the commits so far, as a part of their number in all that fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier(u64);

impl Earlier {
    fn index(self, of: usize) -> usize {
        usize::try_from((u128::from(self.0) * of as u128) >> 64).expect("one of them")
    }
}

/// What one random commit does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Edit(u8, u8),
    Move(u8, u8),
    Copy(u8, u8),
    Delete(u8),
    /// The containers of a file go to two files.
    Split(u8, u8),
    /// Back to what the files were in an earlier commit.
    Revert(Earlier),
    /// Another commit is merged: ours, theirs, or something new.
    Merge(Earlier, u8),
    /// Goes on from an earlier commit instead.
    Branch(Earlier, u8),
}

const PLACES: [&str; 5] = [
    "production/a.yaml",
    "production/b.yaml",
    "production/deep/c.yaml",
    "staging/a.yaml",
    "elsewhere/a.yaml",
];

pub(super) fn steps() -> impl Strategy<Value = Vec<(Step, u8)>> {
    let (place, number) = (0u8..5, 0u8..5);
    let earlier = || any::<u64>().prop_map(Earlier);
    let step = prop_oneof![
        4 => (place.clone(), number.clone()).prop_map(|(p, n)| Step::Edit(p, n)),
        1 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Move(a, b)),
        2 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Copy(a, b)),
        2 => place.clone().prop_map(Step::Delete),
        1 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Split(a, b)),
        1 => earlier().prop_map(Step::Revert),
        3 => (earlier(), 0u8..4).prop_map(|(at, n)| Step::Merge(at, n)),
        2 => (earlier(), number).prop_map(|(at, n)| Step::Branch(at, n)),
    ];
    // Clocks that go wrong: the same second, or one before.
    prop::collection::vec((step, 0u8..12), 1..24)
}

/// So many random cases: the same in every run, so that a test fails for what was changed and never by chance;
/// `PROPTEST_RNG_SEED` asks for others.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(2_026);
    }
    config
}

/// The digests of each place.
pub(super) type Model = BTreeMap<&'static str, Vec<u8>>;

fn files(model: &Model) -> Files {
    let pods = model
        .iter()
        .filter_map(|(path, digests)| Some(((*path).to_owned(), pod(digests)?)));
    pods.collect()
}

/// The story that steps tell, with what each place pins after each of them.
pub(super) fn story(steps: &[(Step, u8)]) -> (Story, Vec<Model>) {
    let mut story = Story::default();
    let mut models = vec![Model::from([(PLACES[0], vec![0]), (PLACES[3], vec![0])])];
    let place = |n: &u8| PLACES[usize::from(*n)];
    story.add(&[], "c0", files(&models[0]));
    for (at, (step, clock)) in steps.iter().enumerate() {
        let mut parents = vec![at];
        let mut model = models[at].clone();
        match step {
            Step::Edit(p, n) => {
                model.insert(place(p), vec![*n]);
            }
            Step::Move(a, b) => {
                if let Some(moved) = model.remove(place(a)) {
                    model.insert(place(b), moved);
                }
            }
            Step::Copy(a, b) => {
                if let Some(copied) = model.get(place(a)).cloned() {
                    model.insert(place(b), copied);
                }
            }
            Step::Delete(p) => {
                model.remove(place(p));
            }
            Step::Split(a, b) => {
                let all = model.get(place(a)).cloned().unwrap_or_default();
                let both = [all.first().copied().unwrap_or(1), 4];
                model.insert(place(a), both[..1].to_vec());
                model.insert(place(b), both.to_vec());
            }
            Step::Revert(earlier) => model.clone_from(&models[earlier.index(at + 1)]),
            Step::Merge(other, n) => {
                let other = other.index(at + 1);
                if other != at {
                    parents.push(other);
                }
                match n {
                    0 | 1 => model.clone_from(&models[other]),
                    2 => {}
                    _ => {
                        model.insert(PLACES[0], vec![*n]);
                    }
                }
            }
            Step::Branch(from, n) => {
                let from = from.index(at + 1);
                parents = vec![from];
                model.clone_from(&models[from]);
                model.insert(PLACES[1], vec![*n]);
            }
        }
        story.add(&parents, &format!("c{}", at + 1), files(&model));
        let time = &mut story.commits[at + 1].1;
        *time -= match clock {
            0 => 60,
            1 => 300,
            _ => 0,
        };
        models.push(model);
    }
    (story, models)
}

fn set_in(model: &Model, environment: &str) -> BTreeSet<u8> {
    let ours = model.iter().filter(|(path, _)| is_in(path, environment));
    ours.flat_map(|(_, digests)| digests.iter().copied()).collect()
}

fn is_in(path: &str, environment: &str) -> bool {
    path.split('/').next() == Some(environment)
}

/// What an environment has pinned at each commit of the branch, newest first: a file that came where one outside of
/// every environment went was that file before.
fn states_of(story: &Story, models: &[Model], environment: &str) -> Vec<BTreeSet<u8>> {
    let outside = |path: &&&str| !is_in(path, "staging") && !is_in(path, "production");
    let mut former: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut states = Vec::new();
    let mut at = models.len() - 1;
    loop {
        let model = &models[at];
        let own = model.keys().copied().filter(|path| is_in(path, environment));
        let files: BTreeSet<&str> = own.chain(former.keys().copied()).collect();
        let content = |file: &str| -> Vec<u8> {
            let mut paths = std::iter::once(file).chain(former.get(file).into_iter().flatten().copied());
            paths.find_map(|path| model.get(path)).cloned().unwrap_or_default()
        };
        let state: BTreeSet<u8> = files.iter().flat_map(|file| content(file)).collect();
        if states.last() != Some(&state) {
            states.push(state);
        }
        let Some(parent) = story.commits[at].0.first().copied() else {
            return states;
        };
        let (old, new) = (&models[parent], model);
        let gone: Vec<&str> = old
            .keys()
            .filter(|path| !new.contains_key(*path))
            .filter(outside)
            .copied()
            .collect();
        let came = new.keys().filter(|path| !old.contains_key(*path));
        for path in came.filter(|path| is_in(path, environment)) {
            // All have the same image, so the same number of containers is the same images.
            let like = gone
                .iter()
                .filter(|gone| old[**gone].len() == new[*path].len() && !new[*path].is_empty());
            if let Some(gone) = like.max_by_key(|gone| (old[**gone] == new[*path], gone.ends_with("/a.yaml"))) {
                former.entry(path).or_default().push(gone);
            }
        }
        at = parent;
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// For each pin the newest entry of the history is the commit of `pinned`; the entries lead back through every
    /// state of the branch; what a revert may go back to was one of them.
    #[test]
    fn history_pinned_and_the_target_of_a_revert_agree(steps in steps()) {
        agree(&steps)?;
    }
}

/// The same of histories in which they once did not.
#[test]
fn they_agree_where_they_once_did_not() {
    let (edit, split, merge) = (Step::Edit, Step::Split, |at, n| Step::Merge(Earlier(at), n));
    let steps = [
        (edit(2, 0), 2),
        (edit(0, 0), 2),
        (edit(3, 1), 2),
        (edit(0, 0), 1),
        (edit(0, 0), 0),
        (edit(0, 0), 0),
        (edit(0, 0), 0),
        (edit(0, 0), 0),
        (split(0, 0), 9),
        (merge(5_554_510_524_089_232_049, 0), 10),
        (split(1, 3), 0),
        (edit(2, 0), 9),
        (merge(4_601_471_097_015_712_147, 3), 10),
        (Step::Branch(Earlier(3_002_130_599_004_977_056), 2), 1),
        (merge(12_425_242_123_851_385_935, 1), 9),
    ];
    agree(&steps).expect("they agree");
    // A file that was moved out of a place in one commit stood at its former path in another one.
    let moved_twice = [
        (edit(2, 0), 0),
        (split(4, 2), 0),
        (Step::Delete(3), 0),
        (merge(0, 0), 0),
        (edit(1, 0), 0),
        (merge(6_148_914_691_236_517_206, 3), 0),
    ];
    agree(&moved_twice).expect("they agree");
}

/// Among these are histories with wrong clocks in which a reading has all its answers before it meets the commit that came too
/// late.
#[test]
fn they_agree_wherever_clocks_are_wrong() {
    for seed in [6, 8, 14] {
        let mut config = cases(64);
        config.rng_seed = RngSeed::Fixed(seed);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        runner.run(&steps(), |steps| agree(&steps)).expect("they agree");
    }
}

/// Merges that lie side by side, above clocks that were wrong: which of them brought a commit does not depend on the order in
/// which they are met.
#[test]
fn they_agree_where_merges_lie_side_by_side() {
    let (a, b) = (PLACES[0], PLACES[1]);
    let none = Model::new;
    let commits: [(&[usize], i64, Model); 9] = [
        (&[], 0, none()),
        (&[0], 300, none()),
        (&[1], 120, none()),
        (&[2, 1], 180, none()),
        (&[3], 240, Model::from([(a, vec![0]), (b, vec![1])])),
        (&[3, 4], 300, none()),
        (&[3, 4], 360, Model::from([(a, vec![0]), (b, vec![1])])),
        (&[6, 5], 420, Model::from([(b, vec![1])])),
        (&[7], 480, Model::from([(b, vec![1])])),
    ];
    let mut story = Story::default();
    for (at, (parents, after, model)) in commits.iter().enumerate() {
        story.add(parents, &format!("c{at}"), files(model));
        story.commits[at].1 = 1_700_000_000 + after;
    }
    let models: Vec<Model> = commits.into_iter().map(|(.., model)| model).collect();
    agree_in(&story, &models).expect("they agree");
}

fn agree(steps: &[(Step, u8)]) -> Result<(), TestCaseError> {
    let (story, models) = story(steps);
    agree_in(&story, &models)
}

fn agree_in(story: &Story, models: &[Model]) -> Result<(), TestCaseError> {
    let told = Told::of(story);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for environment in ["staging", "production"] {
        let now = set_in(&models[models.len() - 1], environment);
        if now.is_empty() {
            continue;
        }
        let target = Target::new("api", environment);
        let history = runtime.block_on(told.history(&target));
        // Whoever asks for the newest only hears the same of them. Where among them the work stands that the branch never had is
        // not said.
        let is_on_the_way = |record: &&Record| matches!(record.entry.part, BranchPart::Branch | BranchPart::Passed);
        for limit in 1..=3 {
            let newest = runtime.block_on(told.engine.history(&target, Some(limit), false));
            let newest = newest.expect("a history");
            prop_assert_eq!(newest.len(), limit.min(history.len()));
            prop_assert!(newest.iter().all(|record| history.contains(record)), "{:?}", newest);
            let of_branch = newest.iter().filter(is_on_the_way);
            prop_assert!(
                of_branch.eq(history
                    .iter()
                    .filter(is_on_the_way)
                    .take(newest.iter().filter(is_on_the_way).count()))
            );
        }
        // Each state of the branch, newest first.
        let states = states_of(story, models, environment);
        let number = |digest: Option<Digest>| digest.map(|digest| digest.as_bytes()[0]);
        let on_the_way: Vec<&Record> = history.iter().filter(is_on_the_way).collect();
        let mut state = now.clone();
        let mut walked = vec![state.clone()];
        for records in on_the_way.chunk_by(|a, b| a.entry.commit == b.entry.commit) {
            for to in records.iter().filter_map(|record| number(record.entry.to)) {
                prop_assert!(state.remove(&to), "{} is not in {:?}", to, state);
            }
            state.extend(records.iter().filter_map(|record| number(record.entry.from)));
            walked.push(state.clone());
        }
        prop_assert!(state.is_empty(), "the way ends at {:?}", state);
        let mut left = walked.iter();
        for wanted in &states {
            prop_assert!(
                left.any(|state| state == wanted),
                "{:?} is not on the way {:?}",
                wanted,
                walked
            );
        }
        for n in &now {
            let newest = history.iter().find(|record| number(record.entry.to) == Some(*n));
            let newest = newest.map(|record| record.entry.commit.as_str());
            let pinned = told
                .lineage
                .pinned
                .iter()
                .find(|(key, _)| key.target == target && number(key.digest) == Some(*n));
            prop_assert!(newest.is_some(), "nobody pinned {}", n);
            prop_assert_eq!(newest, pinned.map(|(_, by)| by.commit.as_str()));
        }
        let is_now = |to: Digest| now.contains(&to.as_bytes()[0]);
        let begins = history.first().is_some_and(|first| first.entry.to.is_none_or(is_now));
        prop_assert!(begins);
        let earlier = runtime
            .block_on(told.engine.earlier_digests(&target))
            .expect("readable");
        let ever: BTreeSet<u8> = states.iter().flatten().copied().collect();
        for one in &earlier {
            prop_assert!(ever.contains(&one.digest.as_bytes()[0]) && !now.contains(&one.digest.as_bytes()[0]));
        }
        let default = earlier
            .iter()
            .find(|one| !one.ended_by_revert && one.hold.is_none())
            .map(|one| one.digest);
        let seen: BTreeSet<Digest> = on_the_way.iter().filter_map(|record| record.entry.from).collect();
        prop_assert!(default.is_none_or(|default| seen.contains(&default)));
        // Nothing that the branch had is missing among what a revert may go back to.
        let known: BTreeSet<u8> = earlier.iter().map(|one| one.digest.as_bytes()[0]).chain(now).collect();
        prop_assert_eq!(known, ever);
    }
    Ok(())
}
