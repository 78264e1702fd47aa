//! Texts of `pindeck.toml` that are patterns: of paths, of tags, of variants.

use regex::Regex;

use super::error::{ConfigError, Source};
use super::raw;

/// A path pattern.
pub(super) fn glob(source: &Source<'_>, pattern: &raw::Text) -> Result<String, ConfigError> {
    match globset::GlobBuilder::new(pattern.get_ref())
        .literal_separator(true)
        .build()
    {
        Ok(_) => Ok(pattern.get_ref().clone()),
        Err(error) => Err(source.error(
            pattern.span(),
            format!("{:?} is no path pattern: {}", pattern.get_ref(), error.kind()),
        )),
    }
}

/// A regular expression.
pub(super) fn regex(source: &Source<'_>, pattern: &raw::Text) -> Result<String, ConfigError> {
    match Regex::new(pattern.get_ref()) {
        Ok(_) => Ok(pattern.get_ref().clone()),
        Err(error) => Err(source.error(
            pattern.span(),
            format!("{:?} is no regular expression: {error}", pattern.get_ref()),
        )),
    }
}

/// The service's source, which provenance is compared with: one that cannot be compared would refuse
/// everything.

/// The variant that a service is: `component = "fpm"`, or the same as the end of a tag, `variant = "-fpm"`.
pub(super) fn component(source: &Source<'_>, service: &raw::Service) -> Result<Option<String>, ConfigError> {
    let (text, name) = match (&service.component, &service.variant) {
        (None, None) => return Ok(None),
        (Some(_), Some(variant)) => {
            return Err(source.error(
                variant.span(),
                "`variant` and `component` say the same; write one of them",
            ));
        }
        (Some(text), None) => (text, text.get_ref().as_str()),
        (None, Some(text)) => (text, text.get_ref().trim_start_matches('-')),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        let what = format!("{:?} is no variant of an image", text.get_ref());
        return Err(source
            .error(text.span(), what)
            .hint("write the end of its tags, as in \"-fpm\""));
    }
    Ok(Some(name.to_owned()))
}
