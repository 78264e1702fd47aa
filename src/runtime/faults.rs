//! Faults on purpose, so that tests see what a person is left with after a fault of pindeck itself.
//!
//! Only in builds with debug assertions: a release contains neither the variable's name nor a way to panic here.

/// Panics if `PINDECK_TEST_FAULT` is `PLACE:FILE` with this place, and that file exists.
#[cfg(debug_assertions)]
#[allow(clippy::panic, reason = "panicking is what it is for")]
pub(super) fn point(place: &str) {
    let Ok(asked) = std::env::var("PINDECK_TEST_FAULT") else {
        return;
    };
    if let Some((here, file)) = asked.split_once(':')
        && here == place
        && std::path::Path::new(file).exists()
    {
        panic!("a fault on purpose: {place}");
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub(super) const fn point(_: &str) {}
