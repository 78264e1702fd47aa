//! The table `[forge]`: where pull requests are opened and looked at.

use super::error::{ConfigError, ConfigText};
use super::raw::{RawForge, RawForgeKind, RawOpen};
use super::trust;
use crate::domain::policy::PolicySource;
use crate::domain::proposal::{ForgeKind, ForgeSettings, OpenBy};

/// Reads the table.
///
/// # Errors
/// If a host or a repository is none, or if the forge cannot do what is asked of it.
pub(super) fn settings(
    source: &ConfigText<'_>,
    raw: &RawForge,
    from: &PolicySource,
) -> Result<ForgeSettings, ConfigError> {
    let kind = match raw.kind {
        Some(RawForgeKind::Github) => Some(ForgeKind::Github),
        Some(RawForgeKind::Gitlab) => Some(ForgeKind::Gitlab),
        Some(RawForgeKind::Forgejo) => Some(ForgeKind::Forgejo),
        Some(RawForgeKind::Gitea) => Some(ForgeKind::Gitea),
        Some(RawForgeKind::None) | None => None,
    };
    if let Some(host) = &raw.host {
        trust::is_host(source, host)?;
    }
    if let Some(repository) = &raw.repository {
        // GitLab has groups in groups; the others have an owner and a name.
        let several = !matches!(kind, None | Some(ForgeKind::Gitlab));
        if !is_path(repository.get_ref(), several) {
            let what = format!("{:?} is no repository of a forge", repository.get_ref());
            return Err(source.error(repository.span(), what).hint("write OWNER/NAME"));
        }
    }
    let open = raw.open.as_ref().map(|open| match open.get_ref() {
        RawOpen::PushOption => OpenBy::PushOption,
        RawOpen::Api => OpenBy::Api,
        RawOpen::Link => OpenBy::Link,
    });
    if let Some(span) = raw.open.as_ref().map(toml::Spanned::span) {
        let what = match (raw.kind, kind, open) {
            (Some(RawForgeKind::None), ..) => Some("kind = \"none\" opens nothing"),
            (_, Some(ForgeKind::Github), Some(OpenBy::PushOption)) => Some("GitHub opens nothing by push options"),
            (_, None, Some(OpenBy::PushOption | OpenBy::Api)) if raw.host.is_some() => {
                Some("which forge answers at that host is not guessed")
            }
            _ => None,
        };
        if let Some(what) = what {
            let hint = "write open = \"link\" or leave it out, or name the kind: github, gitlab, forgejo, gitea";
            return Err(source.error(span, what.to_owned()).hint(hint));
        }
    }
    Ok(ForgeSettings {
        is_none: raw.kind == Some(RawForgeKind::None),
        kind,
        host: raw.host.as_ref().map(|host| host.get_ref().clone()),
        repository: raw.repository.as_ref().map(|path| path.get_ref().clone()),
        open,
        by_repository: matches!(from, PolicySource::Commit(_)),
    })
}

/// Whether a text is the path of a repository: of two parts, or of two or more.
fn is_path(text: &str, only_two: bool) -> bool {
    let is_name = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && part.chars().all(plain) && part.chars().any(|c| c != '.')
    };
    let parts: Vec<&str> = text.split('/').collect();
    let count = if only_two {
        parts.len() == 2
    } else {
        (2..=20).contains(&parts.len())
    };
    count && parts.iter().all(|part| is_name(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::team::load;

    fn read(table: &str, from: PolicySource) -> Result<ForgeSettings, ConfigError> {
        let text = format!("version = 1\n[forge]\n{table}");
        let no_file = |_: &str| Err(std::io::Error::other("no file"));
        load(&text, "pindeck.toml", &no_file, from).map(|team| team.forge.expect("a table"))
    }

    #[test]
    fn a_forge_is_read_as_written() {
        let commit = || PolicySource::Commit("c".to_owned());
        let file = || PolicySource::File("f".to_owned());
        let full = "kind = \"gitlab\"\nhost = \"git.example:8443\"\nrepository = \"a/b/c\"\nopen = \"push-option\"\n";
        let wanted = ForgeSettings {
            is_none: false,
            kind: Some(ForgeKind::Gitlab),
            host: Some("git.example:8443".to_owned()),
            repository: Some("a/b/c".to_owned()),
            open: Some(OpenBy::PushOption),
            by_repository: true,
        };
        assert_eq!(read(full, commit()), Ok(wanted.clone()));
        let own = ForgeSettings {
            by_repository: false,
            ..wanted
        };
        assert_eq!(read(full, file()), Ok(own), "a person's own file is their word");
        assert!(read("kind = \"none\"\n", file()).expect("valid").is_none);
        assert_eq!(read("", file()), Ok(ForgeSettings::default()));
    }

    #[test]
    fn what_no_forge_can_do_is_an_error_with_its_line() {
        for (table, words) in [
            ("kind = \"bitbucket\"\n", "bitbucket"),
            (
                "kind = \"github\"\nopen = \"push-option\"\n",
                "GitHub opens nothing by push options",
            ),
            ("kind = \"none\"\nopen = \"api\"\n", "opens nothing"),
            ("host = \"git.example\"\nopen = \"api\"\n", "is not guessed"),
            ("kind = \"gitea\"\nhost = \"https://a@b\"\n", "is no address"),
            ("kind = \"gitea\"\nhost = \"a b\"\n", "is no host"),
            ("kind = \"gitea\"\nrepository = \"a/b/c\"\n", "is no repository"),
            ("kind = \"gitea\"\nrepository = \"a/..\"\n", "is no repository"),
            ("kind = \"gitlab\"\nrepository = \"a\"\n", "is no repository"),
            ("kind = \"gitlab\"\ntoken = \"x\"\n", "unknown"),
        ] {
            let error = read(table, PolicySource::default()).expect_err(table);
            assert!(error.to_string().contains(words) && error.line > 2, "{table}: {error}");
        }
    }
}
