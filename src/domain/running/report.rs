//! What the board says of the clusters of one pin: the one word, since when, and where it comes from.

use jiff::Timestamp;

use super::comparison::ImageComparison;
use super::observation::{NamespaceRunning, RunningDigest, RunningState, drifted};
use super::pods::Counting;
use crate::domain::id::Digest;

/// What the clusters of an environment run of one pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningReport {
    /// The worst word of all namespaces.
    pub state: RunningState,
    /// When that word was said first, as far as anybody remembers. Not knowing for a while does not begin it anew.
    pub since: Timestamp,
    /// What each namespace says.
    pub namespaces: Vec<NamespaceRunning>,
}

impl RunningReport {
    /// The digest that runs instead of the pinned one, if that is drift (docs/reference/running.md, "One word").
    /// `settle` is in seconds.
    pub fn drifted(&self, pinned_at: Option<Timestamp>, now: Timestamp, settle: i64) -> Option<Digest> {
        let is_one = matches!(self.state, RunningState::Differs | RunningState::Mixed);
        let found = drifted(&self.namespaces, pinned_at, self.since, now, settle);
        found.filter(|_| is_one)
    }

    /// Pods of the pinned image that are ready, and all that should be: how far a rollout is.
    pub fn ready(&self) -> (u32, u32) {
        let each = self.namespaces.iter().map(NamespaceRunning::progress);
        each.fold((0, 0), |(ready, all), (its, of)| (ready + its, all + of))
    }

    /// The digests that run instead of the pinned image or beside it, each once.
    pub fn others(&self) -> Vec<Digest> {
        let differs =
            |row: &&RunningDigest| row.counting == Counting::Runs && row.comparison == ImageComparison::Differs;
        let rows = self.namespaces.iter().flat_map(|one| &one.digests).filter(differs);
        let mut digests: Vec<Digest> = rows.filter_map(|row| row.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        digests
    }

    /// The word with what a person asks next: which digest, how many, who is in the way.
    pub fn brief(&self) -> String {
        let word = self.state.as_str();
        let (ready, all) = self.ready();
        let first = self.others().first().map(|digest| digest.short());
        match (self.state, first) {
            (RunningState::Differs, Some(other)) => format!("{word}: {other} runs"),
            (RunningState::Mixed, Some(other)) => format!("{word}: {ready}/{all}, beside {other}"),
            (RunningState::Mixed, None) => format!("{word}: {ready}/{all}"),
            (RunningState::Same, _) => format!("{word} {ready}/{all}"),
            (RunningState::Blocked, other) => {
                let first = self.namespaces.iter().flat_map(|one| &one.blocked).next();
                let what = first.map_or("", |one| one.what.words());
                match other {
                    Some(other) => format!("{word}: {what}, {other} still runs"),
                    None => format!("{word}: {what}"),
                }
            }
            (RunningState::Differs | RunningState::Unknown | RunningState::None, _) => word.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::running::comparison::ImageMatch;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn row(name: &str, comparison: ImageComparison, ready: u32, pods: u32) -> RunningDigest {
        RunningDigest {
            digest: Some(Digest::of(name.as_bytes())),
            comparison,
            named: None,
            asked: "reg.example/web:v1".into(),
            is_job: false,
            counting: Counting::Runs,
            pods,
            ready,
            since: None,
        }
    }

    fn report(state: RunningState, digests: Vec<RunningDigest>) -> RunningReport {
        RunningReport {
            state,
            since: at(1000),
            namespaces: vec![NamespaceRunning {
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
            }],
        }
    }

    #[test]
    fn a_brief_word_names_what_runs_instead() {
        let same = row("pinned", ImageComparison::Same(ImageMatch::Exact), 2, 3);
        let other = row("other", ImageComparison::Differs, 1, 1);
        let short = Digest::of(b"other").short();
        for (state, rows, expected) in [
            (RunningState::Same, vec![same.clone()], "same 2/3".to_owned()),
            (
                RunningState::Differs,
                vec![other.clone()],
                format!("differs: {short} runs"),
            ),
            (
                RunningState::Mixed,
                vec![same, other],
                format!("mixed: 2/4, beside {short}"),
            ),
            (RunningState::None, vec![], "none".to_owned()),
            (RunningState::Unknown, vec![], "unknown".to_owned()),
        ] {
            assert_eq!(report(state, rows).brief(), expected);
        }
    }

    #[test]
    fn only_what_differs_or_stays_mixed_is_drift() {
        use RunningState as S;
        let rows = || {
            vec![
                row("pinned", ImageComparison::Same(ImageMatch::Exact), 1, 1),
                row("other", ImageComparison::Differs, 1, 1),
            ]
        };
        for state in [S::Differs, S::Blocked, S::Mixed, S::Unknown, S::None, S::Same] {
            let late = report(state, rows()).drifted(Some(at(0)), at(1900), 900);
            let is_drift = matches!(state, S::Differs | S::Mixed);
            assert_eq!(late.is_some(), is_drift, "{state:?}");
            assert_eq!(
                report(state, rows()).drifted(Some(at(1800)), at(1900), 900),
                None,
                "{state:?}"
            );
        }
        // Mixed is counted from its first sighting, whatever the age of the pin.
        assert_eq!(report(S::Mixed, rows()).drifted(Some(at(0)), at(1899), 900), None);
    }
}
