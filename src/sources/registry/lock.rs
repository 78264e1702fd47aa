//! Locks of shared state.

use std::sync::{Mutex, PoisonError};

/// A lock that a panic elsewhere cannot poison for good.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
