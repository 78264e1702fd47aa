//! How many digests of one registry are worked on at the same time. A digest that waits for its turn costs next to nothing;
//! one that is worked on costs tens of kilobytes for everything that is asked about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At most so many of one registry: enough for every request that it may be asked at once, and for as many verifications
/// beside them as there are processors.
const AT_ONCE: usize = 64;

/// The turns of each registry. One that answers slowly takes none of another's.
#[derive(Default)]
pub(super) struct RegistryTurns(Mutex<HashMap<String, Arc<Semaphore>>>);

impl RegistryTurns {
    /// Waits for a turn, in the order of asking. It ends when what is returned is dropped.
    pub(super) async fn wait(&self, registry: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let of_registry = all.entry(registry.to_owned());
            Arc::clone(of_registry.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        // Only a closed one gives none, and nobody closes it.
        turns.acquire_owned().await.ok()
    }
}
