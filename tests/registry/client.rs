//! Registry clients with limits that suit tests.

use std::time::Duration;

use pindeck::sources::registry::{ContentCache, Credentials, Limits, Options, Registry};

/// A registry client with pauses short enough for tests.
pub fn client(options: Options) -> Registry {
    let limits = Limits {
        deadline: Duration::from_secs(20),
        pause: Duration::from_millis(2),
        stream_above: 1000,
        ..Limits::default()
    };
    Registry::with_limits(options, limits).expect("valid options")
}

/// One without cache and credentials.
pub fn plain() -> Registry {
    client(Options::default())
}

/// One with a cache in a folder.
pub fn cached(folder: &std::path::Path) -> Registry {
    client(Options {
        cache: Some(ContentCache::open(folder, 1 << 28).expect("a cache")),
        credentials: Credentials::anonymous(),
        ..Options::default()
    })
}
