//! Genuine evidence of the corpus, ready to be asked about. Where another corpus lacks a case, that is said loudly.

use pindeck::sources::evidence::{Carrier, Item};
use serde_json::Value;

use super::ask::Ask;
use super::evidence_cases::{Case, cases, corpus, item};
use super::forge::BUNDLE;
use super::skip::{Want, skipped};

/// A case by its name.
pub fn case(id: &str) -> Option<Case> {
    let folder = corpus();
    let found = cases(&folder).into_iter().find(|c| c.id == id);
    if found.is_none() {
        skipped(Want::Data, &format!("no case {id} in {}", folder.display()));
    }
    found
}

/// The question of a case, its items, and the digest it is about.
pub fn layout(id: &str) -> Option<(Ask, Vec<Item>)> {
    let case = case(id)?;
    let asked = case.ask(None).expect("trust");
    let (bytes, items) = case.layout_items(asked.subject).expect("a layout");
    let mut profile = case.profile(None);
    profile.name = "test".to_owned();
    let mut ask = Ask::new(profile, asked.subject);
    ask.bytes = Some(bytes);
    Some((ask, items))
}

/// The question of a case, and its bundle.
pub fn bundle(id: &str) -> Option<(Ask, Value)> {
    let case = case(id)?;
    let bytes = case.evidence_bytes();
    let asked = case.ask(Some(&bytes)).expect("trust");
    let mut profile = case.profile(Some(&bytes));
    profile.name = "test".to_owned();
    let mut ask = Ask::new(profile, asked.subject);
    ask.bytes = asked.bytes;
    Some((ask, serde_json::from_slice(&bytes).expect("JSON")))
}

/// A bundle, perhaps changed, as a referrer.
pub fn as_item(ask: &Ask, bundle: &Value) -> Item {
    item(ask.subject, BUNDLE, Carrier::Referrer, bundle.to_string().into_bytes())
}
