//! Names given on the command line against those that exist.

use super::outcome::{Failure, USAGE};
use crate::config::unknown;

/// Checks a name; one that is not there is answered with the nearest that is.
///
/// # Errors
/// A usage error.
pub fn known<'a>(what: &str, name: &str, all: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let all: Vec<&str> = all.into_iter().collect();
    if all.contains(&name) {
        return Ok(());
    }
    Err(Failure::told(USAGE, &unknown(what, name, &all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let error = known("environment", "prodution", ["staging", "production"]).expect_err("wrong");
        assert_eq!(error.code, 2);
        assert!(error.next.contains("did you mean \"production\"?"), "{}", error.next);
        assert!(known("environment", "staging", ["staging"]).is_ok());
        assert!(known("service", "x", []).is_err());
    }
}
