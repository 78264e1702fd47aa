//! The clients of `oci-client` that stream large blobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use oci_client::Client;
use reqwest::header::HeaderValue;

/// The clients that stream, shared by all copies of a run.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) clients: Mutex<HashMap<StreamClientKey, Client>>,
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Streams")
    }
}

/// What one client can be used for. A client keeps one authorization per registry.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct StreamClientKey {
    pub(super) plain: bool,
    pub(super) loopback: bool,
    pub(super) ca: Option<Arc<str>>,
    pub(super) authorization: Option<(String, HeaderValue)>,
}
