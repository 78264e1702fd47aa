//! Evidence that does not lie beside the image: in other repositories that a service names, and in GitHub's attestation API.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::domain::id::Digest;
use crate::domain::policy::{Service, TeamPolicy};
use crate::domain::reference::Repository;
use crate::domain::source::SourceRepository;
use crate::sources::github::GithubRepository;
use crate::sources::registry::Place;

use super::collect::Collected;
use super::registry_memo::RegistryMemo;

/// Where else evidence about a service is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    repositories: Vec<Repository>,
    github: Option<GithubRepository>,
}

/// What one of these places has about a digest.
#[derive(Clone)]
pub(super) struct FoundElsewhere {
    /// The place, as people are told.
    pub place: String,
    /// Whether it is GitHub's API.
    pub is_github: bool,
    /// The digest that was asked about: the image, or an index that lists it.
    pub about: Digest,
    /// What is there.
    pub collected: Arc<Collected>,
}

impl Elsewhere {
    /// The places of a service under the team's policy.
    pub(crate) fn of(team: &TeamPolicy, service: Option<&Service>) -> Self {
        let github = team.github.as_ref().and_then(|github| {
            let own = || on_host(service?.source.as_deref()?, &github.host);
            Some(GithubRepository {
                api: GithubRepository::api_of(&github.host),
                name: github.repository.clone().or_else(own)?,
                token: (!github.anonymous)
                    .then(|| GithubRepository::token_of(&github.host))
                    .flatten(),
            })
        });
        Self {
            repositories: service.map(|service| service.evidence.clone()).unwrap_or_default(),
            github,
        }
    }

    /// What each place has about a digest.
    pub(super) async fn attached(&self, memo: &RegistryMemo, digest: Digest, is_new: bool) -> Vec<FoundElsewhere> {
        let beside = join_all(self.repositories.iter().map(|repository| async move {
            let collected = memo.attached(&Place::new(repository, digest), is_new).await;
            in_repository(repository, digest, collected)
        }));
        let github = async {
            let source = self.github.as_ref()?;
            Some(FoundElsewhere {
                place: source.place(),
                is_github: true,
                about: digest,
                collected: memo.attestations(source, digest).await,
            })
        };
        let (mut all, github) = futures_util::future::join(beside, github).await;
        all.extend(github);
        all
    }

    /// What the repositories have about a digest under tags that they do not list.
    pub(super) async fn unlisted(&self, memo: &RegistryMemo, digest: Digest) -> Vec<FoundElsewhere> {
        let all = self.repositories.iter().map(|repository| async move {
            let collected = memo.attached_unlisted(&Place::new(repository, digest)).await;
            in_repository(repository, digest, collected)
        });
        let mut all = join_all(all).await;
        all.retain(|found| !found.collected.is_empty());
        all
    }
}

fn in_repository(repository: &Repository, about: Digest, collected: Arc<Collected>) -> FoundElsewhere {
    FoundElsewhere {
        place: repository.to_string(),
        is_github: false,
        about,
        collected,
    }
}

/// `OWNER/NAME` of a source repository that lies on a host.
fn on_host(source: &str, host: &str) -> Option<String> {
    let source = SourceRepository::parse(source).ok()?.to_string();
    let path = source.strip_prefix(&format!("https://{host}/"))?;
    let is_one = path.split('/').filter(|part| !part.is_empty()).count() == 2;
    is_one.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_on_that_host_names_the_repository() {
        for (source, host, name) in [
            (
                "https://github.com/example/payments",
                "github.com",
                Some("example/payments"),
            ),
            (
                "git@github.com:example/payments.git",
                "github.com",
                Some("example/payments"),
            ),
            ("https://github.com/example/payments", "git.example", None),
            ("https://gitlab.com/example/payments", "github.com", None),
            ("https://github.com/example/group/payments", "github.com", None),
            ("nonsense", "github.com", None),
        ] {
            assert_eq!(on_host(source, host).as_deref(), name, "{source} {host}");
        }
    }
}
