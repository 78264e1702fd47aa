//! Texts that only the program itself writes, in a scan that was kept: each is there once, for as long as the program runs.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer};

/// A text of the program. (The alias keeps serde from taking it for one that is borrowed from what is read.)
pub(crate) type KnownText = &'static str;

static KNOWN: Mutex<BTreeSet<KnownText>> = Mutex::new(BTreeSet::new());

/// Reads one. There are as many as the program has, for nothing is read back that another program wrote.
pub(super) fn known_text<'de, D: Deserializer<'de>>(from: D) -> Result<KnownText, D::Error> {
    let text = String::deserialize(from)?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = known.get(text.as_str()) {
        return Ok(same);
    }
    let text: KnownText = Box::leak(text.into_boxed_str());
    known.insert(text);
    Ok(text)
}
