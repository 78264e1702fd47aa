use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{AgeLimits, AgedAnswer, BoardLook, MANIFESTS_A_PASS, budget, due};

const LIMIT: SignedDuration = SignedDuration::from_mins(15);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn answer(asked: i64) -> AgedAnswer {
    AgedAnswer {
        asked: at(asked),
        limit: LIMIT,
        manifests: 1,
    }
}

#[test]
fn few_answers_are_all_asked_for_in_every_pass() {
    let few = vec![answer(0); 80];
    let all: Vec<usize> = (0..80).collect();
    assert_eq!(due(&few, at(0), SignedDuration::ZERO), all);
}

#[test]
fn of_many_answers_the_oldest_have_their_turn() {
    let many: Vec<AgedAnswer> = (0..2_000).map(|n| answer(n % 500)).collect();
    // 2,000 digests in 15 minutes, of which half a minute has gone by: 67. Fewer than are always asked about.
    assert_eq!(budget(&many, SignedDuration::from_secs(30)), MANIFESTS_A_PASS);
    assert_eq!(budget(&many, SignedDuration::from_secs(60)), 134);
    let asked = due(&many, at(500), SignedDuration::from_secs(60));
    assert_eq!(asked.len(), 134);
    assert!(asked.iter().all(|one| one % 500 <= 33), "{asked:?}");
}

#[test]
fn what_is_too_old_is_asked_for_whatever_it_costs() {
    let old = vec![answer(0); 2_000];
    assert_eq!(due(&old, at(900), SignedDuration::from_secs(30)).len(), 2_000);
    assert_eq!(due(&old, at(899), SignedDuration::from_secs(30)).len(), 80);
}

#[test]
fn an_answer_from_the_future_counts_for_nothing() {
    let mut clock_went_back = vec![answer(0); 200];
    clock_went_back[150] = answer(60);
    let asked = due(&clock_went_back, at(30), SignedDuration::ZERO);
    assert_eq!((asked.len(), asked[0]), (80, 150));
}

#[test]
fn a_shorter_limit_comes_first() {
    let mut all = vec![answer(0); 200];
    all[199].limit = SignedDuration::from_mins(5);
    assert_eq!(due(&all, at(60), SignedDuration::ZERO)[0], 199);
}

#[test]
fn what_is_on_the_screen_may_be_less_old() {
    let limits = AgeLimits::default();
    let mut look = BoardLook {
        on_screen: std::iter::once("api".into()).collect(),
        ..BoardLook::default()
    };
    assert_eq!(look.limit(Some(&"api".into()), &limits), limits.on_screen);
    assert_eq!(look.limit(Some(&"web".into()), &limits), limits.off_screen);
    assert_eq!(look.limit(None, &limits), limits.off_screen);
    look.is_wanted = true;
    assert_eq!(look.limit(Some(&"api".into()), &limits), SignedDuration::ZERO);
}

#[test]
fn a_large_index_keeps_no_other_from_its_turn() {
    let mut all = vec![answer(10); 90];
    all[0] = AgedAnswer {
        asked: at(0),
        manifests: 200,
        ..all[0]
    };
    assert_eq!(due(&all, at(20), SignedDuration::ZERO), (1..=80).collect::<Vec<_>>());
    assert_eq!(due(&all, at(900), SignedDuration::ZERO)[0], 0);
}

/// What is asked about again, by when: passes at irregular times over digests that are asked about as the rule says.
fn passes() -> impl Strategy<Value = (Vec<(u64, i64)>, Vec<i64>)> {
    let digest = (1_u64..6, 60_i64..1_200);
    (
        prop::collection::vec(digest, 1..600),
        prop::collection::vec(1_i64..200, 1..60),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_grows_older_than_its_limit_and_the_budget_is_kept((digests, pauses) in passes()) {
        let answer = |(manifests, limit): &(u64, i64)| AgedAnswer {
            asked: at(0),
            limit: SignedDuration::from_secs(*limit),
            manifests: *manifests,
        };
        let mut all: Vec<AgedAnswer> = digests.iter().map(answer).collect();
        let mut now = 0;
        for pause in pauses {
            let since = SignedDuration::from_secs(pause);
            now += pause;
            // At the end of the pause, before the pass: nothing is older than its limit and one pass.
            for one in &all {
                prop_assert!(at(now).duration_since(one.asked) < one.limit + since);
            }
            let asked = due(&all, at(now), since);
            let of_choice = asked.iter().filter(|one| at(now).duration_since(all[**one].asked) < all[**one].limit);
            let cost: u64 = of_choice.map(|one| all[*one].manifests).sum();
            prop_assert!(cost <= budget(&all, since));
            let too_old = |one: &usize| at(now).duration_since(all[*one].asked) >= all[*one].limit;
            let forced: u64 = asked.iter().filter(|one| too_old(one)).map(|one| all[*one].manifests).sum();
            prop_assert!(cost + forced <= budget(&all, since).max(forced));
            for one in asked {
                all[one].asked = at(now);
            }
            for one in &all {
                prop_assert!(at(now).duration_since(one.asked) < one.limit);
            }
        }
    }

    /// At even times nothing waits for its limit: no pass costs more than its budget.
    #[test]
    fn even_passes_never_exceed_the_budget(digests in 1_usize..1_500, limit in 4_i64..16) {
        let one = AgedAnswer { asked: at(0), limit: SignedDuration::from_secs(limit * 30), manifests: 1 };
        let mut all = vec![one; digests];
        for pass in 1..=(limit * 3) {
            let (now, since) = (at(pass * 30), SignedDuration::from_secs(30));
            let asked = due(&all, now, since);
            prop_assert!(asked.len() as u64 <= budget(&all, since));
            for one in asked {
                all[one].asked = now;
            }
        }
    }
}
