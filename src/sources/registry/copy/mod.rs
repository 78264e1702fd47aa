//! The promotion copy: the same bytes with all their evidence, at the destination.
//!
//! Everything is addressed by digest; nothing is serialised again. Order: blobs, children, the
//! image or index itself, its evidence, and the release tag last, so that a tag never names what
//! is not all there. What is there already is not sent, so a repeat finishes what a first run left.

mod evidence;
mod job;
mod preflight;
mod push;
mod push_probe;
mod resume;
mod run;
mod source;
mod upload_location;
mod walk;

pub use job::{CopyProgress, CopyReport, CopyRequest, MissingEvidence};
pub use preflight::Preflight;
