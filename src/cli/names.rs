//! Names given on the command line against those that exist.

use crate::config::unknown;
use crate::domain::failure::Failure;

/// Checks a name; one that is not there is answered with the nearest that is.
///
/// # Errors
/// A usage error.
pub(crate) fn known<'a>(what: &str, name: &str, all: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let all: Vec<&str> = all.into_iter().collect();
    if all.contains(&name) {
        return Ok(());
    }
    Err(unknown(what, name, &all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let error = known("environment", "prodution", ["staging", "production"]).expect_err("wrong");
        assert_eq!(error.kind, crate::domain::FailureKind::Usage);
        let next = error.next();
        assert!(next.as_str().contains("did you mean \"production\"?"), "{next}");
        assert!(known("environment", "staging", ["staging"]).is_ok());
        assert!(known("service", "x", []).is_err());
    }
}
