//! Names given on the command line against those that exist.

use super::outcome::Failure;

/// Checks a name; one that is not there is answered with the nearest that is.
///
/// # Errors
/// A usage error.
pub fn known<'a>(what: &str, name: &str, all: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let all: Vec<&str> = all.into_iter().collect();
    if all.contains(&name) {
        return Ok(());
    }
    let nearest = all
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let shown = 12;
    let mut list = all.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
    if all.len() > shown {
        list.push_str(&format!(" and {} more", all.len() - shown));
    }
    let next = match (nearest, all.is_empty()) {
        (Some((_, near)), _) => format!("did you mean {near:?}? (known: {list})"),
        (None, false) => format!("known: {list}"),
        (None, true) => "there is none: run pindeck in a repository with manifests that pin images".to_owned(),
    };
    Err(Failure::usage(format!("there is no {what} {name:?}"), next))
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
