//! What clusters run, beside what git pins (docs/reference/running.md).
//!
//! It is an observation and never evidence: no verdict, gate or candidate reads it. [`image_id`] reads what nodes
//! report, [`closure`] says which names the pinned bytes have, [`comparison`] decides about one container, and
//! [`observation`] about all of a namespace. [`blocked`] says who is in the way, [`reconciler`] whether the commit
//! has arrived.

pub mod blocked;
pub mod closure;
pub mod comparison;
pub mod image_id;
pub mod observation;
pub mod owner;
pub mod pods;
pub mod reconciler;
pub mod report;
pub mod rollout;
pub mod scope;
pub mod wait;
pub mod workload;

#[cfg(test)]
mod forms_tests;
#[cfg(test)]
mod sample_tests;
#[cfg(test)]
mod truth_tests;
