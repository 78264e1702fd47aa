//! The key `platforms` of an environment.

use toml::Spanned;

use super::error::{ConfigError, ConfigText};
use super::raw;
use crate::domain::platform::{Platform, PlatformFilter};

/// Which platforms of an image must be there; all of them where the key is absent.
///
/// # Errors
/// If the list is empty, or an item is no platform.
pub(super) fn filter(
    source: &ConfigText<'_>,
    list: Option<&Spanned<Vec<raw::RawText>>>,
) -> Result<PlatformFilter, ConfigError> {
    let Some(list) = list else {
        return Ok(PlatformFilter::All);
    };
    if list.get_ref().is_empty() {
        let what = "`platforms` is empty: name the platforms that must be there, as in [\"linux/amd64\"], or leave the key out";
        return Err(source.error(list.span(), what));
    }
    let read = |text: &raw::RawText| {
        let parsed: Result<Platform, _> = text.get_ref().parse();
        parsed.map_err(|error| source.error(text.span(), format!("{:?}: {error}", text.get_ref())))
    };
    let platforms: Result<_, _> = list.get_ref().iter().map(read).collect();
    platforms.map(PlatformFilter::Only)
}
