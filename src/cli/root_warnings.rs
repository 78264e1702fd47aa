//! What a command that is run once says about the trusted roots that it used.

use jiff::Timestamp;

use crate::app::age;
use crate::domain::text::Clean;
use crate::domain::trusted_root::RootInForce;

use super::output::warn;

/// How old a root is, in words.
pub(super) fn in_words(root: &RootInForce, now: Timestamp) -> Option<String> {
    root.fetched_at.map(|at| age::ago(at, now))
}

/// Tells of refreshed roots that do not count, and of old ones.
pub(crate) fn tell_problems(roots: &[RootInForce]) {
    let now = Timestamp::now();
    for root in roots {
        let name = Clean::from_untrusted(&root.name);
        if let Some(problem) = &root.problem {
            warn(&format!(
                "the refreshed root {name} does not count, the snapshot in this build does: {}; \
                 `pindeck trust update` brings it back",
                problem.quoted()
            ));
        } else if root.is_old(now) {
            let age = in_words(root, now).unwrap_or_else(|| "of unknown age".to_owned());
            warn(&format!(
                "the trusted root {name} was last confirmed {age}, so newer evidence may be unsupported: \
                 `pindeck trust update` asks for a newer one"
            ));
        }
    }
}
