//! A map whose values are made once, by the first who asks for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Answers of one pass, each asked at most once.
pub(crate) struct OnceMap<K, V> {
    answers: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for OnceMap<K, V> {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> OnceMap<K, V> {
    /// The answer, asking if nobody has; concurrent askers wait for the one that asks.
    pub(crate) async fn get<F, Fut>(&self, key: K, ask: F) -> V
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = V>,
    {
        let cell = {
            let mut cells = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(ask).await.clone()
    }

    /// Whether somebody has asked already, answered or not.
    pub(crate) fn has_begun(&self, key: &K) -> bool {
        let cells = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        cells.contains_key(key)
    }

    /// The answer, if it has been given.
    pub(crate) fn peek(&self, key: &K) -> Option<V> {
        let cells = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        cells.get(key).and_then(|cell| cell.get().cloned())
    }
}
