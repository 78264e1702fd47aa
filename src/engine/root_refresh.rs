//! Refreshing the trusted roots that the profiles of a team name.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::policy::TeamPolicy;
use crate::domain::trusted_root::{RootInForce, RootSource, named_roots};
use crate::sources::registry::{Documents, address};
use crate::sources::tuf::{RootFolder, refresh};

use super::open::{Engine, blocking};
use super::options::OpenOptions;
use super::trusted_roots::{in_force, one_in_force, source};

/// How a refresh of one root ended.
#[derive(Debug)]
pub(crate) struct RootRefresh {
    /// The root in force now.
    pub root: RootInForce,
    /// How it ended.
    pub outcome: RefreshOutcome,
}

/// How a refresh ended.
#[derive(Debug)]
pub(crate) enum RefreshOutcome {
    /// Another root is in force than before.
    Updated,
    /// The one in force is the newest.
    Current,
    /// A file is refreshed by whoever changes the file.
    NotRefreshed,
    /// The old one stays, for this reason.
    Failed(Failure),
}

/// Refreshes every root that the profiles of a team name, as of `now`.
///
/// # Errors
/// With `--offline`, or where there is no folder to keep a root in. What goes wrong with one root is told of that root.
pub(crate) async fn update(
    options: &OpenOptions,
    team: &TeamPolicy,
    now: Timestamp,
) -> Result<Vec<RootRefresh>, Failure> {
    if options.offline {
        return Err(Failure::usage("a refresh asks the network, and --offline forbids it")
            .hint("run it without --offline; until then the root in force stays"));
    }
    let data = options.data_dir.as_ref().ok_or_else(|| {
        Failure::failed("there is no folder to keep trusted roots in").hint("set HOME or XDG_DATA_HOME")
    })?;
    let folder = RootFolder::of(data);
    let documents = Arc::new(Documents::default());
    let mut all = Vec::new();
    for (root, profiles) in named_roots(team) {
        let before = one_in_force(options, team, root, profiles.clone());
        let failed = match source(team, root) {
            None => {
                all.push(RootRefresh {
                    root: before,
                    outcome: RefreshOutcome::NotRefreshed,
                });
                continue;
            }
            Some(source) => match address(&source.mirror) {
                Err(error) => Some(Failure::from(error)),
                Ok(_) => refresh(&source, &documents, &folder, now)
                    .await
                    .err()
                    .map(Failure::from),
            },
        };
        let after = one_in_force(options, team, root, profiles);
        let outcome = match failed {
            Some(failure) => RefreshOutcome::Failed(failure),
            None if after.digest == before.digest => RefreshOutcome::Current,
            None => RefreshOutcome::Updated,
        };
        all.push(RootRefresh { root: after, outcome });
    }
    Ok(all)
}

impl Engine {
    /// The roots that the team's profiles name, as they are in force.
    ///
    /// # Errors
    /// If git or the configuration cannot be read.
    pub(crate) async fn trusted_roots(&self) -> Result<Vec<RootInForce>, Failure> {
        let (ledger, _) = self.ledger().await?;
        let options = self.options().clone();
        blocking(move || in_force(&options, &ledger.team)).await
    }

    /// Refreshes the roots of the policy that was used last, if one of them was not confirmed within a day: what the
    /// cockpit does in the background. Why that failed is told on the board from the next pass on.
    pub(crate) async fn refresh_due_roots(&self, now: Timestamp) {
        let (false, Some(team)) = (self.options().offline, self.team_used()) else {
            return;
        };
        let is_due = |root: &RootInForce| {
            let confirmed = |at: Timestamp| root.source == RootSource::Tuf && (now - at).get_hours() < 24;
            root.mirror.is_some() && !root.fetched_at.is_some_and(confirmed)
        };
        if !self.roots_told().iter().any(is_due) {
            return;
        }
        let failed = match update(self.options(), &team, now).await {
            Ok(all) => all.into_iter().find_map(|one| match one.outcome {
                RefreshOutcome::Failed(failure) => Some((one.root.name, failure)),
                _ => None,
            }),
            Err(failure) => Some(("a root".to_owned(), failure)),
        };
        let told = failed.map(|(name, failure)| {
            let what = failure.what.quoted();
            tracing::warn!(%name, %what, "a trusted root is not refreshed");
            format!("the trusted root {name} is not refreshed and stays as it was: {what}").into()
        });
        self.kept().root_trouble = told;
    }
}
