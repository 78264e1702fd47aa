//! Finding and opening a pull request, whatever make the forge is of.

use reqwest::{Method, StatusCode};

use super::answers::{NewProposal, read_proposals};
use super::client::ForgeClient;
use super::error::ForgeError;
use super::token::ForgeToken;
use super::{gitea, github, gitlab};
use crate::domain::Wording;
use crate::domain::proposal::{ForgeKind, ForgeProposal, ProposalState, ProposedPin};

impl ForgeClient {
    /// The pull request of a branch into `base`, with its checks while it is open; `None` = the forge knows of none.
    ///
    /// # Errors
    /// A [`ForgeError`]: then nobody knows.
    pub async fn proposal(&self, pin: &ProposedPin, base: &str) -> Result<Option<ForgeProposal>, ForgeError> {
        let known = self.numbers().get(&pin.branch).copied();
        if let Some(number) = known {
            let found = self.find(pin, base, Some(number)).await;
            let is_open = |found: &ForgeProposal| found.state == ProposalState::Open;
            match found {
                Ok(Some(found)) if is_open(&found) => return Ok(Some(found)),
                Ok(_) | Err(ForgeError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            // It is closed, or gone: another one may have been opened since.
            self.numbers().remove(&pin.branch);
        }
        let found = self.find(pin, base, None).await?;
        if let Some(found) = found.as_ref().filter(|found| found.state == ProposalState::Open) {
            self.numbers().insert(pin.branch.clone(), found.number);
        }
        Ok(found)
    }

    async fn find(
        &self,
        pin: &ProposedPin,
        base: &str,
        number: Option<u64>,
    ) -> Result<Option<ForgeProposal>, ForgeError> {
        match self.address().kind {
            ForgeKind::Github => github::find(self, pin, number).await,
            ForgeKind::Gitlab => gitlab::find(self, pin, number).await,
            ForgeKind::Forgejo | ForgeKind::Gitea => gitea::find(self, pin, base, number).await,
        }
    }

    /// Opens a pull request; if there is one for the branch already, that one is the answer.
    ///
    /// # Errors
    /// A [`ForgeError`]; the branch is at the remote all the same.
    pub async fn open(&self, new: &NewProposal<'_>) -> Result<ForgeProposal, ForgeError> {
        if !self.has_token() {
            return Err(ForgeError::NoToken {
                host: self.address().host.clone(),
                is_unapproved: !self.address().may_send_token && ForgeToken::is_set(self.address()),
            });
        }
        let (path, keys) = match self.address().kind {
            ForgeKind::Github => github::creation(self.address(), new),
            ForgeKind::Gitlab => gitlab::creation(self.address(), new),
            ForgeKind::Forgejo | ForgeKind::Gitea => gitea::creation(self.address(), new),
        };
        let what = format!("a pull request for {}", new.branch);
        let reply = self.send(Method::POST, &path, Some(&keys), None, &what).await?;
        // What was asked before may be another answer now.
        self.kept().clear();
        match reply.0.status {
            StatusCode::CREATED | StatusCode::OK => {
                let found = read_proposals(self.address(), &reply.0.body);
                let opened = found.ok().and_then(|mut all| all.pop());
                opened
                    .map(|found| found.proposal)
                    .ok_or_else(|| self.broken(&what, Wording::own("with something that is no pull request")))
            }
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                let pin = new.as_pin();
                let there = self.proposal(&pin, new.base).await.ok().flatten();
                let is_open = |there: &ForgeProposal| there.state == ProposalState::Open;
                there.filter(is_open).ok_or_else(|| self.refusal(&what, &reply.0))
            }
            _ => Err(self.refusal(&what, &reply.0)),
        }
    }
}
