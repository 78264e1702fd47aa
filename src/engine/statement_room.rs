//! How many bytes of statements one pass has in memory. Whoever may push may attach as much as the registry takes, to
//! as many digests as are pinned. So a pass keeps statements up to a bound; what is beyond it is read again, from the
//! cache or the registry, when it is looked at, and as few are held at once as fit into a second bound. Verdicts
//! are the same either way: the bytes hash to the same digest, and what cannot be read again is unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::sources::evidence::{HeldStatement, ItemContent, StatementSource};
use crate::sources::registry::Registry;

/// Largest statement that is fetched (docs/reference/registries.md, "One way out").
pub(crate) const STATEMENT_CAP: u64 = 64 << 20;
/// Most bytes of statements that one pass keeps.
const MOST_KEPT: u64 = 64 << 20;
/// Most bytes of statements that are being fetched, or looked at without being kept, at once. The largest one fits.
const MOST_IN_USE: u64 = STATEMENT_CAP;
/// What room is counted in: a semaphore has no more permits than a `u32` counts.
const UNIT: u64 = 1 << 10;

/// What all passes of this process kept and held so far, in bytes.
static TOTALS: Totals = Totals {
    kept: AtomicU64::new(0),
    held: AtomicU64::new(0),
    most_kept: AtomicU64::new(0),
    most_held: AtomicU64::new(0),
};

struct Totals {
    kept: AtomicU64,
    held: AtomicU64,
    most_kept: AtomicU64,
    most_held: AtomicU64,
}

impl Totals {
    fn keep(&self, bytes: u64) {
        let now = self.kept.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most_kept.fetch_max(now, Ordering::Relaxed);
    }

    fn hold(&self, bytes: u64) {
        let now = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most_held.fetch_max(now, Ordering::Relaxed);
    }
}

/// How many bytes of statements this process has in memory, and had at most: those that passes keep, and all that
/// are held, those that are being fetched or looked at included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementBytes {
    /// Bytes that are kept until their pass ends.
    pub kept: u64,
    /// Bytes in memory, the kept ones included.
    pub held: u64,
    /// The most bytes that were kept at once.
    pub most_kept: u64,
    /// The most bytes that were in memory at once.
    pub most_held: u64,
}

impl StatementBytes {
    /// The figures of this moment.
    pub fn now() -> Self {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Self {
            kept: of(&TOTALS.kept),
            held: of(&TOTALS.held),
            most_kept: of(&TOTALS.most_kept),
            most_held: of(&TOTALS.most_held),
        }
    }
}

/// Room that is taken, given back when it is dropped.
struct TakenRoom {
    bytes: u64,
    _permits: OwnedSemaphorePermit,
}

impl Drop for TakenRoom {
    fn drop(&mut self) {
        TOTALS.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The room for statements of one pass.
#[derive(Debug)]
pub(crate) struct StatementRoom {
    most_kept: u64,
    kept: AtomicU64,
    in_use: Arc<Semaphore>,
    /// Statements that were read again, for the log.
    again: AtomicU64,
}

impl Default for StatementRoom {
    fn default() -> Self {
        Self::with(MOST_KEPT)
    }
}

impl Drop for StatementRoom {
    fn drop(&mut self) {
        let (kept, again) = (self.kept.load(Ordering::Relaxed), self.again.load(Ordering::Relaxed));
        TOTALS.kept.fetch_sub(kept, Ordering::Relaxed);
        TOTALS.held.fetch_sub(kept, Ordering::Relaxed);
        if kept > 0 {
            tracing::debug!(kept_bytes = kept, read_again = again, "statements of a pass");
        }
    }
}

impl StatementRoom {
    /// Room that keeps at most so many bytes.
    fn with(most_kept: u64) -> Self {
        Self {
            most_kept,
            kept: AtomicU64::new(0),
            in_use: Arc::new(Semaphore::new((MOST_IN_USE / UNIT) as usize)),
            again: AtomicU64::new(0),
        }
    }

    /// Fetches a statement, and keeps its bytes if there is room for them.
    ///
    /// # Errors
    /// Why it could not be fetched.
    pub(crate) async fn fetch(self: &Arc<Self>, blob: StatementBlob) -> Result<ItemContent, Failure> {
        let _room = self.take(blob.size).await?;
        let bytes = blob.fetch().await?;
        let size = bytes.len() as u64;
        let keep = |kept: u64| kept.checked_add(size).filter(|sum| *sum <= self.most_kept);
        if self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, keep)
            .is_ok()
        {
            TOTALS.keep(size);
            TOTALS.hold(size);
            return Ok(ItemContent::Kept(bytes));
        }
        Ok(ItemContent::Again(Arc::new(StatementAgain {
            blob,
            room: Arc::clone(self),
            runtime: Handle::current(),
        })))
    }

    /// Waits until so many bytes may be in use. Who holds room waits for no other room.
    async fn take(&self, size: u64) -> Result<TakenRoom, Failure> {
        let units = size.min(MOST_IN_USE).div_ceil(UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.in_use).acquire_many_owned(units).await;
        let permits = room.map_err(|_| Failure::bug("the room for statements was closed"))?;
        TOTALS.hold(size);
        Ok(TakenRoom {
            bytes: size,
            _permits: permits,
        })
    }
}

/// Where a statement is.
#[derive(Debug, Clone)]
pub(crate) struct StatementBlob {
    pub registry: Registry,
    pub repository: Repository,
    pub digest: Digest,
    /// Its size, as its descriptor says.
    pub size: u64,
}

impl StatementBlob {
    async fn fetch(&self) -> Result<bytes::Bytes, Failure> {
        let content = self
            .registry
            .blob(&self.repository, &self.digest, Some(self.size), STATEMENT_CAP)
            .await;
        content.map_err(Failure::from)
    }
}

/// A statement that is not kept.
#[derive(Debug)]
struct StatementAgain {
    blob: StatementBlob,
    room: Arc<StatementRoom>,
    runtime: Handle,
}

impl StatementSource for StatementAgain {
    fn size(&self) -> u64 {
        self.blob.size
    }

    fn read(&self) -> Result<HeldStatement, Failure> {
        self.room.again.fetch_add(1, Ordering::Relaxed);
        self.runtime.block_on(async {
            let room = self.room.take(self.blob.size).await?;
            Ok(HeldStatement {
                bytes: self.blob.fetch().await?,
                room: Some(Box::new(room)),
            })
        })
    }
}
