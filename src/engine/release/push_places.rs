//! Where a write is pushed to: the remotes with what they lead to, which are part of what is confirmed.

use crate::domain::failure::Failure;
use crate::domain::hold::HoldsPlace;
use crate::domain::id::Digest;
use crate::engine::ledger::Ledger;

/// Where the pins and the holds of a write go.
pub(super) struct PushPlaces {
    /// A digest of where the remote of the pins leads.
    pub remote_at: Digest,
    /// The branch that the policy and the holds are read from, where the pins are on another one.
    pub holds_on: Option<HoldsPlace>,
}

impl PushPlaces {
    /// Those of the branch that is written on. Blocking.
    pub(crate) fn of(ledger: &Ledger, remote: &str) -> Result<Self, Failure> {
        let holds_on = match ledger.is_home() {
            true => None,
            false => {
                let home = &ledger.checkouts.home;
                let remote_at = home
                    .tip
                    .remote
                    .as_deref()
                    .map(|remote| home.repo.remote_fingerprint(remote));
                Some(HoldsPlace {
                    remote: home.tip.remote.clone(),
                    remote_at: remote_at.transpose()?,
                    branch: home.tip.branch.clone(),
                })
            }
        };
        Ok(Self {
            remote_at: ledger.repo().remote_fingerprint(remote)?,
            holds_on,
        })
    }
}
