//! Whom a repository may send this user's credentials to, and from where it may have this machine clone: nobody, until
//! the user says so.

use std::collections::BTreeMap;

use crate::domain::policy::TeamPolicy;
use crate::domain::registry::RegistrySettings;

/// Settles which registries of a repository's own file are asked anonymously: those whose endpoint,
/// CA or plain HTTP the file sets, unless the user approved them by name. It is the same with the host of its
/// attestation API, and with other repositories.
pub(crate) fn settle(team: &mut TeamPolicy, approved: &[String]) {
    settle_registries(&mut team.registries, approved);
    if let Some(github) = &mut team.github {
        github.anonymous = !approved.contains(&github.host);
    }
    // Where a folder leads is known only beside the policy: that is decided there.
    for repository in team.environments.iter_mut().filter_map(|one| one.repository.as_mut()) {
        repository.by_repository = true;
    }
    // Which host that is, is known only with the git remote: it is decided there.
    if let Some(forge) = &mut team.forge {
        forge.by_repository = true;
    }
}

fn settle_registries(registries: &mut BTreeMap<String, RegistrySettings>, approved: &[String]) {
    for (name, settings) in registries {
        settings.anonymous = is_redirected(settings) && !approved.contains(name);
    }
}

/// Whether the settings decide whom the credentials reach.
pub(crate) fn is_redirected(settings: &RegistrySettings) -> bool {
    settings.endpoint.is_some() || settings.insecure_http || settings.ca.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_approved_by_name_gets_credentials() {
        let redirected = RegistrySettings {
            endpoint: Some("https://elsewhere.example".to_owned()),
            ..RegistrySettings::default()
        };
        let slow = RegistrySettings {
            requests_per_second: Some(5),
            ..RegistrySettings::default()
        };
        let mut all: BTreeMap<String, RegistrySettings> = [
            ("a.example", redirected.clone()),
            ("b.example", redirected),
            ("c.example", slow),
        ]
        .map(|(name, settings)| (name.to_owned(), settings))
        .into();
        settle_registries(&mut all, &["b.example".to_owned()]);
        let anonymous: Vec<bool> = all.values().map(|s| s.anonymous).collect();
        assert_eq!(anonymous, [true, false, false]);
    }

    #[test]
    fn a_token_is_for_a_host_that_is_approved() {
        let mut team = TeamPolicy {
            github: Some(crate::domain::policy::GithubSource {
                host: "git.example".to_owned(),
                repository: None,
                anonymous: false,
            }),
            ..TeamPolicy::default()
        };
        for (approved, anonymous) in [("github.com", true), ("git.example", false), ("", true)] {
            settle(&mut team, &[approved.to_owned()]);
            assert_eq!(
                team.github.as_ref().map(|github| github.anonymous),
                Some(anonymous),
                "{approved}"
            );
        }
    }
}
