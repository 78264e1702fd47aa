//! The folders in which pindeck keeps what it found out for later runs.

use std::path::Path;

use super::options::OpenOptions;
use super::past_cache::{FOLDER as PASTS, PastCache};
use super::survey_cache::{FOLDER as SURVEYS, SurveyCache};
use super::verdict_cache::{FOLDER as VERDICTS, VerdictCache};
use crate::sources::evidence::SealKey;

/// Most verdicts that are kept in files of their own, for a pack takes the usual ones.
const LARGE_VERDICTS: usize = 1_000;

/// File of the key that everything kept is sealed under, in the state folder.
const VERDICT_KEY: &str = "verdict-key";

/// The verdicts kept from earlier runs; `None` where there is no place for them.
pub(super) fn verdicts(options: &OpenOptions) -> Option<VerdictCache> {
    let (cache, key) = sealed(options)?;
    Some(VerdictCache::new(cache.join(VERDICTS), key, LARGE_VERDICTS))
}

/// The surveys kept from earlier runs; `None` where there is no place for them.
pub(super) fn surveys(options: &OpenOptions) -> Option<SurveyCache> {
    let (cache, key) = sealed(options)?;
    Some(SurveyCache::new(cache.join(SURVEYS), key))
}

/// The pasts kept from earlier runs; `None` where there is no place for them.
pub(super) fn pasts(options: &OpenOptions) -> Option<PastCache> {
    let (cache, key) = sealed(options)?;
    Some(PastCache::new(cache.join(PASTS), key))
}

/// The cache and the key under which entries of it are sealed; `None` where there is no cache, or no place for the
/// key that tells ours from what another program wrote.
pub(super) fn sealed(options: &OpenOptions) -> Option<(&Path, SealKey)> {
    let (cache, state) = (options.cache_dir.as_ref()?, options.state_dir.as_ref()?);
    let path = state.join(VERDICT_KEY);
    let key = SealKey::of_file(&path)
        .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "nothing is kept: the key cannot be used"));
    Some((cache, key.ok()?))
}
