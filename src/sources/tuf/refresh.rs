//! One refresh of one root: the newest that its repository vouches for, or the reason why the old one stays.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sigstore_tuf::{Error, Updater, UpdaterConfig};

use super::error::TufError;
use super::fetch::RemoteRepository;
use super::kept::{self, MetadataFiles, MetadataInMemory, RootFolder, RootWithMetadata, VerifiedRoot};
use super::source::{TARGET, TufSource};
use crate::sources::error_text::with_causes;
use crate::sources::evidence::check_root;
use crate::sources::registry::Documents;

/// Most bytes of a `trusted_root.json`.
const TARGET_CAP: u64 = 4 << 20;

/// Asks the repository for its newest root, as of `now`, and keeps it. Nothing that is kept is ever replaced by a lower
/// version of any role, whatever keys signed it.
///
/// # Errors
/// If the repository does not answer, or answers with what must not be believed; what was kept stays as it was.
pub async fn refresh(
    source: &TufSource,
    documents: &Arc<Documents>,
    folder: &RootFolder,
    now: Timestamp,
) -> Result<VerifiedRoot, TufError> {
    // What is damaged vouches for nothing: the refresh begins where trust begins.
    let before = folder.state(source).unwrap_or_default();
    let known = before.as_ref().map(|state| state.files.clone()).unwrap_or_default();
    let state = fetch(source, documents, known, now).await?;
    if let Some(before) = &before
        && let Some((role, offered, kept)) = state.root.versions.role_behind(&before.root.versions)
    {
        return Err(refused(
            source,
            format!("its {role} has version {offered}, and version {kept} is known"),
        ));
    }
    let (folder, source) = (folder.clone(), source.clone());
    let mirror = source.mirror.clone();
    let keeping = tokio::task::spawn_blocking(move || folder.keep(&source, state));
    keeping.await.map_err(|error| TufError::Keep {
        place: mirror,
        error: std::io::Error::other(error),
    })?
}

async fn fetch(
    source: &TufSource,
    documents: &Arc<Documents>,
    known: MetadataFiles,
    now: Timestamp,
) -> Result<RootWithMetadata, TufError> {
    let trouble = Arc::new(Mutex::new(None));
    let remote = RemoteRepository {
        documents: Arc::clone(documents),
        mirror: source.mirror.clone(),
        trouble: Arc::clone(&trouble),
    };
    let mut limits = UpdaterConfig::default();
    limits.target_max_length = TARGET_CAP;
    let metadata = MetadataInMemory::new(known);
    let start = Updater::new(remote, &source.start).map_err(|error| TufError::Start {
        mirror: source.mirror.clone(),
        why: with_causes(&error),
    })?;
    let mut updater = start.with_config(limits).with_store(metadata.clone());
    let asked = async {
        updater.refresh(now).await?;
        updater.get_target(TARGET, now).await
    };
    let target = asked.await.map_err(|error| {
        let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (trouble, error) {
            (Some(trouble), _) => TufError::Unreachable(trouble, source.mirror.clone()),
            (None, error) => match missing(&error) {
                Some(file) => TufError::Incomplete {
                    mirror: source.mirror.clone(),
                    file,
                },
                None => refused(source, with_causes(&error)),
            },
        }
    })?;
    let refuse = |why| refused(source, why);
    let kept = kept::kept(&updater, target, now).map_err(refuse)?;
    check_root(&kept.json).map_err(|why| refuse(format!("its {TARGET} is no trusted root ({why})")))?;
    let files = metadata.files();
    // What is kept is verified as it will be when it is read: a refresh that could not be read again is none.
    kept::verified(source, &files, now).map_err(refuse)?;
    Ok(RootWithMetadata { root: kept, files })
}

/// The file that the client looked for and did not find.
fn missing(error: &Error) -> Option<String> {
    let Error::Transport { message, .. } = error else {
        return None;
    };
    let name = message.strip_suffix(" not found")?;
    Some(match name.strip_prefix("target ") {
        Some(target) => format!("targets/{target}"),
        None => name.to_owned(),
    })
}

fn refused(source: &TufSource, why: String) -> TufError {
    TufError::Refused {
        mirror: source.mirror.clone(),
        why,
    }
}
