//! Which repository and branch an environment is read from, as `pindeck.toml` says it.

use super::error::{ConfigError, ConfigText};
use super::raw::{RawEnvironment, RawText};
use crate::domain::environment_repository::{EnvironmentRepository, RepositoryAddress};

/// The repository of an environment; `None` = that of `pindeck.toml`.
pub(super) fn repository(
    source: &ConfigText<'_>,
    environment: &RawEnvironment,
) -> Result<Option<EnvironmentRepository>, ConfigError> {
    let Some(text) = &environment.repository else {
        return Ok(None);
    };
    let address = RepositoryAddress::parse(text.get_ref()).map_err(|why| {
        let error = source.error(text.span(), format!("{:?} {why}", text.get_ref()));
        error.hint("write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or a folder as ../NAME")
    })?;
    Ok(Some(EnvironmentRepository {
        address,
        by_repository: false,
    }))
}

/// The branch of an environment; `None` = that of `pindeck.toml`, or the default one of another repository.
pub(super) fn of(source: &ConfigText<'_>, environment: &RawEnvironment) -> Result<Option<String>, ConfigError> {
    environment
        .branch
        .as_ref()
        .map(|branch| name(source, branch))
        .transpose()
}

/// The name of a branch, by the rules of `git check-ref-format`.
fn name(source: &ConfigText<'_>, text: &RawText) -> Result<String, ConfigError> {
    let name = text.get_ref();
    if name.starts_with("refs/") {
        let error = source.error(
            text.span(),
            format!("{name:?} is a ref, and this is the name of a branch"),
        );
        return Err(error.hint("leave out `refs/heads/`"));
    }
    match is_branch(name) {
        true => Ok(name.clone()),
        false => Err(source.error(text.span(), format!("{name:?} is no name of a branch"))),
    }
}

fn is_branch(name: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !" ~^:?*[\\".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && name != "HEAD"
        && !name.contains("..")
        && !name.contains("@{")
        && name.chars().all(is_plain)
        && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::is_branch;

    #[test]
    fn branches_are_named_as_git_names_them() {
        for good in ["main", "env/staging", "release-1.2", "a.b", "ünïcode", "a@b"] {
            assert!(is_branch(good), "{good}");
        }
        let bad = [
            "", "/", "a/", "/a", "a//b", "-x", "a b", "a..b", "a.lock", "a.lock/b", ".a", "a/.b", "a.", "@", "HEAD",
            "a@{1}", "a:b", "a^", "a~1", "a?", "a*", "a[b", "a\\b", "a\nb", "a\u{7f}",
        ];
        for bad in bad {
            assert!(!is_branch(bad), "{bad:?}");
        }
    }
}
