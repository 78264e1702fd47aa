//! Which variant of an image a service is.

use super::error::{ConfigError, ConfigText};
use super::raw;

/// The variant that a service is: `component = "fpm"`, or the same as the end of a tag, `variant = "-fpm"`.
pub(super) fn component(source: &ConfigText<'_>, service: &raw::RawService) -> Result<Option<String>, ConfigError> {
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
