//! The forge as it is asked: one client for as long as it is the same forge, so that it remembers what was answered.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::failure::Failure;
use crate::sources::forge::{ForgeAddress, ForgeClient, ForgeLimits, ForgeToken};

/// The forge that was asked last, with what it answered.
#[derive(Default)]
pub(super) struct Forges(Mutex<Option<Arc<ForgeClient>>>);

impl Forges {
    /// The client of a forge; the same one as long as it is the same forge.
    ///
    /// # Errors
    /// If there is no TLS.
    pub(super) fn client(&self, address: ForgeAddress) -> Result<Arc<ForgeClient>, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.as_ref().filter(|known| *known.address() == address) {
            return Ok(Arc::clone(known));
        }
        let token = ForgeToken::find(&address);
        let client = Arc::new(ForgeClient::new(address, token, ForgeLimits::default())?);
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Requests that were sent so far.
    pub(super) fn requests(&self) -> u64 {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map_or(0, |client| client.requests())
    }
}
